"""From evidence to verdict. No verdict is ever typed: this is the only place where one is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from varlab.core.evidence import Evidence, EvidenceKind, Scalar
from varlab.core.kinds import ClaimKind


class Verdict(StrEnum):
    """The five answers. ``not-run`` needs a larger budget and is no failure."""

    HOLDS = "holds"
    HOLDS_WITHIN = "holds-within"
    FAILS = "fails"
    UNDECIDED = "undecided"
    NOT_RUN = "not-run"


@dataclass(frozen=True)
class Ruling:
    """A verdict and what it rests on.

    Attributes
    ----------
    verdict : Verdict
    reason : str
        Which rule made it; for ``undecided`` what is missing.
    error : float or None
        The largest error over the computed evidence that decided, over samples where there is no
        other (relative unless a detail says otherwise).
    domain_found : str or None
        The widest domain on which the strongest evidence shows the claim.
    counterexample : mapping or None
        For ``fails``.
    evidence : tuple of Evidence
    """

    verdict: Verdict
    reason: str
    error: float | None
    domain_found: str | None
    counterexample: Mapping[str, Scalar] | None
    evidence: tuple[Evidence, ...]


def judge(kind: ClaimKind, evidence: tuple[Evidence, ...], *, postponed: bool = False) -> Ruling:
    """Turn evidence into a verdict.

    1. Nothing could tell: ``not-run`` if checks were postponed to a larger budget, else ``undecided``.
    2. A refutation stands, and the claim ``fails``, unless evidence of a strictly stronger kind
       speaks for the claim: then the witnesses contradict each other and it is ``undecided``.
       (Agreement of weaker or equal evidence does not save a universal statement from a
       counterexample: a sample may have missed it.)
    3. All that could tell agree: an approximation, or an exact statement that only samples speak
       for, ``holds-within``; everything else ``holds``.
    """
    telling = [e for e in evidence if e.agrees is not None]
    against = [e for e in telling if e.agrees is False]
    support = [e for e in telling if e.agrees is True]
    if not telling:
        if postponed:
            return _ruling(Verdict.NOT_RUN, "needs a larger budget: --budget full", evidence, [])
        reasons = "; ".join(e.finding.detail for e in evidence) or "no evidence"
        return _ruling(Verdict.UNDECIDED, reasons, evidence, [])
    if against:
        strongest = max(e.kind.rank for e in against)
        if any(e.kind.rank > strongest for e in support):
            reason = "witnesses contradict each other: stronger evidence agrees, weaker refutes"
            return _ruling(Verdict.UNDECIDED, reason, evidence, telling)
        return _ruling(Verdict.FAILS, "refuted by a counterexample", evidence, against, support)
    only_samples = all(e.kind in (EvidenceKind.MONTE_CARLO, EvidenceKind.TRAINING) for e in support)
    if kind is ClaimKind.APPROXIMATION:
        return _ruling(Verdict.HOLDS_WITHIN, "error below the tolerance", evidence, support)
    if only_samples and kind in (ClaimKind.EXACT, ClaimKind.INEQUALITY):
        return _ruling(Verdict.HOLDS_WITHIN, "only samples speak for it", evidence, support)
    return _ruling(Verdict.HOLDS, "all evidence agrees", evidence, support)


def _ruling(
    verdict: Verdict,
    reason: str,
    evidence: tuple[Evidence, ...],
    deciding: list[Evidence],
    others: list[Evidence] | None = None,
) -> Ruling:
    by_strength = sorted(deciding, key=lambda e: -e.kind.rank)
    # The noise of a sample is no error of a statement that was computed without sampling.
    computed = [e for e in deciding if e.kind in (EvidenceKind.SYMBOLIC, EvidenceKind.NUMERIC)]
    errors = [e.finding.error for e in computed if e.finding.error is not None] or [
        e.finding.error for e in deciding if e.finding.error is not None
    ]
    # Where a failing claim does hold, evidence that speaks for a part of it may know.
    domains = [e.finding.domain for e in (*by_strength, *(others or ())) if e.finding.domain]
    counterexamples = [e.finding.counterexample for e in by_strength if e.finding.counterexample]
    return Ruling(
        verdict=verdict,
        reason=reason,
        error=max(errors, default=None),
        domain_found=domains[0] if domains else None,
        counterexample=counterexamples[0] if verdict is Verdict.FAILS else None,
        evidence=evidence,
    )
