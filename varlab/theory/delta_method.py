"""Eq. 5, the first-order (delta method) variance of psi, and its distance from the exact Eq. 2.

X = psi^2 has the scaled inverse chi-square law, whose mean and variance are those of
:mod:`varlab.theory.inverse_chi`; psi = sqrt(X) is expanded around E[X].
"""

from __future__ import annotations

import sympy as sp

from varlab.theory.checking import Checked, by_evaluation, check_equal, check_limit
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import Domain, above
from varlab.theory.inverse_chi import (
    psi_variance_gamma,
    square_mean,
    square_variance,
    where_finite,
)
from varlab.theory.inverse_chi_limits import expansion
from varlab.theory.symbols import rho, tau, x

POSITIVE = Domain({x: above(0)})


def delta_method_variance(rho: sp.Expr = rho, tau: sp.Expr = tau) -> sp.Expr:
    """Var[psi] to first order, tau^2 rho / (2 (rho-2) (rho-4)), rho > 4; R Eq. 5."""
    return tau**2 * rho / (2 * (rho - 2) * (rho - 4))


def slope_at_the_mean(mean: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """Var[sqrt X] to first order, not carried out: (d sqrt(x)/dx)^2 at x = E[X], times Var[X]."""
    return sp.Subs(sp.Derivative(sp.sqrt(x), x) ** 2, x, mean) * variance


def first_order_variance(mean: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """Var[sqrt X] to first order, carried out: Var[X]/(4 E[X])."""
    return slope_at_the_mean(mean, variance).doit()


def relative_error(rho: sp.Expr = rho) -> sp.Expr:
    """Eq. 5 over the exact Eq. 2, minus 1; free of tau."""
    exact = psi_variance_gamma(rho, sp.S.One)
    return delta_method_variance(rho, sp.S.One) / exact - 1


def relative_error_expansion(order: int, rho: sp.Expr = rho) -> sp.Expr:
    """The same up to and including rho^-order: 9/(4 rho) + ..."""
    u = sp.Dummy("u", positive=True)  # 1/rho
    # The variance starts at rho^-1, so its expansion goes one order further.
    ratio = delta_method_variance(1 / u, sp.S.One) / expansion(order + 1, 1 / u, sp.S.One)
    return sp.series(sp.cancel(ratio), u, 0, order + 1).removeO().subs(u, 1 / rho) - 1


def first_order() -> Derivation:
    """R section 4.2, Eq. 5: from the Taylor expansion of the square root to r_t's variance."""
    mean, variance = square_mean(), square_variance()
    return Derivation(
        "delta_method",
        "The first-order variance of psi",
        "R section 4.2, Eq. 5",
        (
            equality(
                "Slope of the square root",
                sp.Derivative(sp.sqrt(x), x) ** 2,
                1 / (4 * x),
                POSITIVE,
                "psi = sqrt(X) ~ sqrt(E[X]) + (X - E[X])/(2 sqrt(E[X])).",
                source="R Eq. 5",
                prover=by_evaluation,
            ),
            equality(
                "Moments of the scaled inverse chi-square",
                slope_at_the_mean(mean, variance),
                variance / (4 * mean),
                where_finite(4),
                "Var[psi] ~ Var[psi^2]/(4 E[psi^2]); Var[psi^2] is finite for rho > 4 only.",
                source="R Eq. 5",
                prover=by_evaluation,
            ),
            equality(
                "In the degrees of freedom",
                variance / (4 * mean),
                delta_method_variance(),
                where_finite(4),
                "Both moments inserted.",
                source="R Eq. 5",
            ),
            Step(
                "First term",
                sp.Eq(sp.Limit(rho * delta_method_variance(), rho, sp.oo), tau**2 / 2),
                "Eq. 5 and Eq. 2 share the leading term tau^2/(2 rho).",
                check_first_term,
            ),
            Step(
                "Relative error",
                sp.Eq(sp.Limit(rho * relative_error(), rho, sp.oo), sp.Rational(9, 4)),
                "(Eq. 5)/(Eq. 2) - 1 = 9/(4 rho) + O(rho^-2): a pole at rho = 4 that Eq. 2 has not, "
                "and a slow approach.",
                check_relative_error,
            ),
        ),
    )


def check_first_term() -> Checked:
    """Rho times Eq. 5 tends to tau^2/2, the leading coefficient of Eq. 2's expansion."""
    shared = check_equal(rho * expansion(1), tau**2 / 2, where_finite(2))
    return shared and check_limit(rho * delta_method_variance(), rho, sp.oo, tau**2 / 2)


def check_relative_error() -> Checked:
    """The coefficient of 1/rho from Eq. 2's expansion."""
    return check_limit(rho * relative_error_expansion(2), rho, sp.oo, sp.Rational(9, 4))
