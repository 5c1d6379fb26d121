"""Checks of section G on schedules: RAdam's multiplier, its first adaptive step, effective periods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp
from scipy import optimize

from varlab.claims.bridge import derivation_finding
from varlab.claims.recursions import (
    Array,
    adam_moments,
    adam_updates,
    printed_rectification,
    radam_updates,
)
from varlab.claims.statements import Schedule
from varlab.core import (
    Context,
    Finding,
    generator,
)
from varlab.numerics import degrees_of_freedom, first_adaptive_step, rectification, rho_inf
from varlab.numerics.warmup import (
    WarmupRule,
    effective_warmup_period,
    exponential_warmup_multiplier,
    linear_warmup_multiplier,
)
from varlab.theory import warmup as theory
from varlab.theory.moving_average import rho_t
from varlab.theory.rectification import degrees_polynomial
from varlab.theory.symbols import b2

BETA1, BETA2 = 0.9, 0.999
DECAYS = (0.9, 0.99, 0.999, 0.9999)
# Adam's practice: the values of beta2 that the effective periods are claimed for, from here on.
PRACTICE = 0.99
# The printed rho_t loses eight digits to cancellation at beta2 = 0.9999, and rho_t - 4 more.
PRINTED_FORM = 1e-5
# Sums of 1e5 terms in float64, and a tail cut at e^-48.
SUMMING = 1e-9
WARMUP_RULES: tuple[WarmupRule, ...] = ("linear", "exponential", "radam")


def radam_factor(steps: Array, beta2: float) -> Array:
    """r_t; NaN where rho_t <= 4."""
    return np.asarray(rectification(steps, beta2))


def kish_factor(steps: Array, beta2: float) -> Array:
    """A different schedule."""
    return np.asarray(rectification(steps, beta2, kind="kish"))


def check_fixed(formula: Schedule, context: Context) -> Finding:
    """Algorithm 2 on two gradient sequences; its step divided by Adam's, against the schedule."""
    rng = generator(context.seed, "claims", context.claim)
    sequences = (rng.standard_normal(300), 1e-3 * np.exp(3 * rng.standard_normal(300)) + 1.0)
    worst, at = 0.0, {"t": 1.0}
    early = []
    for beta2 in DECAYS:
        expected = formula.factor(np.arange(1.0, 301.0), beta2)
        for gradients in sequences:
            updates, adaptive = radam_updates(gradients, BETA1, beta2, printed_rectification)
            plain = adam_updates(gradients, BETA1, beta2)
            mhat, _ = adam_moments(gradients, BETA1, beta2)
            ratio = np.where(np.isnan(expected), updates / mhat, updates / plain)
            error = np.abs(ratio / np.where(np.isnan(expected), 1.0, expected) - 1)
            step = int(np.argmax(error))
            if error[step] > worst:
                worst = float(error[step])
                at = {"t": step + 1, "beta2": beta2, "relative difference": worst}
        early.append(int(np.sum(adaptive == 0)))
    edge = optimize.brentq(lambda b: float(rho_inf(b)) - 4, 0.0, 0.9)
    return Finding.within(
        worst,
        PRINTED_FORM,
        f"Algorithm 2 on a normal and on a heavy-tailed shifted sequence, 300 steps, b2 in {DECAYS}: "
        f"step/Adam's step equals r_t to {worst:.1e} on both, after {early} steps that are mhat "
        "itself: momentum in the bias-corrected EMA form, (1-b1)/(1-b1^t) times heavy-ball's sum",
        worst=at,
        domain=f"beta2 > {edge:.6g} (rho_infinity > 4); below, every step is momentum",
    )


@dataclass(frozen=True)
class FirstAdaptive:
    """For lower < b2 < 1, rho_t > threshold from step ``steps`` on at the latest."""

    lower: sp.Rational
    steps: int
    threshold: int


FACT31 = FirstAdaptive(sp.Rational(4, 5), 5, 4)


def sharp_threshold(formula: FirstAdaptive) -> float:
    """The beta2 at which rho_steps = threshold, by root finding; NaN when it never is."""

    def gap(beta2: float) -> float:
        return float(degrees_of_freedom(formula.steps, beta2)) - formula.threshold

    if gap(1e-9) * gap(1 - 1e-9) > 0:
        return float("nan")
    return float(optimize.brentq(gap, 1e-9, 1 - 1e-9, xtol=1e-14))


def check_fact31_symbolic(formula: FirstAdaptive, _: Context) -> Finding:
    """rho_steps > threshold as a polynomial inequality in b2: count its roots."""
    n = formula.steps
    # (rho_t - threshold) sum b^(k-1)
    polynomial = degrees_polynomial(n, sp.sympify(formula.threshold))
    series = sum(b2 ** (k - 1) for k in range(1, n + 1))
    same = sp.cancel((rho_t(sp.Integer(n)) - formula.threshold) * series - polynomial.as_expr())
    if same != 0:
        return Finding.silent("the polynomial form of rho_t does not check")
    middle = (formula.lower + 1) / 2
    # Roots of an interval's interior: the ends are excluded by dividing out b2 = 1.
    inner = (
        sp.Poly(sp.cancel(polynomial.as_expr() / (b2 - 1)), b2)
        if polynomial.eval(1) == 0
        else polynomial
    )
    signs = inner.count_roots(formula.lower, 1), polynomial.eval(middle)
    if signs[0] == 0 and signs[1] > 0:
        roots = [root.evalf(12) for root in sp.real_roots(polynomial) if 0 < root < 1]
        sharp = max(roots, default=sp.S.Zero)
        return Finding.supports(
            f"rho_{n} > {formula.threshold} iff {polynomial.as_expr()} > 0, which has no root in "
            f"({formula.lower}, 1); its largest root is b2 = {sharp}",
            domain=f"{float(sharp):.6f} < beta2 < 1",
        )
    point = float(middle if signs[1] <= 0 else formula.lower + sp.Rational(1, 1000))
    value = rho_t(sp.Integer(n)).subs(b2, sp.Rational(point).limit_denominator(10**6))
    return Finding.refutes(
        f"rho_{n} at b2 = {point} is {float(value):.6f}, threshold {formula.threshold}",
        counterexample={"beta2": point, "t": n, "rho_t": float(value)},
    )


def check_fact31_numeric(formula: FirstAdaptive, _: Context) -> Finding:
    """The first adaptive step on a grid, and the sharp lower end."""
    lower = float(formula.lower)
    grid = [
        lower + (1 - lower) * u for u in (1e-6, 1e-3, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999, 1 - 1e-6)
    ]
    first = [first_adaptive_step(beta2, float(formula.threshold)) for beta2 in grid]
    late = next(
        (b for b, step in zip(grid, first, strict=True) if step is None or step > formula.steps),
        None,
    )
    if late is not None:
        step = first_adaptive_step(late, float(formula.threshold))
        return Finding.refutes(
            f"first adaptive step {step} at b2 = {late:.6g}",
            counterexample={"beta2": late, "first adaptive step": step, "stated": formula.steps},
        )
    sharp = sharp_threshold(formula)
    others = {b: first_adaptive_step(b) for b in (0.65, 0.7, 0.75, 0.77, 0.78)}
    return Finding.supports(
        f"first adaptive step on {len(grid)} values above {lower}: "
        f"{sorted({step for step in first if step})}. Sharp lower end b2 = {sharp:.9f} "
        f"(rho_{formula.steps} = {formula.threshold}); below: {others}. With the threshold 5 of the "
        f"authors' code it is {first_adaptive_step(BETA2, 5.0)} at b2 = 0.999",
        domain=f"{sharp:.6f} < beta2 < 1",
    )


def check_period_symbolic(formula: sp.Expr, context: Context) -> Finding:
    """Closed forms of the two rules against the stated period."""
    derived = derivation_finding(theory.effective_period())
    if not derived.agrees:
        return derived
    ratio = sp.limit(theory.exponential_period() / formula, b2, 1, "-")
    if ratio != 1:
        return Finding.refutes(
            f"exponential period / stated tends to {ratio} as b2 -> 1",
            counterexample={"limit of period/stated": str(ratio), "beta2": 1.0},
        )
    error = sp.lambdify(b2, formula / theory.exponential_period() - 1)
    edge = optimize.brentq(lambda b: error(b) - context.required_tolerance, 0.05, 0.999)
    if edge > PRACTICE:
        return Finding.refutes(
            f"the exponential period is within the tolerance only for b2 > {edge:.4f}",
            counterexample={"beta2": PRACTICE, "stated/period - 1": float(error(PRACTICE))},
        )
    return Finding.supports(
        f"{derived.detail}; linear 1/(1-b2) - 1/2 (for whole 2/(1-b2)), exponential "
        f"1/(e^(1-b2)-1): relative error of 1/(1-b2) is (1-b2)/2, below the tolerance for b2 > {edge:.3f}",
    )


RULES: dict[str, Callable[[Array, float], Array]] = {
    "linear": lambda steps, beta2: np.asarray(linear_warmup_multiplier(steps, beta2)),
    "exponential": lambda steps, beta2: np.asarray(exponential_warmup_multiplier(steps, beta2)),
    # The momentum steps count as multiplier 0.
    "radam": lambda steps, beta2: np.nan_to_num(radam_factor(steps, beta2), nan=0.0),
}


def summed_period(beta2: float, rule: str) -> float:
    """Sum of 1 - multiplier, term by term, until the multiplier is 1 to 1e-18."""
    steps = np.arange(1.0, int(48 / (1 - beta2)) + 1)
    return float(np.sum(1 - RULES[rule](steps, beta2)))


def check_period_numeric(formula: sp.Expr, context: Context) -> Finding:
    """All three periods, in closed form and summed; decided for b2 = 0.99 .. 0.9999, told for 0.9."""
    worst, lines = 0.0, []
    at: dict[str, float | str] = {"beta2": BETA2}
    for beta2 in DECAYS:
        stated = float(formula.subs(b2, beta2))
        found = {rule: effective_warmup_period(beta2, rule) for rule in WARMUP_RULES}
        for rule, period in found.items():
            if abs(summed_period(beta2, rule) / period - 1) > SUMMING:
                return Finding.silent(f"sum and closed form of {rule} differ at b2 = {beta2}")
            error = abs(period / stated - 1)
            if beta2 >= PRACTICE and not error <= worst:
                worst, at = error, {"beta2": beta2, "rule": rule, "sum": period, "stated": stated}
        lines.append(
            f"b2 = {beta2}: " + ", ".join(f"{r} {p / stated:.4f}" for r, p in found.items())
        )
    edges = {rule: period_edge(formula, rule, context.required_tolerance) for rule in WARMUP_RULES}
    early = (first_adaptive_step(BETA2) or 1) - 1
    later = (effective_warmup_period(BETA2) - early) * (1 - BETA2)
    return Finding.within(
        worst,
        context.required_tolerance,
        f"sum of (1 - multiplier) over the stated period, decided from b2 = {PRACTICE} on: "
        + "; ".join(lines)
        + f". Below that r_t departs first, as b2 = 0.9 shows. RAdam's momentum "
        f"steps ({early} at b2 = 0.999) count as 1 each; without them r_t has {later:.4f}",
        worst=at,
        domain="; ".join(f"{rule}: beta2 > {edge:.4f}" for rule, edge in edges.items()),
    )


def period_edge(formula: sp.Expr, rule: WarmupRule, tolerance: float) -> float:
    """Smallest of a grid of beta2 from which on the period of a rule is within the tolerance."""
    grid = 1 - np.logspace(np.log10(0.35), -4, 60)
    good = [
        abs(effective_warmup_period(float(b), rule) / float(formula.subs(b2, b)) - 1) <= tolerance
        for b in grid
    ]
    bad = [j for j, ok in enumerate(good) if not ok]
    return float(grid[min(bad[-1] + 1, len(grid) - 1)]) if bad else float(grid[0])
