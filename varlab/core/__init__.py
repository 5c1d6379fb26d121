"""What every layer shares: claims and their verdicts, results, seeds, errors. Standard library and NumPy only."""

from varlab.core.claim import (
    Budget,
    Check,
    Claim,
    ClaimKind,
    Context,
    monte_carlo,
    numeric,
    symbolic,
    training,
)
from varlab.core.errors import DomainError, InputError, among, real, require, shown, told, whole
from varlab.core.evidence import Evidence, EvidenceKind, Finding
from varlab.core.judge import Ruling, Verdict, judge
from varlab.core.result import Result, axes_or_new, shortest
from varlab.core.seeds import generator, seed_sequence

__all__ = [
    "Budget",
    "Check",
    "Claim",
    "ClaimKind",
    "Context",
    "DomainError",
    "Evidence",
    "EvidenceKind",
    "Finding",
    "InputError",
    "Result",
    "Ruling",
    "Verdict",
    "among",
    "axes_or_new",
    "generator",
    "judge",
    "monte_carlo",
    "numeric",
    "real",
    "require",
    "seed_sequence",
    "shortest",
    "shown",
    "symbolic",
    "told",
    "training",
    "whole",
]
