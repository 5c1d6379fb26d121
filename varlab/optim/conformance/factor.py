"""Is the recovered factor r_t, and if not, what is it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from varlab.optim.conformance.averages import averages
from varlab.optim.conformance.forms import FORMS, SuspectForm
from varlab.optim.conformance.precision import Arithmetic, factor_error
from varlab.optim.conformance.recover import Phase, Recovery
from varlab.optim.conformance.reference import reference
from varlab.optim.conformance.scenario import FloatArray
from varlab.optim.conformance.suspects import MARGIN, RIGHT, SUSPECTS, Suspect, View

# Where float32's own rounding may move the textbook r_t by this much, float32 decides nothing.
_UNDECIDABLE = 0.25
# Fewer adaptive steps than this over the whole grid cannot tell one suspect from another.
_ENOUGH_STEPS = 8


@dataclass(frozen=True)
class FactorJudgement:
    """What the adaptive steps over the grid of beta2 come from.

    Attributes
    ----------
    suspect : Suspect or None
        RIGHT, the mistake that explains them, or None when nothing known does.
    form : SuspectForm or None
        The wrong form of step under which the suspect fits; None: mhat/sqrt(vhat).
    arithmetic : Arithmetic
        In what r_t is computed; WRONG unless the factor is r_t.
    errors : mapping of float to (float or None)
        beta2 -> largest relative error of the recovered factor over the adaptive steps that have
        an r_t (rho_t > 4); None without such steps.
    worst : (float, int) or None
        The (beta2, t) at which to show a deviation: early, and as large as any.
    """

    suspect: Suspect | None
    form: SuspectForm | None
    arithmetic: Arithmetic
    errors: Mapping[float, float | None]
    worst: tuple[float, int] | None


def view_of(recovery: Recovery) -> View:
    """The steps of a recovery as suspects see them."""
    steps = recovery.steps
    return View(
        recovery.beta1,
        recovery.beta2,
        steps,
        reference(recovery.beta2, steps, MARGIN),
        reference(recovery.beta1, steps, MARGIN),
    )


def judge_factor(recoveries: Sequence[Recovery]) -> FactorJudgement:
    """Find out what the adaptive steps' factor is.

    r_t in float64 comes first, then every known mistake in float64, then r_t in float32 (whose
    tolerance is wide at large beta2 and would hide a mistake), then the mistakes in float32, then
    the mistakes in the form of the step.
    """
    errors = {r.beta2: _largest_error(r) for r in recoveries}
    worst = _worst(recoveries)
    if _adaptive_steps(recoveries) < _ENOUGH_STEPS:
        return FactorJudgement(None, None, Arithmetic.WRONG, errors, worst)
    for arithmetic in (Arithmetic.FLOAT64, Arithmetic.FLOAT32):
        if _fits(recoveries, RIGHT, arithmetic):
            return FactorJudgement(RIGHT, None, arithmetic, errors, worst)
        for suspect in SUSPECTS:
            if _fits(recoveries, suspect, arithmetic):
                return FactorJudgement(suspect, None, Arithmetic.WRONG, errors, worst)
    for form in FORMS:
        reformed = [_under(form, r) for r in recoveries]
        if _fits(reformed, RIGHT, Arithmetic.FLOAT32):
            return FactorJudgement(RIGHT, form, Arithmetic.WRONG, errors, worst)
    return FactorJudgement(None, None, Arithmetic.WRONG, errors, worst)


def tolerance(recovery: Recovery, arithmetic: Arithmetic) -> FloatArray:
    """Allowed relative error of the factor at each step."""
    state = "float32" if recovery.float32 or arithmetic is Arithmetic.FLOAT32 else "float64"
    steps = recovery.steps
    found = reference(recovery.beta2, steps, MARGIN)
    return factor_error(found, steps, arithmetic.value, state)


def _fits(recoveries: Sequence[Recovery], suspect: Suspect, arithmetic: Arithmetic) -> bool:
    decided = 0
    for recovery in recoveries:
        adaptive = recovery.where(Phase.ADAPTIVE)
        if not adaptive.any():
            continue
        with np.errstate(all="ignore"):  # a suspect may be infinite or undefined at some step
            predicted = suspect.factor(view_of(recovery))[adaptive]
            allowed = tolerance(recovery, arithmetic)[adaptive]
            off = np.abs(recovery.factor[adaptive] / predicted - 1)
        # where there is no r_t a suspect that is defined there is held to a millionth
        allowed = np.where(np.isnan(allowed), 1e-6, allowed)
        telling = allowed < _UNDECIDABLE
        decided += int(telling.sum())
        close = (off <= allowed) & (recovery.spread[adaptive] <= allowed)
        if not np.all(close[telling]):
            return False
    return decided >= _ENOUGH_STEPS


def _under(form: SuspectForm, recovery: Recovery) -> Recovery:
    """The recovery with its factor taken against another form of step."""
    with np.errstate(all="ignore"):
        steps = form.step(recovery.gradients, recovery.beta1, recovery.beta2)
        ratios = -recovery.moves / steps
    kept = averages(recovery.gradients, recovery.beta1, recovery.beta2).cancellation > 0.25
    kept &= np.abs(steps) > 0.25 * np.abs(steps).max(axis=1, keepdims=True)
    factor, spread = np.full(recovery.steps, np.nan), np.full(recovery.steps, np.nan)
    for t in np.flatnonzero(recovery.where(Phase.ADAPTIVE)):
        row = ratios[t][kept[t]]
        if row.size and np.isfinite(row).all() and np.median(row) != 0:
            factor[t] = np.median(row)
            spread[t] = np.abs(row / factor[t] - 1).max()
    return Recovery(
        recovery.beta1,
        recovery.beta2,
        recovery.gradients,
        recovery.moves,
        recovery.phases,
        factor,
        spread,
        recovery.raised,
    )


def _adaptive_steps(recoveries: Sequence[Recovery]) -> int:
    return sum(int(r.where(Phase.ADAPTIVE).sum()) for r in recoveries)


def _errors(recovery: Recovery) -> FloatArray:
    """Relative error at each step; NaN where not adaptive, inf where rho_t <= 4."""
    adaptive = recovery.where(Phase.ADAPTIVE)
    right = reference(recovery.beta2, recovery.steps, MARGIN).window(0, recovery.steps)[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.abs(recovery.factor / right - 1)
    off[np.isnan(off)] = np.inf
    off[~adaptive] = np.nan
    return np.asarray(off)


def _largest_error(recovery: Recovery) -> float | None:
    off = _errors(recovery)
    seen = off[np.isfinite(off)]
    return float(seen.max()) if seen.size else None


def _worst(recoveries: Sequence[Recovery]) -> tuple[float, int] | None:
    """Where a deviation shows best: within half of the largest, at the smallest t."""
    candidates: list[tuple[float, int, float]] = []
    for recovery in recoveries:
        off = np.maximum(_errors(recovery), recovery.spread)
        candidates += [
            (recovery.beta2, int(i) + 1, float(off[i])) for i in np.flatnonzero(~np.isnan(off))
        ]
    if not candidates:
        return None
    largest = max(min(off, 1.0) for _, _, off in candidates)
    near = [(t, beta2) for beta2, t, off in candidates if off >= largest / 2]
    t, beta2 = min(near)
    return beta2, t
