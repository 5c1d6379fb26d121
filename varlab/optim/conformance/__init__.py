"""`varlab conform`: recover the rectification factor of any RAdam from its steps alone."""

from varlab.optim.conformance.compiled import why_not_compiled
from varlab.optim.conformance.conform import GRID, conform
from varlab.optim.conformance.finding import Finding, Grade
from varlab.optim.conformance.load import load_target
from varlab.optim.conformance.peers import Peer, known_peers, missing_peers
from varlab.optim.conformance.result import Conformance, Verdict

__all__ = [
    "conform",
    "load_target",
    "Conformance",
    "Verdict",
    "Finding",
    "Grade",
    "GRID",
    "Peer",
    "known_peers",
    "missing_peers",
    "why_not_compiled",
]
