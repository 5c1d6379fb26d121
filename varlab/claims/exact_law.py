"""The law of psi_t: the scaled inverse chi-square that R assumes, and Kish's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import sympy as sp
from scipy import optimize

from varlab.claims.bridge import as_finding, derivation_finding
from varlab.claims.monte_carlo_rates import check_assumption, check_kish
from varlab.claims.moving_average import compiled
from varlab.core import Claim, ClaimKind, Context, Finding, monte_carlo, numeric, symbolic
from varlab.numerics import psi_variance, psi_variance_at
from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.numerics.scaled_inverse_chi import ScaledInverseChi
from varlab.theory import kish
from varlab.theory.checking import check_equal
from varlab.theory.moving_average import DOMAIN, rho_limit, rho_t
from varlab.theory.sums import by_closing_sums
from varlab.theory.symbols import b2, t

# Decays in use: 0.999 is Adam's default, R takes 0.9995 for translation.
PRACTICE = (0.99, 0.999, 0.9999)
WIDER = (0.8, 0.9, 0.95, *PRACTICE)
SCALED_TIMES = (0.01, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
PROBABILITIES = np.linspace(0.01, 0.99, 99)
# 'About' means here, as in every approximation without a number, that the first digit is right.
FIRST_DIGIT = 0.10


def steps_of(decay: float) -> np.ndarray:
    """Small steps, and t (1 - beta2) from 0.01 to 8; Var[psi_t] is finite from t = 3."""
    scaled = np.round(np.array(SCALED_TIMES) / (1 - decay))
    return np.unique(np.concatenate([[3, 4, 5, 6, 10], scaled[scaled >= 3]]))


def variance_error(degrees: Callable[[float, float], float], decay: float) -> np.ndarray:
    """Var[psi] at the degrees of freedom over the exact Var[psi_t], minus 1, for ``steps_of``."""
    steps = steps_of(decay)
    assumed = np.array([_variance(float(degrees(step, decay))) for step in steps])
    return np.asarray(assumed / psi_variance_at(steps, decay) - 1)


def _variance(degrees: float) -> float:
    return float(psi_variance(degrees)) if degrees > 2 else np.inf


def distance(degrees: float, step: float, decay: float) -> float:
    """Kolmogorov distance between the scaled inverse chi law and the exact law of psi_t."""
    assumed = ScaledInverseChi(degrees)
    points = np.asarray(assumed.ppf(PROBABILITIES))
    exact = np.asarray(AdaptiveRate(step, decay).cdf(points))
    return float(np.max(np.abs(exact - PROBABILITIES)))


def _worst(formula: sp.Expr, decays: Sequence[float]) -> tuple[float, float, float]:
    degrees = compiled(formula)
    found = []
    for decay in decays:
        error = np.abs(variance_error(degrees, decay))
        at = int(np.argmax(error))
        found.append((float(error[at]), float(steps_of(decay)[at]), decay))
    return max(found)


def _describe(formula: sp.Expr, decays: Sequence[float]) -> str:
    parts = []
    for decay in decays:
        error, step, _ = _worst(formula, (decay,))
        parts.append(f"{error:.2%} at t = {step:.0f} for beta2 = {decay}")
    return ", ".join(parts)


def _assumption_variance(formula: sp.Expr, context: Context) -> Finding:
    degrees, tolerance, decay = compiled(formula), context.required_tolerance, 0.999
    error, step, worst_decay = _worst(formula, PRACTICE)

    def excess(time: float) -> float:
        exact = float(psi_variance_at(time, decay))
        return abs(float(psi_variance(degrees(time, decay))) / exact - 1) - tolerance

    peak = _worst(formula, (decay,))[1]
    domain = "every t >= 3 tried"
    if excess(peak) > 0:
        first = _last_step(lambda n: excess(float(n)) <= 0, 5, int(peak))
        last = _last_step(lambda n: excess(float(n)) > 0, int(peak), 20_000) + 1
        domain = f"beta2 = {decay}: 3 <= t <= {first} and t >= {last}"
    ratio_at, ratio = kish.widest_gap()
    return Finding.within(
        error,
        tolerance,
        f"Var[psi_t] by the assumption is too large by {_describe(formula, WIDER)}. The cause: rho_t "
        f"falls below Kish's n_t, in the limit beta2 -> 1 by {1 - float(ratio):.1%} at "
        f"t (1-beta2) = {float(ratio_at):.2f}. The verdict turns on the tolerance: the largest error "
        f"from beta2 = {PRACTICE[0]} on is {error:.1%}, the convention {tolerance:.0%}; in "
        f"distribution the assumption is within {max(_law_gaps(formula))[0]:.3f} (Kolmogorov)",
        worst={
            "t": step,
            "beta2": worst_decay,
            "assumed": _variance(float(degrees(step, worst_decay))),
            "exact": float(psi_variance_at(step, worst_decay)),
        },
        domain=domain,
    )


def _last_step(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Largest n in [low, high) with ``holds(n)``, where it holds up to a point and then no more."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


@cache
def _law_gaps(formula: sp.Expr) -> tuple[tuple[float, int, float], ...]:
    """Kolmogorov distance of the assumed and the exact law, t and beta2."""
    degrees = compiled(formula)
    return tuple(
        (distance(degrees(step, decay), step, decay), step, decay)
        for decay in (0.9, 0.999)
        for step in (2, 3, 5, round(0.5 / (1 - decay)), round(1.5 / (1 - decay)))
    )


def _assumption_distribution(formula: sp.Expr, context: Context) -> Finding:
    found = _law_gaps(formula)
    gap, step, decay = max(found)
    listed = ", ".join(f"{d:.3f} at t = {n}, beta2 = {b}" for d, n, b in found)
    return Finding.within(
        gap,
        context.required_tolerance,
        f"Kolmogorov distance between the assumed and the exact law of psi_t: {listed}; 0 at t = 1",
        worst={"t": step, "beta2": decay, "kolmogorov_distance": gap},
        domain="in distribution: every t and beta2 tried",
    )


def _kish_symbolic(formula: sp.Expr, _: Context) -> Finding:
    same = check_equal(1 / kish.kish_sum(), 1 / formula, DOMAIN, prover=by_closing_sums)
    if not same:
        return as_finding(same, note="1 / sum w_i^2 against the closed form")
    return derivation_finding(kish.degrees_of_freedom())


def _kish_numeric(formula: sp.Expr, context: Context) -> Finding:
    tolerance = context.required_tolerance
    error, step, decay = _worst(formula, PRACTICE)
    detail = (
        f"Var[psi_t] at the stated n_t is off by {_describe(formula, PRACTICE)}, where rho_t is off "
        f"by {_describe(rho_t(), PRACTICE)}. For short averages: "
        f"{_describe(formula, (0.98, 0.95, 0.9, 0.8))}"
    )
    worst: dict[str, float | str] = {"t": step, "beta2": decay, "error": error}
    if not error <= tolerance:
        return Finding.refutes(detail, counterexample=worst, error=error)
    lowest = lowest_decay(lambda at: _largest_error(formula, at), tolerance)
    return Finding.within(
        error,
        tolerance,
        detail,
        worst=worst,
        domain=f"beta2 >= {lowest:.4f}: within {tolerance:.0%} at every t >= 3",
    )


def _kish_vanishing(formula: sp.Expr, _: Context) -> Finding:
    """The largest error against the derived leading one, (1-beta2) tanh(u/2), u = t (1-beta2).

    tanh(4) = 0.9993 at the last step tried, so the largest is 1 - beta2 up to (1-beta2)^2.
    """
    ratios = {decay: _worst(formula, (decay,))[0] / (1 - decay) for decay in PRACTICE}
    decay = max(ratios, key=lambda at: abs(ratios[at] - 1))
    listed = ", ".join(f"{ratio:.3f} at beta2 = {at}" for at, ratio in ratios.items())
    detail = f"largest error over 1 - beta2: {listed}"
    if not abs(ratios[decay] - 1) <= FIRST_DIGIT:
        return Finding.refutes(
            f"{detail}: the error does not vanish as 1 - beta2",
            counterexample={"beta2": decay, "largest error over 1 - beta2": ratios[decay]},
        )
    left = 1 / float(kish.widest_gap()[1]) - 1
    return Finding.supports(
        f"{detail}: it vanishes as 1 - beta2, with the derived constant 1, where rho_t's error tends "
        f"to {left:.3f}"
    )


def _largest_error(formula: sp.Expr, decay: float) -> float:
    """Largest relative error of Var[psi] over all t from 3 to 20/(1-beta2), where b2^t < e^-20."""
    steps = np.arange(3.0, 20 / (1 - decay))
    assumed = psi_variance(np.asarray(compiled(formula)(steps, decay)))
    return float(np.max(np.abs(np.asarray(assumed) / psi_variance_at(steps, decay) - 1)))


# Down to here every exact law needed is quick; a bound found lower is reported as this one.
LOWEST = 0.7


def lowest_decay(error: Callable[[float], float], level: float) -> float:
    """The beta2 in [LOWEST, 0.99] above which ``error`` stays within ``level``; LOWEST if at all of it."""
    if error(LOWEST) <= level:
        return LOWEST
    return float(optimize.brentq(lambda at: error(at) - level, LOWEST, PRACTICE[0], xtol=1e-4))


def _kish_distribution(formula: sp.Expr, context: Context) -> Finding:
    degrees, found = compiled(formula), []
    for decay in PRACTICE[:2]:
        for step in (3, 10, round(1.5 / (1 - decay))):
            found.append((distance(degrees(step, decay), step, decay), step, decay))
    gap, step, decay = max(found)
    return Finding.within(
        gap,
        context.required_tolerance,
        f"Kolmogorov distance to the exact law of psi_t at most {gap:.1e}, at t = {step}, "
        f"beta2 = {decay}",
        worst={"t": step, "beta2": decay, "kolmogorov_distance": gap},
    )


CLAIMS = (
    Claim(
        id="radam.s32.scaled-inverse-assumption",
        source="R §3.2, 5.3",
        statement="psi_t^2 ~ Scale-inv-chi2(rho_t, 1/s^2)",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="none stated; Adam's practice, beta2 from 0.99, is tested",
        formula=rho_t(),
        checks=(
            numeric(_assumption_variance),
            numeric(_assumption_distribution),
            monte_carlo(check_assumption),
        ),
        tolerance=FIRST_DIGIT,
        tolerance_reason="approximately: the first digit must be right",
        equation=r"\psi_t^2 \sim \text{Scale-inv-}\chi^2(\rho_t, 1/\sigma^2)",
    ),
    Claim(
        id="varlab.kish",
        source="V",
        statement="With Kish's n_t = 1/sum w_i^2 = (1+b2)(1-b2^t)/((1-b2)(1+b2^t)) in place of rho_t "
        "the error almost vanishes; same limit rho_inf, same value 1 at t = 1",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="none stated; Adam's practice, beta2 from 0.99, is tested",
        formula=kish.kish(),
        derivation="kish.degrees_of_freedom",
        checks=(
            symbolic(_kish_symbolic),
            numeric(_kish_numeric),
            numeric(_kish_vanishing),
            numeric(_kish_distribution),
            monte_carlo(check_kish),
        ),
        mutants={
            "the paper's rho_t": rho_t(),
            "index": kish.kish(t + 1),
            "sign": rho_limit() * (1 + b2**t) / (1 - b2**t),
        },
        tolerance=FIRST_DIGIT,
        tolerance_reason="no number stated: the first digit must be right; 'almost vanishes' is decided "
        "beside it, by the derived order 1 - beta2 of the error",
        equation=r"n_t = \frac{(1+\beta_2)(1-\beta_2^t)}{(1-\beta_2)(1+\beta_2^t)}",
    ),
)
