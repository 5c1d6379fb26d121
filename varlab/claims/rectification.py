"""Rectification: R section 4.2."""

from __future__ import annotations

import numpy as np
import sympy as sp

from varlab.claims.bridge import as_finding, derivation_finding
from varlab.claims.monte_carlo_rates import check_consistent
from varlab.core import Claim, ClaimKind, Context, Finding, monte_carlo, numeric, symbolic
from varlab.numerics import (
    degrees_of_freedom,
    first_adaptive_step,
    psi_variance,
    psi_variance_at,
    rectification,
    rho_inf,
)
from varlab.theory import moving_average
from varlab.theory import rectification as theory
from varlab.theory.checking import check_equal
from varlab.theory.delta_method import delta_method_variance
from varlab.theory.symbols import b2, rho
from varlab.theory.symbols import rho_inf as rho_limit_symbol

DECAYS = (0.7, 0.9, 0.99, 0.999, 0.9999)
ROUNDING = 1e-12  # products of a few float64 numbers, with room for the conditioning of rho_t - 4
LATE = 10**7  # steps after which beta2^t is 0 in float64 for every decay here


# --- R section 4.2: where Var[psi] is smallest.


def _minimum_symbolic(formula: sp.Expr, _: Context) -> Finding:
    same = check_equal(formula, moving_average.rho_limit(), moving_average.DOMAIN)
    if not same:
        return as_finding(same, note="the stated degrees of freedom against the supremum of rho_t")
    return as_finding(
        moving_average.check_limit(),
        note="rho_t < rho_inf and rho_t -> rho_inf; with Theorem 1 the infimum of Var[psi] is at "
        "rho_inf",
        domain=f"beta2 > {theory.degenerate_decays(sp.Integer(2)).sup} (rho_inf > 2, Var[psi] finite), "
        "as an infimum: no finite t attains it",
    )


def _minimum_numeric(formula: sp.Expr, _: Context) -> Finding:
    stated = sp.lambdify(b2, formula, "numpy")
    worst = 0.0
    for decay in (0.4, *DECAYS):
        steps = np.unique(np.round(np.geomspace(3, LATE, 200)))
        degrees = np.asarray(degrees_of_freedom(steps, decay))
        finite = degrees > 2
        variances = np.asarray(psi_variance(degrees[finite]))
        claimed = float(psi_variance(max(float(stated(decay)), 2 + 1e-9)))
        smallest = float(variances.min())
        error = abs(smallest / claimed - 1)
        if error > ROUNDING or np.any(np.diff(variances) > ROUNDING * variances[:-1]):
            return Finding.refutes(
                f"the smallest Var[psi] along rho_t is {smallest:.8g}, at the stated place "
                f"{claimed:.8g}, beta2 = {decay}",
                counterexample={"beta2": decay, "smallest": smallest, "stated": claimed},
                error=error,
            )
        worst = max(worst, error)
    return Finding.supports(
        "Var[psi] at rho_t falls along 200 steps up to 10^7 and ends at its value at rho_inf",
        error=worst,
    )


# --- R section 4.2: r_t.


def _rt_symbolic(formula: sp.Expr, _: Context) -> Finding:
    solved = theory.solve_rectification()
    checked = check_equal(solved**2, formula**2, theory.ADAPTIVE_DOMAIN)
    if not checked:
        return as_finding(checked, note="r^2 solved from r^2 Var (Eq. 5) = C_var")
    return derivation_finding(
        theory.rectification_term(), domain="rho_t > 4 and rho_inf > 4, that is beta2 > 3/5"
    )


def _rt_numeric(formula: sp.Expr, _: Context) -> Finding:
    stated = sp.lambdify((rho, rho_limit_symbol), formula, "numpy")
    first_order = sp.lambdify(rho, delta_method_variance(tau=sp.S.One), "numpy")
    worst = 0.0
    for decay in DECAYS:
        limit = float(rho_inf(decay))
        for step in (10, 30, 1000, 100_000):
            degrees = float(degrees_of_freedom(step, decay))
            if degrees <= 4:
                continue
            value = float(stated(degrees, limit))
            target = value**2 * first_order(degrees) / first_order(limit)
            error = max(abs(target - 1), abs(value / float(rectification(step, decay)) - 1))
            if error > ROUNDING:
                return Finding.refutes(
                    f"r_t^2 Var/C_var by Eq. 5 is {target:.8g} at t = {step}, beta2 = {decay}",
                    counterexample={"t": step, "beta2": decay, "r": value, "ratio": target},
                    error=error,
                )
            worst = max(worst, error)
    return Finding.supports(
        "r_t^2 times Eq. 5 is C_var, and the formula equals the cancellation-free r_t", error=worst
    )


def _consistent_numeric(formula: sp.Expr, context: Context) -> Finding:
    tolerance = context.required_tolerance
    factor = sp.lambdify((rho, rho_limit_symbol), formula, "numpy")
    sentences, worst, domain = [], (0.0, 0, 0.0), ""
    for decay in (0.9, 0.99, 0.999):
        first = first_adaptive_step(decay) or 0
        steps = np.arange(first, round(12 / (1 - decay)))
        degrees = np.asarray(degrees_of_freedom(steps, decay))
        target = float(psi_variance_at(LATE, decay))
        exact = np.asarray(psi_variance_at(steps, decay))
        ratio = factor(degrees, float(rho_inf(decay))) ** 2 * exact / target
        error = np.abs(ratio - 1)
        at = int(np.argmax(error))
        worst = max(worst, (float(error[at]), int(steps[at]), decay))
        shown = sorted({first, 10, 30, round(1.5 / (1 - decay)), round(5 / (1 - decay))})
        figures = ", ".join(f"{ratio[n - first]:.3f} at t = {n}" for n in shown)
        domain = _runs(steps, error <= tolerance)
        sentences.append(f"beta2 = {decay}: {figures}; within {tolerance:.0%} for {domain}")
    error_at_worst, step, decay = worst
    return Finding.within(
        error_at_worst,
        tolerance,
        "exact Var[r_t psi_t]/C_var, C_var being its limit: " + "; ".join(sentences) + ". Eq. 5 "
        "overstates the variance at small rho_t, so r_t is too small there; near t (1-beta2) = 1.5 "
        "rho_t understates the degrees of freedom",
        worst={"t": step, "beta2": decay, "error": error_at_worst},
        domain=f"beta2 = 0.999: {domain}",
    )


def _runs(steps: np.ndarray, holds: np.ndarray) -> str:
    """The runs of consecutive steps that hold, e.g. ``27 <= t <= 1099 and t >= 1923``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(int)))
    runs = zip(edges[::2], edges[1::2], strict=True)
    parts = [
        f"t >= {steps[start]}"
        if stop == len(steps)
        else f"{steps[start]} <= t <= {steps[stop - 1]}"
        for start, stop in runs
    ]
    return " and ".join(parts) or "no t"


RT = theory.rectification_of()

CLAIMS = (
    Claim(
        id="radam.s42.minimum",
        source="R §4.2",
        statement="The minimum of Var[psi] over rho_t is at rho_inf",
        kind=ClaimKind.EXACT,
        domain_stated="rho_t > 4",
        formula=moving_average.rho_limit(),
        checks=(symbolic(_minimum_symbolic), numeric(_minimum_numeric)),
        mutants={
            "constant": 2 / (1 - b2),
            "at t = 100": moving_average.rho_t(sp.Integer(100)),
        },
        equation=r"\min_{\rho_t} \mathrm{Var}[\psi] = \mathrm{Var}[\psi]|_{\rho_t=\rho_\infty}",
    ),
    Claim(
        id="radam.rt",
        source="R §4.2",
        statement="r_t = sqrt((rho_t-4)(rho_t-2) rho_inf/((rho_inf-4)(rho_inf-2) rho_t)) follows from "
        "Eq. 5 and Var[r_t psi_t] = C_var",
        kind=ClaimKind.EXACT,
        domain_stated="rho_t > 4",
        formula=RT,
        derivation="rectification.rectification_term",
        checks=(symbolic(_rt_symbolic), numeric(_rt_numeric)),
        mutants={
            "pole at 3": RT * sp.sqrt((rho - 3) / (rho - 4)),
            "ratio inverted": RT * rho / rho_limit_symbol,
            "no root": RT**2,
        },
        equation=r"r_t = \sqrt{\frac{(\rho_t-4)(\rho_t-2)\rho_\infty}"
        r"{(\rho_\infty-4)(\rho_\infty-2)\rho_t}}",
    ),
    Claim(
        id="radam.s42.consistent",
        source="R §4.2",
        statement="With r_t the rectified rate has variance C_var at every t",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="rho_t > 4",
        formula=RT,
        checks=(
            numeric(_consistent_numeric),
            monte_carlo(check_consistent),
        ),
        tolerance=0.10,
        tolerance_reason="approximately: the first digit must be right",
        equation=r"\mathrm{Var}[r_t \psi_t] = C_{var}",
    ),
)
