"""Theorem 1 by Gauss's sum: Var[psi] falls in rho on its whole natural domain rho > 2.

With x = rho/2, E[psi^2]/E[psi]^2 = Gamma(x-1) Gamma(x)/Gamma(x-1/2)^2 is Gauss's value of

    F(x) = 2F1(-1/2, -1/2; x-1; 1) = sum over n of ((-1/2)_n)^2 / ((x-1)_n n!),

1 plus positive terms that fall as x grows. So Var[psi] = tau^2 x/(x-1) (1 - 1/F(x)) is a product of
two positive, falling factors. No bound on digamma or Gamma functions is needed, and the form has
no cancellation.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from varlab.theory import symbols as sym
from varlab.theory.arguments import check_decreasing, check_positive, held_against
from varlab.theory.checking import Checked, all_of, check_equal, check_relation
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import Domain, Interval, above, integers_from
from varlab.theory.inverse_chi import psi_variance_gamma
from varlab.theory.symbols import n, rho, tau, x, y

HALF = sp.Rational(1, 2)
ABOVE_ONE = Domain({x: above(1)})
# The first ratio stands apart: (n - 1/2)^2 shows its sign by coefficients only from n = 1.
LATER_TERMS = Domain({x: above(1), n: integers_from(1)})


def gauss_series(at: sp.Expr = sym.x) -> sp.Expr:
    """F(x) = 2F1(-1/2, -1/2; x-1; 1), x > 1."""
    return sp.hyper([-HALF, -HALF], [at - 1], 1)


def gamma_ratio(at: sp.Expr = sym.x) -> sp.Expr:
    """Gamma(x-1) Gamma(x) / Gamma(x-1/2)^2, x > 1: E[psi^2]/E[psi]^2 at rho = 2x."""
    return sp.gamma(at - 1) * sp.gamma(at) / sp.gamma(at - HALF) ** 2


def variance_of_ratio(ratio: sp.Expr, at: sp.Expr = sym.x, tau: sp.Expr = sym.tau) -> sp.Expr:
    """tau^2 x/(x-1) (1 - 1/ratio): Var[psi] from E[psi^2] and ratio = E[psi^2]/E[psi]^2."""
    return tau**2 * at / (at - 1) * (1 - 1 / ratio)


def psi_variance_gauss(rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau) -> sp.Expr:
    """Var[psi] = tau^2 x/(x-1) (1 - 1/F(x)) with x = rho/2, rho > 2."""
    return variance_of_ratio(gauss_series(rho / 2), rho / 2, tau)


def term_ratio() -> sp.Expr:
    """a_(n+1)/a_n of the terms a_n = ((-1/2)_n)^2 / ((x-1)_n n!)."""
    return (n - HALF) ** 2 / ((x - 1 + n) * (n + 1))


def term() -> sp.Expr:
    """a_n, the n-th term of F; a_0 = 1."""
    return sp.RisingFactorial(-HALF, n) ** 2 / (sp.RisingFactorial(x - 1, n) * sp.factorial(n))


@cache
def check_gauss_sum(series: sp.Expr | None = None) -> Checked:
    """Decide that the series (F unless given) equals the ratio of Gamma functions on x > 1."""
    series = gauss_series() if series is None else series
    return check_equal(series, gamma_ratio(), ABOVE_ONE, prover=_by_gauss)


def _by_gauss(difference: sp.Expr) -> sp.Expr:
    return sp.gammasimp(sp.hyperexpand(difference))


@cache
def check_terms() -> Checked:
    """Decide the ratio of successive terms from the rising factorials."""
    quotient = term().subs(n, n + 1) / term()
    # Terms of index up to 30 suffice to refute; larger ones cost exact factorials.
    few = Domain({x: above(1), n: Interval(sp.S.Zero, sp.Integer(30), True, True, integer=True)})
    return check_equal(quotient / term_ratio(), sp.S.One, few, prover=_by_gamma)


def _by_gamma(difference: sp.Expr) -> sp.Expr:
    # The quotient alone is a product, which SymPy combines; quotient - 1 is a sum, which it does not.
    rising = (difference + 1).replace(
        sp.RisingFactorial, lambda a, m: sp.gamma(a + m) / sp.gamma(a)
    )
    return sp.simplify(sp.gammasimp(sp.powsimp(rising.rewrite(sp.gamma)))) - 1


@cache
def check_ratios_positive() -> Checked:
    """Decide that all ratios of terms are positive, n = 0 and n >= 1."""
    return all_of(
        check_positive(term_ratio().subs(n, 0), ABOVE_ONE),
        check_positive(term_ratio(), LATER_TERMS),
        how="the first ratio is 1/(4(x-1)); the later ones have coefficients of one sign",
    )


@cache
def check_ratios_fall() -> Checked:
    """Decide that all ratios of terms fall in x, n = 0 and n >= 1."""
    return all_of(
        check_decreasing(term_ratio().subs(n, 0), x, ABOVE_ONE),
        check_decreasing(term_ratio(), x, LATER_TERMS),
        how="the derivatives of the first and of the later ratios have one sign",
    )


@cache
def check_series_above_one() -> Checked:
    """Decide F > 1 on x > 1: a_0 = 1, and every later term is a product of positive ratios."""
    argument = all_of(
        check_gauss_sum(),
        check_terms(),
        check_ratios_positive(),
        how="1 plus a series of positive terms",
    )
    return held_against(argument, _sampled(sp.Gt(gamma_ratio(), 1, evaluate=False)))


@cache
def check_series_falls() -> Checked:
    """Decide that F falls on x > 1: every a_n, n >= 1, is a product of positive, falling ratios."""
    argument = all_of(
        check_series_above_one(),
        check_ratios_fall(),
        how="a sum of products of positive, falling ratios",
    )
    slope = gamma_ratio() * (sp.digamma(x - 1) + sp.digamma(x) - 2 * sp.digamma(x - HALF))
    return held_against(argument, _sampled(sp.Lt(slope, 0, evaluate=False)))


@cache
def check_variance_falls() -> Checked:
    """Decide that Var[psi] falls in rho on rho > 2."""
    above_one = Domain({y: above(1)})
    return all_of(
        check_equal(
            psi_variance_gamma(2 * x, tau),
            variance_of_ratio(gamma_ratio()),
            Domain({x: above(1), tau: above(0)}),
        ),
        check_series_falls(),
        check_positive(x / (x - 1), ABOVE_ONE),
        check_decreasing(x / (x - 1), x, ABOVE_ONE),
        check_positive(1 - 1 / y, above_one),
        check_positive(sp.diff(1 - 1 / y, y), above_one),
        how="a product of two positive, falling factors",
    )


def _sampled(relation: sp.Rel) -> Checked:
    return check_relation(relation, ABOVE_ONE, points=10)


def gauss_proof() -> Derivation:
    """Theorem 1 for every rho > 2."""
    return Derivation(
        "theorem1-gauss",
        "Theorem 1 by Gauss's sum",
        "varlab, for R Theorem 1",
        (
            equality(
                "Variance by one ratio",
                psi_variance_gamma(2 * x, tau),
                variance_of_ratio(gamma_ratio()),
                Domain({x: above(1), tau: above(0)}),
                "With x = rho/2: Var = E[psi^2] (1 - E[psi]^2/E[psi^2]), and E[psi^2] = tau^2 x/(x-1).",
                source="R Eqs. 6 and 7",
            ),
            Step(
                "Gauss's sum",
                sp.Eq(gauss_series(), gamma_ratio(), evaluate=False),
                "2F1(a,b;c;1) = Gamma(c) Gamma(c-a-b)/(Gamma(c-a) Gamma(c-b)) with a = b = -1/2, "
                "c = x-1; the series converges since c-a-b = x > 0.",
                check_gauss_sum,
            ),
            Step(
                "Ratio of terms",
                sp.Eq(term().subs(n, n + 1) / term(), term_ratio(), evaluate=False),
                "a_0 = 1, so every term is a product of such ratios.",
                check_terms,
            ),
            Step(
                "Positive terms",
                sp.Gt(term_ratio(), 0, evaluate=False),
                "For x > 1 and n >= 0.",
                check_ratios_positive,
            ),
            Step(
                "Falling terms",
                sp.Lt(sp.Derivative(term_ratio(), x), 0, evaluate=False),
                "Only the denominator grows with x.",
                check_ratios_fall,
            ),
            Step(
                "F exceeds 1",
                sp.Gt(gauss_series(), 1, evaluate=False),
                "1 plus positive terms.",
                check_series_above_one,
            ),
            Step(
                "F falls",
                sp.Lt(sp.Derivative(gauss_series(), x), 0, evaluate=False),
                "A sum of products of positive, falling ratios.",
                check_series_falls,
            ),
            Step(
                "Theorem 1",
                sp.Implies(
                    sp.Gt(rho, 2, evaluate=False),
                    sp.Lt(sp.Derivative(psi_variance_gauss(), rho), 0, evaluate=False),
                ),
                "x/(x-1) is positive and falls; 1 - 1/F is positive and falls with F.",
                check_variance_falls,
                "R Theorem 1",
            ),
        ),
    )
