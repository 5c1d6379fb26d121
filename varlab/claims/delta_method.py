"""Eq. 5, the first-order variance of psi: R sections 4.2 and 5.3, Figure 8."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
import numpy as np
import sympy as sp
from scipy import optimize

from varlab.claims.bridge import as_finding, derivation_finding
from varlab.claims.monte_carlo import check_first_order, check_overlap
from varlab.core import Claim, ClaimKind, Context, Finding, monte_carlo, numeric, symbolic
from varlab.numerics import psi_variance
from varlab.theory import delta_method as theory
from varlab.theory.checking import check_equal
from varlab.theory.inverse_chi import density, square_mean, square_variance, where_finite
from varlab.theory.symbols import rho, tau, x

FIGURE_8 = (5.0, 500.0)
# 25-digit quadrature of the second moment just above its pole keeps at least this.
QUADRATURE = 1e-10


def _eq5_symbolic(formula: sp.Expr, _: Context) -> Finding:
    expanded = theory.first_order_variance(square_mean(), square_variance())
    domain = where_finite(4)
    checked = check_equal(expanded, formula, domain)
    if not checked:
        return as_finding(checked, note="first-order expansion around E[psi^2]")
    return derivation_finding(
        theory.first_order(), domain=f"{domain.describe()} (Var[psi^2] < inf)"
    )


def _eq5_numeric(formula: sp.Expr, _: Context) -> Finding:
    claimed = sp.lambdify((rho, tau), formula, "mpmath")
    law = sp.lambdify((x, rho, tau), density(), "mpmath")
    worst = 0.0
    with mp.workdps(25):
        for degrees, scale in ((5, 1), (mp.mpf("7.5"), 2), (40, 1)):
            first, second = (_moment_of_square(law, k, degrees, scale) for k in (1, 2))
            ours = (second - first**2) / (4 * first)
            value = claimed(mp.mpf(degrees), mp.mpf(scale))
            error = float(abs(value / ours - 1))
            if error > QUADRATURE:
                return Finding.refutes(
                    f"Var[psi^2]/(4 E[psi^2]) by quadrature of the density is {mp.nstr(ours, 10)}, "
                    f"the formula {mp.nstr(value, 10)} at rho = {degrees}, tau = {scale}",
                    counterexample={
                        "rho": float(degrees),
                        "tau": float(scale),
                        "quadrature": float(ours),
                        "formula": float(value),
                    },
                    error=error,
                )
            worst = max(worst, error)
    return Finding.supports(
        f"Var[psi^2]/(4 E[psi^2]) by quadrature of the density agrees to {worst:.1e}", error=worst
    )


def _moment_of_square(law: Callable[..., mp.mpf], order: int, *setting: mp.mpf) -> mp.mpf:
    # In y = log x the tail of the second moment falls like exp(-(rho-4) y/2).
    return mp.quad(
        lambda y: mp.exp((order + 1) * y) * law(mp.exp(y), *setting),
        mp.linspace(-12, 120, 23),
        method="gauss-legendre",
    )


def relative_gap(formula: sp.Expr) -> Callable[[float], float]:
    """abs(formula / Eq. 2 - 1) as a function of rho, sigma = 1."""
    value = sp.lambdify(rho, formula.subs(tau, 1), "numpy")

    def gap(degrees: float) -> float:
        return float(abs(value(degrees) / psi_variance(degrees) - 1))

    return gap


def _figure8_numeric(formula: sp.Expr, context: Context) -> Finding:
    gap, tolerance = relative_gap(formula), context.required_tolerance
    low, high = FIGURE_8
    grid = np.geomspace(low, high, 200)
    gaps = np.array([gap(degrees) for degrees in grid])
    at = int(np.argmax(gaps))

    def crossing(level: float) -> float:
        return float(optimize.brentq(lambda degrees: gap(degrees) - level, low, 1e4))

    figures = ", ".join(f"{gap(d):.1%} at rho = {d:g}" for d in (5, 10, 50, 500))
    inside = crossing(tolerance)
    return Finding.within(
        float(gaps[at]),
        tolerance,
        f"(Eq. 5)/(Eq. 2) - 1 is {figures}; the difference is as large as the value itself up to "
        f"rho = {crossing(1.0):.2f}, half of it up to {crossing(0.5):.2f}, and within "
        f"{tolerance:.0%} from rho = {inside:.2f} on",
        worst={
            "rho": float(grid[at]),
            "eq5": float(formula.subs({rho: float(grid[at]), tau: 1})),
            "eq2": float(psi_variance(grid[at])),
        },
        domain=f"rho >= {inside:.2f}",
    )


def _figure8_symbolic(formula: sp.Expr, _: Context) -> Finding:
    checked = check_equal(formula, theory.delta_method_variance(), where_finite(4))
    if not checked:
        return as_finding(checked, note="the formula against Eq. 5")
    series = theory.relative_error_expansion(2)
    return Finding.silent(
        f"(Eq. 5)/(Eq. 2) - 1 = {series} + O(rho^-3): it decays like 9/(4 rho), slowly, and has a "
        "pole at rho = 4 where Eq. 2 is finite"
    )


EQ5 = theory.delta_method_variance()

CLAIMS = (
    Claim(
        id="radam.eq5.delta-method",
        source="R Eq. 5",
        statement="First order: Var[psi] ~ Var[psi^2]/(4 E[psi^2]) = rho/(2 (rho-2)(rho-4) s^2)",
        kind=ClaimKind.EXACT,
        domain_stated="rho > 4",
        formula=EQ5,
        derivation="delta_method.first_order",
        checks=(
            symbolic(_eq5_symbolic),
            numeric(_eq5_numeric),
            monte_carlo(check_first_order),
        ),
        mutants={
            "pole at 3": tau**2 * rho / (2 * (rho - 2) * (rho - 3)),
            "factor 2 lost": 2 * EQ5,
            "sign": tau**2 * rho / (2 * (rho + 2) * (rho - 4)),
        },
        equation=r"\mathrm{Var}[\psi] \approx \frac{\mathrm{Var}[\psi^2]}{4 E[\psi^2]}"
        r" = \frac{\rho}{2(\rho-2)(\rho-4)\sigma^2}",
    ),
    Claim(
        id="radam.fig8.accuracy",
        source="R §5.3, Fig. 8",
        statement="Over rho = 5..500 the first-order value and Eq. 2 highly overlap, the difference "
        "being much smaller than the value",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="5 <= rho <= 500",
        formula=EQ5,
        checks=(
            symbolic(_figure8_symbolic),
            numeric(_figure8_numeric),
            monte_carlo(check_overlap),
        ),
        tolerance=0.10,
        tolerance_reason="much smaller than the value: at most a tenth of it",
        equation=r"\frac{\rho}{2(\rho-2)(\rho-4)} \approx \mathrm{Var}[\psi]",
    ),
)
