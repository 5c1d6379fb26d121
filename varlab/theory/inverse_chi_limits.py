"""Limits and expansions of Var[psi] in 1/rho, and how large the remainder can be.

From F(x) = 1 + 1/(4(x-1)) + ..., x = rho/2, whose n-th term is of order x^-n: cutting F after n terms
changes the expansion only beyond rho^-n. The first two partial sums with the sharp constant bound F on
both sides, so the limits are squeezed, not guessed.
"""

from __future__ import annotations

import sympy as sp

from varlab.theory import symbols as sym
from varlab.theory.arguments import check_decreasing, check_positive, held_against
from varlab.theory.checking import Checked, all_of, check_equal, check_limit, check_relation
from varlab.theory.derivation import Derivation, Step
from varlab.theory.inverse_chi import psi_variance_gamma
from varlab.theory.symbols import n, rho, x
from varlab.theory.theorem1_gauss import (
    ABOVE_ONE,
    HALF,
    LATER_TERMS,
    check_gauss_sum,
    gamma_ratio,
    term_ratio,
    variance_of_ratio,
)

# (F - 1)(x - 1) falls from 1/pi at x = 1 to 1/4 at infinity.
AT_ONE = 1 / sp.pi
AT_INFINITY = sp.Rational(1, 4)


def partial_sum(terms: int, at: sp.Expr = sym.x) -> sp.Expr:
    """F cut after the term of index ``terms``."""
    total, current = sp.S.One, sp.S.One
    for index in range(terms):
        current *= term_ratio().subs({n: index, x: at})
        total += current
    return total


def series_upper(at: sp.Expr = sym.x) -> sp.Expr:
    """F <= 1 + 1/(4(x-1)) + (1/pi - 1/4)/(x(x-1)), x > 1: later terms fall at least like 1/x."""
    return partial_sum(1, at) + (AT_ONE - AT_INFINITY) / (at * (at - 1))


def expansion(order: int, rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau) -> sp.Expr:
    """Var[psi] up to and including rho^-order."""
    u = sp.Dummy("u", positive=True)  # 1/rho
    at = 1 / (2 * u)
    rational = sp.cancel(variance_of_ratio(partial_sum(order, at), at, sp.S.One))
    return tau**2 * sp.series(rational, u, 0, order + 1).removeO().subs(u, 1 / rho)


def scaled_excess() -> sp.Expr:
    """(F - 1)(x - 1) in Gamma functions."""
    return (gamma_ratio() - 1) * (x - 1)


def check_scaled_excess_falls() -> Checked:
    """Decide that (F - 1)(x - 1) falls: a constant first term, then products of falling ratios."""
    argument = all_of(
        check_gauss_sum(),
        check_positive(term_ratio(), LATER_TERMS),
        check_decreasing(term_ratio(), x, LATER_TERMS),
        how="(x-1) a_1 = 1/4 and every later ratio is positive and falls",
    )
    sample = check_relation(
        sp.Gt(scaled_excess(), AT_INFINITY, evaluate=False), ABOVE_ONE, points=8
    )
    return held_against(argument, sample)


def check_lower_bound() -> Checked:
    """Decide F > 1 + 1/(4(x-1)): the later terms are positive."""
    relation = sp.Gt(gamma_ratio(), partial_sum(1), evaluate=False)
    argument = all_of(
        check_gauss_sum(),
        check_positive(term_ratio(), LATER_TERMS),
        how="the later terms are positive",
    )
    return held_against(argument, check_relation(relation, ABOVE_ONE, points=10))


def check_upper_bound() -> Checked:
    """Decide F < the upper bound: x (x-1) times each later term falls, so x = 1 has the largest."""
    second = sp.cancel(x * (x - 1) * term_ratio().subs(n, 0) * term_ratio().subs(n, 1))
    relation = sp.Lt(gamma_ratio(), series_upper(), evaluate=False)
    argument = all_of(
        check_gauss_sum(),
        check_equal(second, second.subs(x, 2), ABOVE_ONE),
        check_positive(term_ratio(), LATER_TERMS),
        check_decreasing(term_ratio(), x, LATER_TERMS),
        check_limit(scaled_excess(), x, 1, AT_ONE),
        how="x(x-1) a_n falls in x for n >= 2, and its sum at x = 1 is 1/pi - 1/4",
    )
    return held_against(argument, check_relation(relation, ABOVE_ONE, points=10))


def squeeze() -> tuple[sp.Expr, sp.Expr]:
    """Lower and upper bound of rho Var[psi]/tau^2 on rho > 2."""
    lower = 2 * x * variance_of_ratio(partial_sum(1), tau=sp.S.One)
    upper = 2 * x * variance_of_ratio(series_upper(), tau=sp.S.One)
    return sp.cancel(lower.subs(x, rho / 2)), sp.cancel(upper.subs(x, rho / 2))


def check_order(limit: sp.Expr | int = HALF) -> Checked:
    """Decide lim rho Var[psi] = ``limit`` tau^2, by the squeeze."""
    lower, upper = squeeze()
    return all_of(
        check_lower_bound(),
        check_upper_bound(),
        check_limit(lower, rho, sp.oo, limit),
        check_limit(upper, rho, sp.oo, limit),
        how=f"both bounds of rho Var[psi] tend to {limit}",
    )


def check_pole(residue: sp.Expr | int = 2) -> Checked:
    """Decide lim (rho - 2) Var[psi] = ``residue`` as rho falls to 2."""
    return check_limit((rho - 2) * psi_variance_gamma(tau=sp.S.One), rho, 2, residue)


def limits() -> Derivation:
    """Var[psi] at both ends of its domain, and its expansion in 1/rho."""
    lower, upper = squeeze()
    variance = psi_variance_gamma(tau=sp.S.One)
    return Derivation(
        "inverse-chi-limits",
        "Limits and expansion of the variance of psi",
        "R section 4.2",
        (
            Step(
                "Lower bound of F",
                sp.Gt(gamma_ratio(), partial_sum(1), evaluate=False),
                "The first two terms of a series of positive terms.",
                check_lower_bound,
            ),
            Step(
                "Upper bound of F",
                sp.Lt(gamma_ratio(), series_upper(), evaluate=False),
                "x(x-1) times every later term falls in x; at x = 1 they sum to 1/pi - 1/4.",
                check_upper_bound,
            ),
            Step(
                "Bounds of rho Var[psi]",
                sp.And(
                    sp.Lt(lower, rho * variance, evaluate=False),
                    sp.Lt(rho * variance, upper, evaluate=False),
                    evaluate=False,
                ),
                "1 - 1/F grows with F. In units of tau^2.",
                lambda: all_of(
                    check_lower_bound(), check_upper_bound(), how="both bounds of F carry over"
                ),
            ),
            Step(
                "Order 1/rho",
                sp.Eq(sp.Limit(rho * variance, rho, sp.oo), sp.Rational(1, 2), evaluate=False),
                "Both bounds tend to 1/2: Var[psi] ~ tau^2/(2 rho).",
                check_order,
                "R section 4.2",
            ),
            Step(
                "Expansion",
                sp.Eq(
                    psi_variance_gamma(), expansion(3) + sp.O(rho**-4, (rho, sp.oo)), evaluate=False
                ),
                "Cutting F after its third term changes nothing up to rho^-3.",
                check_expansion,
            ),
            Step(
                "Simple pole at rho = 2",
                sp.Eq(sp.Limit((rho - 2) * variance, rho, 2), 2, evaluate=False),
                "E[psi^2] has the pole; E[psi]^2 stays finite until rho = 1.",
                check_pole,
            ),
        ),
    )


def check_expansion(order: int = 3) -> Checked:
    """Decide that the expansion's remainder, times rho^order, vanishes between the two bounds.

    F lies between its sum cut after ``order`` terms and that sum plus C / ((x-1) x^order)
    (:func:`check_tail`); both give the same expansion up to rho^-order, by SymPy's limits with a
    free C > 0.
    """
    C = sym.c
    cut = partial_sum(order)
    loose = cut + C / ((x - 1) * x**order)
    checks = [
        check_limit(
            rho**order
            * sp.cancel(
                (variance_of_ratio(bound, tau=sp.S.One)).subs(x, rho / 2)
                - expansion(order, tau=sp.S.One)
            ),
            rho,
            sp.oo,
            0,
        )
        for bound in (cut, loose)
    ]
    return all_of(
        check_tail(order), *checks, how="F lies between two bounds that give these coefficients"
    )


def tail_constant(order: int) -> sp.Expr:
    """C of 0 < F - cut < C/((x-1) x^order): the limit at x = 1 of (x-1)_(order+1) (F - cut)."""
    first = sp.limit(sp.cancel((partial_sum(order) - 1) * (x - 1)), x, 1)
    return sp.factorial(order) * (AT_ONE - first)


def check_tail(order: int, constant: sp.Expr | None = None) -> Checked:
    """Decide 0 < F - cut < C/((x-1) x^order) on x > 1, the cut after the term of index ``order``.

    Times (x-1)_(order+1) = (x-1) x ... (x+order-1), the first later term is constant in x and every
    other one a product with falling ratios: their sum is largest at x = 1, where it is C.
    ``constant`` replaces C.
    """
    C = tail_constant(order) if constant is None else constant
    rising = sp.prod([x - 1 + j for j in range(order + 1)])
    term = sp.prod([term_ratio().subs(n, j) for j in range(order + 1)])
    scaled = sp.cancel(rising * term)
    at_one = sp.cancel(rising / (x - 1)).subs(x, 1)
    first = sp.cancel((partial_sum(order) - 1) * (x - 1)).subs(x, 1)
    argument = all_of(
        check_gauss_sum(),
        check_equal(scaled, scaled.subs(x, 2), ABOVE_ONE),
        check_positive(term_ratio(), LATER_TERMS),
        check_decreasing(term_ratio(), x, LATER_TERMS),
        check_limit(scaled_excess(), x, 1, AT_ONE),
        check_relation(sp.Ge(C, at_one * (AT_ONE - first), evaluate=False), ABOVE_ONE, points=1),
        check_positive(sp.expand(sp.cancel(rising / (x - 1))) - x**order, ABOVE_ONE),
        how="(x-1)_(order+1) (F - cut) falls in x from its finite value at x = 1",
    )
    tail = sp.Lt(gamma_ratio() - partial_sum(order), C / ((x - 1) * x**order), evaluate=False)
    return held_against(argument, check_relation(tail, ABOVE_ONE, points=8))
