"""Checks on Adagrad and RMSProp: what divides the step, how soon it adapts, whether it can burst (B3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from varlab.claims.recursions import Array, adagrad_denominators, descend, rmsprop_denominators
from varlab.core import Context, Finding, generator
from varlab.theory.symbols import g, v

Denominator = Callable[[Array], Array]
# float64 sums of at most 100 squares.
ROUNDING = 1e-12


def root_mean_square(gradients: Array) -> Array:
    """Root mean square of all gradients so far, at every step."""
    steps = np.arange(1, len(gradients) + 1)
    return np.asarray(np.sqrt(np.cumsum(gradients**2) / steps))


def check_adagrad_denominator(formula: Denominator, context: Context) -> Finding:
    """Adagrad's recursion against the stated denominator."""
    gradients = generator(context.seed, "claims", context.claim).standard_normal(100)
    actual, stated = adagrad_denominators(gradients), formula(gradients)
    ratio = actual / stated
    first = int(np.argmax(np.abs(ratio - 1) > ROUNDING))
    if abs(ratio[first] - 1) <= ROUNDING:
        return Finding.supports(
            "the denominators agree over 100 steps", error=float(ratio.max() - 1)
        )
    power = np.polyfit(np.log(np.arange(1, 101)), np.log(ratio), 1)[0]
    return Finding.refutes(
        "Adagrad divides by the root of the SUM of all past squared gradients: over 100 steps the "
        f"ratio to the root mean square grows like t^{power:.3f} (1 at t = 1, {ratio[-1]:.3f} at "
        "t = 100), so the step falls like 1/sqrt(t) for gradients of steady size. The statement "
        "becomes true with lr/sqrt(t) in place of lr",
        counterexample={
            "t": first + 1,
            "g": ", ".join(f"{x:.4f}" for x in gradients[: first + 1]),
            "Adagrad's denominator": float(actual[first]),
            "root mean square": float(stated[first]),
        },
        error=float(ratio.max() - 1),
        domain="t = 1",
    )


@dataclass(frozen=True)
class Adaptation:
    """The statement that RMSProp adapts sooner than Adagrad.

    Attributes
    ----------
    sooner, later : str
        ``"rmsprop"`` or ``"adagrad"``.
    decays : tuple of float
        RMSProp's decays that are tried.
    changes : tuple of int
        Steps at which the scale changes; the source names no time, so early and late ones.
    """

    sooner: str
    later: str
    decays: tuple[float, ...] = (0.9, 0.99)
    changes: tuple[int, ...] = (10, 100, 1000, 3000)


# Adapted: the denominator is within 10% of what it would be had the new scale held from the start.
ADAPTED = 0.10
RATIOS = (0.01, 0.1, 10.0, 100.0)


def target(ratio: float) -> float:
    """Squared denominator over its value under the new scale at which it counts as adapted."""
    return (1 + ADAPTED) ** 2 if ratio < 1 else (1 - ADAPTED) ** 2


def adagrad_time(ratio: float, change: int) -> float:
    """Steps after ``change`` until adapted; gradient scale 1 before, ``ratio`` after.

    (T + r^2 k)/(r^2 (T + k)) = target, so k = T (1/r^2 - target)/(target - 1): proportional to T.
    """
    goal = target(ratio)
    return change * (ratio**-2 - goal) / (goal - 1)


def rmsprop_time(ratio: float, decay: float) -> float:
    """The same for RMSProp: 1 + (1/r^2 - 1) decay^k = target, free of T."""
    return math.log((ratio**-2 - 1) / (target(ratio) - 1)) / -math.log(decay)


def counted_time(denominators: Array, settled: Array, change: int) -> int:
    """The same by running: steps after the change until within 10% for good."""
    late = np.flatnonzero(np.abs(denominators / settled - 1) > ADAPTED)
    return int(late[-1]) + 1 - change if len(late) else 0


def check_adaptation(formula: Adaptation, _: Context) -> Finding:
    """Closed forms of both times, checked by running where that is short, and compared."""
    earliest, found = 0.0, None
    lines = []
    for ratio in RATIOS:
        for decay in formula.decays:
            rms = rmsprop_time(ratio, decay)
            for change in formula.changes:
                times = {"rmsprop": rms, "adagrad": adagrad_time(ratio, change)}
                if found is None and not times[formula.sooner] < times[formula.later]:
                    found = {"ratio": ratio, "decay": decay, "change at step": change, **times}
            crossing = rms / adagrad_time(ratio, 1)
            earliest = max(earliest, crossing)
            lines.append(
                f"x{ratio:g}, decay {decay}: {rms:.0f} against {adagrad_time(ratio, 1):.3g} T "
                f"(T > {crossing:.2g})"
            )
    gap = _runs_agree()
    if gap > 1:
        return Finding.silent(f"closed forms and runs differ by {gap} steps")
    slow = rmsprop_time(10.0, 0.999) / adagrad_time(10.0, 1)
    detail = (
        "steps until the denominator is within 10% of its value under the new scale, RMSProp against "
        f"Adagrad, change at step T: {'; '.join(lines)}. RMSProp's time does not depend on T and "
        "Adagrad's is proportional to it, so RMSProp is the sooner one after long training only, from "
        f"a T* on that depends on scale ratio and decay; decay 0.999, x10 needs T > {slow:.0f}"
    )
    if found is None:
        return Finding.supports(detail, domain=f"changes at steps {formula.changes}")
    return Finding.refutes(
        detail,
        counterexample=found,
        domain=f"change after step {math.ceil(earliest)} for decays {formula.decays} and scale ratios "
        f"{RATIOS[0]:g} to {RATIOS[-1]:g}; in general T > T*(ratio, decay)",
    )


def _runs_agree() -> float:
    """Largest difference of counted and closed-form times, in steps, for x10 and x0.5."""
    worst = 0.0
    for ratio in (10.0, 0.5):
        change, total = 100, 2500
        steps = np.arange(total)
        gradients = np.where(steps < change, 1.0, ratio)
        rms = counted_time(rmsprop_denominators(gradients, 0.9), np.full(total, ratio), change)
        ada = counted_time(adagrad_denominators(gradients), ratio * np.sqrt(steps + 1), change)
        worst = max(worst, abs(rms - rmsprop_time(ratio, 0.9)))
        worst = max(worst, abs(ada - adagrad_time(ratio, change)))
    return worst


@dataclass(frozen=True)
class TwoRates:
    """B3's picture of gradient descent with two rates and of Adagrad.

    Attributes
    ----------
    fast, slow : float
        The two rates of gradient descent.
    steps : int
        After which the slow one has not arrived.
    rate_grows : bool
        Whether Adagrad's effective rate, lr over the root of the accumulator, grows before its burst.
    """

    fast: float
    slow: float
    steps: int
    rate_grows: bool


ROTATION = np.array([[1.0, -1.0], [1.0, 1.0]]) / math.sqrt(2)
FLAT, STEEP = 1.0, 150.0
ADAGRAD_LR = 0.5
# A steep component of the size of rounding errors: the start lies on the flat direction.
SPECK = 1e-12


def check_effective_rate(formula: TwoRates, _: Context) -> Finding:
    """Adagrad's rate from one step to the next: lr/sqrt(v) to lr/sqrt(v + g^2), on any surface."""
    ratio = sp.sqrt(v / (v + g**2))
    never = sp.simplify(1 - ratio**2 - g**2 / (v + g**2)) == 0
    if not never:
        return Finding.silent("the ratio of successive rates does not simplify")
    if not formula.rate_grows:
        return Finding.supports("rate_(t+1)/rate_t = sqrt(v/(v + g^2)) <= 1 for every gradient")
    return Finding.refutes(
        "rate_(t+1)/rate_t = sqrt(v/(v + g^2)) <= 1 for every gradient and every surface: the "
        "effective rate never grows, so its growth cannot be the cause of a burst. Read as the "
        "accumulator, the sum of g^2, the clause 'has grown' is true at every step of every run; but "
        "its growth lowers the rate and works against a burst, so it is no cause in this reading "
        "either. The refutation is of the cause and needs no surface. The other parts can be had on a "
        "convex quadratic (next evidence); B3 does not give its surface, so its own curves cannot be "
        "rerun, and nothing is said here about whether they burst",
        counterexample={
            "v": 1.0,
            "g": 1.0,
            "rate before": 1.0,
            "rate after": float(ratio.subs({v: 1, g: 1})),
        },
    )


def check_two_rates(formula: TwoRates, _: Context) -> Finding:
    """The four parts on a convex quadratic, curvatures 1 and 150, axes rotated by 45 degrees."""
    hessian = ROTATION @ np.diag([FLAT, STEEP]) @ ROTATION.T
    on_axis, off_axis = ROTATION[:, 0] + SPECK * ROTATION[:, 1], ROTATION @ np.array([1.0, 1.0])

    def gradient(point: Array) -> Array:
        return np.asarray(hessian @ point)

    fast = descend(gradient, off_axis, 50, lambda t: formula.fast)[0]
    along = fast @ ROTATION[:, 1]
    oscillates = bool(np.all(along[1:] * along[:-1] < 0))
    # Gradient descent contracts each axis by (1 - lr curvature) a step.
    remaining = (1 - formula.slow * FLAT) ** formula.steps
    points, rates = descend(gradient, on_axis, 400, lambda t: ADAGRAD_LR, adagrad=True)
    distance = np.linalg.norm(points, axis=1)
    peak = int(np.argmax(np.abs(points @ ROTATION[:, 1])))
    nearest = int(np.argmin(distance[: peak + 1]))
    decayed = descend(gradient, on_axis, 400, lambda t: ADAGRAD_LR / t, adagrad=True)[0]
    calm = float(np.max(np.abs(decayed @ ROTATION[:, 1])))
    growth = float(rates[peak - 1, 0] / rates[0, 0])
    detail = (
        f"quadratic, curvatures {FLAT:g} and {STEEP:g}: lr {formula.fast:g} oscillates along the steep "
        f"axis ({oscillates}; whenever 1 < lr x curvature < 2); lr {formula.slow:g} keeps "
        f"{remaining:.1%} of the flat distance after {formula.steps} steps; Adagrad (lr {ADAGRAD_LR}, "
        f"no eps, started on the flat axis) comes to {distance[nearest]:.3g} at step {nearest}, bursts "
        f"to {distance[peak]:.3g} at step {peak} and ends at {distance[-1]:.1g}: a steep component of "
        f"1e-12 grows while rate x curvature > 2. At the burst the rate is {growth:.3f} of the first. "
        f"With lr falling like 1/t the steep component stays below {calm:.2g}, and the distance "
        f"after 400 steps is {np.linalg.norm(decayed[-1]):.2g}"
    )
    grown = growth > 1
    parts = oscillates and remaining > 0.5
    if parts and grown == formula.rate_grows:
        return Finding.supports(detail, domain="the quadratic of this check")
    return Finding.refutes(
        detail,
        counterexample={
            "curvatures": f"{FLAT:g}, {STEEP:g}",
            "rate at the burst / first rate": growth,
            "stated": "the accumulated rate has grown" if formula.rate_grows else "it has not",
        },
    )
