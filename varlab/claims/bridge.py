"""From what theory could establish to a finding of the ledger."""

from __future__ import annotations

from collections.abc import Iterable

from varlab.core import Finding
from varlab.theory.checking import Checked, Outcome
from varlab.theory.derivation import Derivation


def as_finding(checked: Checked, *, domain: str | None = None, note: str = "") -> Finding:
    """A finding from one checked statement; ``note`` says what was checked."""
    detail = f"{note}: {checked.how}" if note else checked.how
    if checked.outcome is Outcome.REFUTED:
        point = checked.counterexample or {"statement": note or checked.how}
        return Finding.refutes(detail, counterexample=point, error=checked.error)
    if checked.outcome is Outcome.UNKNOWN:
        return Finding.silent(detail)
    return Finding.supports(detail, error=checked.error, domain=domain)


def derivation_finding(derivation: Derivation, *, domain: str | None = None) -> Finding:
    """Speaks for the claim when every step of its derivation checks; the first wrong step refutes."""
    checks = derivation.check()
    for step, checked in zip(derivation.steps, checks, strict=True):
        if not checked:
            return as_finding(checked, note=f"step '{step.title}'")
    proved = sum(c.outcome is Outcome.PROVED for c in checks)
    detail = f"{derivation.title}: {proved} of {len(checks)} steps proved"
    confirmed = [
        f"'{step.title}' ({checked.how})"
        for step, checked in zip(derivation.steps, checks, strict=True)
        if checked.outcome is Outcome.CONFIRMED
    ]
    if confirmed:
        detail += f", {len(confirmed)} confirmed: {'; '.join(confirmed)}"
    return Finding.supports(detail, error=_largest(c.error for c in checks), domain=domain)


def _largest(errors: Iterable[float | None]) -> float | None:
    return max((e for e in errors if e is not None), default=None)
