"""The law of log psi: finite moments for every rho > 0, where psi itself may have none.

E[psi^p] = E[exp(p log psi)] is the moment generating function of log psi; its logarithm generates
the cumulants. The scale enters only the mean, so Var[log psi] is free of s.
"""

from __future__ import annotations

import sympy as sp

from varlab.theory import symbols as sym
from varlab.theory.checking import (
    Checked,
    Outcome,
    all_of,
    by_evaluation,
    check_equal,
    check_limit,
)
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import Domain, above
from varlab.theory.inverse_chi import psi_moment
from varlab.theory.symbols import p, rho, tau, x

EVERY_RHO = Domain({rho: above(0), tau: above(0)})


def cumulant_generator(rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau) -> sp.Expr:
    """K(p) = log E[psi^p], p < rho."""
    scale = p * sp.log(tau) + p / 2 * sp.log(rho / 2)
    return scale + sp.loggamma((rho - p) / 2) - sp.loggamma(rho / 2)


def generator_slope(order: int) -> sp.Expr:
    """K^(order)(0), the derivative not carried out."""
    return sp.Subs(sp.Derivative(cumulant_generator(), (p, order)), p, 0)


def cumulant(order: int) -> sp.Expr:
    """The cumulant of log psi of the given order, K^(order)(0)."""
    return generator_slope(order).doit()


def log_mean(rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau) -> sp.Expr:
    """E[log psi] = log tau + (log(rho/2) - digamma(rho/2)) / 2."""
    return sp.log(tau) + (sp.log(rho / 2) - sp.digamma(rho / 2)) / 2


def log_variance(rho: sp.Expr = sym.rho) -> sp.Expr:
    """Var[log psi] = trigamma(rho/2) / 4, rho > 0."""
    return sp.polygamma(1, rho / 2) / 4


def check_generator() -> Checked:
    """Decide K(p) = log E[psi^p] wherever the moment exists."""
    below = {p: rho - x}  # with x > 0: every order below rho, negative ones too
    domain = Domain({rho: above(0), x: above(0), tau: above(0)})
    logarithm = sp.expand_log(sp.log(psi_moment().subs(below)))
    return check_equal(
        logarithm, cumulant_generator().subs(below), domain, prover=_logarithms_of_gamma
    )


def _logarithms_of_gamma(difference: sp.Expr) -> sp.Expr:
    plain = difference.replace(sp.loggamma, lambda argument: sp.log(sp.gamma(argument)))
    return sp.simplify(sp.expand_log(sp.expand(plain)))


def check_free_of_scale() -> Checked:
    """Decide that the variance does not contain tau."""
    variance = cumulant(2)
    if tau in variance.free_symbols:
        return Checked(Outcome.REFUTED, f"{variance} contains tau", {"variance": str(variance)})
    return Checked(Outcome.PROVED, "tau does not occur in it")


def log_law() -> Derivation:
    """Cumulants of log psi from the moments of psi."""
    return Derivation(
        "log-psi",
        "The variance of log psi",
        "varlab, from R Eq. 6",
        (
            Step(
                "Cumulant generating function",
                sp.Eq(sp.log(psi_moment()), cumulant_generator(), evaluate=False),
                "The moment of order p is the moment generating function of log psi; it is finite "
                "around p = 0 for every rho > 0, since it is finite for p < rho.",
                check_generator,
                "R Eq. 6",
            ),
            equality(
                "Mean",
                generator_slope(1),
                log_mean(),
                EVERY_RHO,
                "K'(0).",
                prover=by_evaluation,
            ),
            equality(
                "Variance",
                generator_slope(2),
                log_variance(),
                EVERY_RHO,
                "K''(0): the trigamma function.",
                prover=by_evaluation,
            ),
            Step(
                "Free of the gradient's scale",
                sp.Eq(sp.Derivative(log_variance(), tau), 0, evaluate=False),
                "tau multiplies psi, so it shifts log psi.",
                check_free_of_scale,
            ),
            Step(
                "Large rho",
                sp.Eq(sp.Limit(2 * rho * log_variance(), rho, sp.oo), 1, evaluate=False),
                "trigamma(v) = 1/v + O(1/v^2): the same 1/(2 rho) as Var[psi] itself.",
                lambda: check_limit(2 * rho * log_variance(), rho, sp.oo, 1),
            ),
            Step(
                "Small rho",
                sp.Eq(sp.Limit(rho**2 * log_variance(), rho, 0), 1, evaluate=False),
                "trigamma(v) = 1/v^2 + O(1): it grows as rho falls, yet stays finite.",
                lambda: all_of(
                    check_limit(
                        rho**2 * (4 / rho**2 + sp.polygamma(1, 1 + rho / 2)) / 4, rho, 0, 1
                    ),
                    check_equal(
                        sp.polygamma(1, rho / 2),
                        4 / rho**2 + sp.polygamma(1, 1 + rho / 2),
                        EVERY_RHO,
                        prover=sp.expand_func,
                    ),
                    how="the recurrence trigamma(v) = 1/v^2 + trigamma(v + 1) and its limit",
                ),
            ),
        ),
    )
