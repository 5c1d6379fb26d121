"""From the EMA to degrees of freedom: R sections 3.2 and 4.1.

The statements about weights and Eq. 4; those about the law of psi_t stand in ``exact_law``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from scipy import stats

from varlab.claims.bridge import as_finding
from varlab.claims.monte_carlo import check_mean_of_squares
from varlab.claims.monte_carlo_rates import check_wider
from varlab.core import Claim, ClaimKind, Context, Finding, monte_carlo, numeric, symbolic
from varlab.numerics import degrees_of_freedom, ema_weights
from varlab.theory import moving_average as theory
from varlab.theory.checking import check_equal, check_relation
from varlab.theory.domain import Domain, above
from varlab.theory.inverse_chi import chi_square_density, square_mean
from varlab.theory.sums import by_closing_sums
from varlab.theory.symbols import b2, f, i, s, t, y

DECAYS = (0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
STEPS = (2, 3, 4, 5, 10, 100, 1000, 10_000)
# Sums of up to 10^4 float64 weights carry rounding of about 1e-13.
ROUNDING = 1e-12


def compiled(expression: sp.Expr) -> Callable[..., Any]:
    """An expression in t and beta2 as a function of float64 numbers or arrays."""
    function: Callable[..., Any] = sp.lambdify((t, b2), expression, "numpy")
    return function


def _wider_symbolic(formula: sp.Rel, _: Context) -> Finding:
    checked = check_relation(formula, theory.FROM_SECOND_STEP, points=8)
    if not checked:
        return as_finding(checked, note="ratio of the variances, t >= 2")
    squares = t * sp.Sum((theory.ema_weight() - 1 / t) ** 2, (i, 1, t))
    same = check_equal(formula.gts - formula.lts, squares, theory.DOMAIN, prover=by_closing_sums)
    note = "ratio of the variances minus 1 is t sum (w_i - 1/t)^2, positive for t >= 2, 0 at t = 1"
    return as_finding(same, note=note, domain="t >= 2 and every beta2 in (0, 1); equality at t = 1")


def _wider_numeric(formula: sp.Rel, _: Context) -> Finding:
    smallest = (np.inf, 0, 0.0)
    for decay in DECAYS:
        for step in STEPS:
            weights = ema_weights(step, decay)
            ratio = step * float(np.sum(weights**2))
            holds = formula.func(ratio, formula.rhs.subs({t: step, b2: decay}))
            if holds == sp.false:
                return Finding.refutes(
                    f"Var[EMA]/Var[SMA] = {ratio:.6g} at t = {step}, beta2 = {decay}",
                    counterexample={"t": step, "beta2": decay, "ratio": ratio},
                )
            smallest = min(smallest, (ratio - 1, step, decay))
    excess, step, decay = smallest
    return Finding.supports(
        f"Var[EMA]/Var[SMA] - 1 is positive on {len(DECAYS)} x {len(STEPS)} settings, smallest "
        f"{excess:.2e} at t = {step}, beta2 = {decay}; at beta2 = 0.999, t = 1000 the ratio is "
        f"{1000 * np.sum(ema_weights(1000, 0.999) ** 2):.4f}"
    )


def _spread_symbolic(formula: sp.Expr, _: Context) -> Finding:
    oldest, newest = (theory.ema_weight(at) for at in (sp.S.One, t))
    spread = (newest - oldest) / newest
    bound = check_relation(sp.Le(spread, formula, evaluate=False), theory.DOMAIN)
    if not bound:
        return as_finding(bound, note="largest spread against the bound")
    everywhere = "t >= 1 and every beta2 in (0, 1)"
    same = check_equal(spread, formula, theory.DOMAIN)
    if same:
        note = "(newest - oldest)/newest is the bound itself, so it is sharp"
        return as_finding(same, note=note, domain=f"{everywhere}; sharp")
    return as_finding(bound, note="(newest - oldest)/newest <= the bound", domain=everywhere)


def _spread_numeric(formula: sp.Expr, _: Context) -> Finding:
    bound = compiled(formula)
    slack = 0.0
    for decay in DECAYS:
        for step in (1, *STEPS):
            weights = ema_weights(step, decay)
            spread = float(1 - weights.min() / weights.max())
            limit = float(bound(float(step), decay))
            if spread > limit + ROUNDING:
                return Finding.refutes(
                    f"spread {spread:.6g} exceeds {limit:.6g} at t = {step}, beta2 = {decay}",
                    counterexample={"t": step, "beta2": decay, "spread": spread, "bound": limit},
                )
            slack = max(slack, limit - spread)
    return Finding.supports(
        "the spread relative to the larger weight stays within the bound on all settings, below it "
        f"by at most {slack:.1e}; relative to the smaller weight it is larger than 1 - beta2^(t-1), "
        f"at beta2 = 0.999 by {_other_spread(5):.1e} at t = 5 and by {_other_spread(1000):.2f} at "
        "t = 1000"
    )


def _other_spread(step: int, decay: float = 0.999) -> float:
    weights = ema_weights(step, decay)
    difference = weights.max() - weights.min()
    return float(difference / weights.min() - difference / weights.max())


def _centre_symbolic(formula: sp.Expr, _: Context) -> Finding:
    solved = theory.solve_centre_of_mass()
    checked = check_equal(solved, formula, theory.DOMAIN, prover=by_closing_sums)
    return as_finding(
        checked,
        note="Eq. 4 solved for f from the two centres of mass; its only solution",
        domain="t >= 1 and every beta2 in (0, 1); f integer where the SMA is a sum",
    )


def _centre_numeric(formula: sp.Expr, _: Context) -> Finding:
    length = sp.lambdify((t, b2), formula, "mpmath")
    worst = 0.0
    for decay in ("0.5", "0.9", "0.999"):
        for step in (1, 2, 5, 50, 1000):
            at = sp.Float(decay, 50)
            claimed = float(length(step, at))
            ages = np.arange(step, 0, -1)
            # An SMA of length f has mean age (f + 1)/2, ages counted from 1.
            mean_age = float(np.sum(ages * ema_weights(step, float(decay))))
            deviation = abs((claimed + 1) / 2 / mean_age - 1)
            stable = float(degrees_of_freedom(step, float(decay)))
            deviation = max(deviation, abs(claimed / stable - 1))
            if deviation > ROUNDING:
                return Finding.refutes(
                    f"an SMA of length {claimed:.8g} has mean age {(claimed + 1) / 2:.8g}, the EMA "
                    f"{mean_age:.8g} at t = {step}, beta2 = {decay}",
                    counterexample={"t": step, "beta2": float(decay), "length": claimed},
                )
            worst = max(worst, deviation)
    return Finding.supports(
        f"centres of mass summed in float64 and the cancellation-free rho_t agree with the formula "
        f"at 50 digits to {worst:.1e}",
        error=worst,
    )


def _limit_symbolic(formula: sp.Expr, _: Context) -> Finding:
    checked = check_equal(formula - theory.rho_t(), theory.gap_to_limit(), theory.DOMAIN)
    if not checked:
        return as_finding(checked, note="limit minus f against 2 t beta2^t/(1-beta2^t)")
    return as_finding(
        theory.check_limit(),
        note="f < lim f at every finite t",
        domain="every finite t and beta2 in (0, 1): strictly below, a supremum",
    )


def _limit_numeric(formula: sp.Expr, _: Context) -> Finding:
    limit = sp.lambdify(b2, formula, "numpy")
    worst = 0.0
    for decay in DECAYS:
        steps = np.array([1.0, 2.0, 10.0, 1e3, 1e6])
        degrees = np.asarray(degrees_of_freedom(steps, decay))
        supremum = float(limit(decay))
        # 1e6 steps are at least 100 time constants of every decay here: e^-100 is left.
        if (
            np.any(degrees > supremum * (1 + ROUNDING))
            or abs(degrees[-1] / supremum - 1) > ROUNDING
        ):
            return Finding.refutes(
                f"rho at t = 10^6 is {degrees[-1]:.8g}, the stated limit {supremum:.8g}",
                counterexample={"beta2": decay, "rho": float(degrees[-1]), "limit": supremum},
            )
        worst = max(worst, abs(float(degrees[-1]) / supremum - 1))
    return Finding.supports("rho_t stays below the limit and reaches it to rounding", error=worst)


# --- R section 4.1: the law of a mean of squares. The formula under test is the power of the mean
# that is said to follow the scaled inverse chi-square law: 1 as printed.


def _power_mean(power: sp.Expr) -> sp.Expr:
    """E[m^power] of the mean m of f squares of N(0, s^2), from the chi-square density."""
    scaled = (s**2 * y / f) ** power
    integral = sp.integrate(scaled * chi_square_density(f, y), (y, 0, sp.oo), conds="none")
    return sp.gammasimp(integral)


def _mean_law_symbolic(formula: sp.Expr, _: Context) -> Finding:
    claimed = square_mean(f, 1 / s)
    domain = Domain({f: above(2), s: above(0)})
    checked = check_equal(_power_mean(formula), claimed, domain)
    note = "mean of the left side against that of Scale-inv-chi2(f, 1/s^2), f/((f-2) s^2)"
    if checked:
        return as_finding(checked, note=note, domain="f > 2")
    at = {f: 5, s: 2}
    left, right = (float(side.subs(at)) for side in (_power_mean(formula), claimed))
    return Finding.refutes(
        f"{note}: they scale with s in opposite ways, {left:.4g} against {right:.4g} at f = 5, s = 2",
        counterexample={"f": 5, "s": 2, "mean_of_squares": left, "mean_of_law": right},
        error=checked.error,
    )


def _mean_law_numeric(formula: sp.Expr, _: Context) -> Finding:
    power = int(formula)
    distances = {}
    for length in (5, 50, 500):
        law = stats.invgamma(length / 2, scale=length / 2)
        points = np.asarray(law.ppf(np.linspace(0.001, 0.999, 999)))
        mean_square = stats.chi2(length, scale=1 / length)
        true = mean_square.cdf(points) if power == 1 else mean_square.sf(1 / points)
        distances[length] = float(np.max(np.abs(true - law.cdf(points))))
    figures = ", ".join(f"{d:.3g} at f = {n}" for n, d in distances.items())
    worst = max(distances, key=lambda n: distances[n])
    if distances[worst] <= ROUNDING:
        return Finding.supports(f"Kolmogorov distance {figures} (s = 1)", error=distances[worst])
    return Finding.refutes(
        f"as printed false: the mean of squares is a scaled chi-square, its reciprocal is "
        f"Scale-inv-chi2(f, 1/s^2). At s = 1 the Kolmogorov distance is {figures}; at s = 2 the "
        "means are 4 and f/(4 (f-2)), so no f can help",
        counterexample={"f": worst, "s": 1, "kolmogorov_distance": distances[worst]},
        error=distances[worst],
        domain="the reciprocal of the mean of squares, every f > 0",
    )


# --- B1: the window of an EMA.


def _window_numeric(formula: sp.Expr, context: Context) -> Finding:
    decay = 0.999
    window = float(formula.subs(b2, sp.Rational(999, 1000)))
    outside = decay**window
    steady = 20_000  # e^-20 of the weight is older
    weights = ema_weights(steady, decay)
    # Ages from 1, as in Eq. 4.
    mean_age = float(np.sum(np.arange(steady, 0, -1) * weights))
    length = float(degrees_of_freedom(steady, decay))
    needed = np.log(context.required_tolerance) / np.log(decay)
    return Finding.within(
        outside,
        context.required_tolerance,
        f"in the long run the last {window:.0f} squared gradients carry {1 - outside:.1%} of the "
        f"weight; their mean age, counted from 1, is {mean_age:.1f} steps and the EMA is worth an SMA of length "
        f"{length:.1f} (centre of mass, and Kish). 1/(1-beta2) is the mean age, not the length; "
        f"{1 - context.required_tolerance:.0%} of the weight need the last {needed:.0f}",
        worst={
            "beta2": decay,
            "window": window,
            "weight_in_window": 1 - outside,
            "sma_length": length,
        },
        domain=f"windows of at least {needed:.0f} steps",
    )


def _mutant_index() -> sp.Expr:
    return theory.rho_limit() - 2 * t * b2 ** (t + 1) / (1 - b2 ** (t + 1))


RATIO = t * sp.Sum(theory.ema_weight() ** 2, (i, 1, t))

CLAIMS = (
    Claim(
        id="radam.s32.ema-wider",
        source="R §3.2",
        statement="The EMA of i.i.d. terms has a larger variance than their simple average",
        kind=ClaimKind.INEQUALITY,
        domain_stated="none stated; t >= 2 is meant, as both averages are one term at t = 1",
        formula=sp.Gt(RATIO, 1),
        derivation="moving_average.simple_average",
        checks=(
            symbolic(_wider_symbolic),
            numeric(_wider_numeric),
            monte_carlo(check_wider),
        ),
        mutants={"smaller instead": sp.Lt(RATIO, 1), "twice as large": sp.Gt(RATIO, 2)},
        equation=r"t \sum_{i=1}^t w_i^2 > 1",
    ),
    Claim(
        id="radam.s32.weight-spread",
        source="R §3.2",
        statement="The relative difference of the exponential weights is at most 1 - b2^(t-1)",
        kind=ClaimKind.INEQUALITY,
        domain_stated="none stated",
        formula=theory.relative_spread(),
        derivation="moving_average.simple_average",
        checks=(symbolic(_spread_symbolic), numeric(_spread_numeric)),
        mutants={"index": 1 - b2 ** (t - 2), "base": (1 - b2) ** (t - 1)},
        equation=r"1 - w_1/w_t \le 1 - \beta_2^{t-1}",
    ),
    Claim(
        id="radam.eq4.centre-of-mass",
        source="R Eq. 4",
        statement="The SMA with the EMA's centre of mass has length "
        "f(t,b2) = 2/(1-b2) - 1 - 2 t b2^t/(1-b2^t)",
        kind=ClaimKind.EXACT,
        domain_stated="none stated",
        formula=theory.rho_t(),
        derivation="moving_average.centre_of_mass",
        checks=(symbolic(_centre_symbolic), numeric(_centre_numeric)),
        mutants={
            "sign": theory.rho_limit() + theory.gap_to_limit(),
            "index": _mutant_index(),
            "constant": theory.rho_t() + 1,
        },
        equation=r"f(t,\beta_2) = \frac{2}{1-\beta_2} - 1 - \frac{2 t \beta_2^t}{1-\beta_2^t}",
    ),
    Claim(
        id="radam.s41.rho-inf",
        source="R §4.1",
        statement="f(t,b2) <= lim f(t,b2) = 2/(1-b2) - 1 as t grows",
        kind=ClaimKind.INEQUALITY,
        domain_stated="none stated",
        formula=theory.rho_limit(),
        derivation="moving_average.centre_of_mass",
        checks=(symbolic(_limit_symbolic), numeric(_limit_numeric)),
        mutants={"constant": 2 / (1 - b2), "factor": 1 / (1 - b2) - 1},
        equation=r"f(t,\beta_2) \le \frac{2}{1-\beta_2} - 1",
    ),
    Claim(
        id="radam.s41.mean-law",
        source="R §4.1",
        statement="sum_{i<=f} g_{t+1-i}^2 / f ~ Scale-inv-chi2(f, 1/s^2), as printed",
        kind=ClaimKind.EXACT,
        domain_stated="none stated",
        formula=sp.S.One,
        checks=(
            symbolic(_mean_law_symbolic),
            numeric(_mean_law_numeric),
            monte_carlo(check_mean_of_squares),
        ),
        equation=r"\frac{1}{f}\sum_{i=1}^f g_{t+1-i}^2 \sim \text{Scale-inv-}\chi^2(f, 1/\sigma^2)",
    ),
    Claim(
        id="blog1.window",
        source="B1",
        statement='beta2 = 0.999 averages "the last 1/(1-b2) = 1000" squared gradients',
        kind=ClaimKind.APPROXIMATION,
        domain_stated="beta2 = 0.999",
        formula=1 / (1 - b2),
        checks=(numeric(_window_numeric),),
        tolerance=0.10,
        tolerance_reason="an average over a window has all its weight there; approximately: the "
        "first digit must be right",
        equation=r"1/(1-\beta_2)",
    ),
)
