"""From the exponential moving average to degrees of freedom: R sections 3.2 and 4.1, Eq. 4.

Indices follow the paper: gradient i = 1 is the oldest, i = t the newest. Every sum over the steps
stands as a ``Sum`` beside its closed form, and the two are checked against each other.
"""

from __future__ import annotations

import sympy as sp

from varlab.theory.checking import (
    Checked,
    all_of,
    check_equal,
    check_relation,
)
from varlab.theory.checking import check_limit as check_limit_of
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import Domain, Interval, above, between
from varlab.theory.sums import by_closing_sums, close_sums
from varlab.theory.symbols import b2, f, i, rho_inf, s, t, x

# Points of t are drawn up to 24: sums over the steps are evaluated term by term at each of them.
STEPS = Interval(sp.S.One, sp.oo, closed_lower=True, integer=True, sample_upper=24)
DECAYS = between(0, 1)
DOMAIN = Domain({t: STEPS, b2: DECAYS})
FROM_SECOND_STEP = DOMAIN.restrict(t, Interval(sp.Integer(2), sp.oo, True, False, True, 24))


def ema_weight(i: sp.Expr = i, t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """Bias-corrected weight of g_i^2 in vhat_t: (1-b2) b2^(t-i) / (1-b2^t); R section 3, Adam's psi."""
    return (1 - b2) * b2 ** (t - i) / (1 - b2**t)


def relative_spread(t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """Largest relative difference of two weights, (max - min) / max = 1 - b2^(t-1); R section 3.2."""
    return 1 - b2 ** (t - 1)


def rho_limit(b2: sp.Expr = b2) -> sp.Expr:
    """rho_inf = 2/(1-b2) - 1; R section 4.1."""
    return 2 / (1 - b2) - 1


def rho_t(t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """rho_t = f(t, b2) = rho_inf - 2 t b2^t / (1-b2^t); R Eq. 4."""
    return rho_limit(b2) - gap_to_limit(t, b2)


def ema_centre_of_mass() -> sp.Expr:
    """Left side of R Eq. 4: the mean index under the EMA's weights."""
    return sp.Sum(ema_weight() * i, (i, 1, t))


def sma_centre_of_mass() -> sp.Expr:
    """Right side of R Eq. 4: the mean index of the newest f steps under equal weights."""
    return sp.Sum(t + 1 - i, (i, 1, f)) / f


def solve_centre_of_mass() -> sp.Expr:
    """R Eq. 4 solved for the length f of the simple moving average.

    ``f`` is an integer where the right side is a sum; its closed form t - (f-1)/2 continues it to
    every f > 0, as the paper does tacitly.
    """
    equation = sp.Eq(close_sums(ema_centre_of_mass()), sp.simplify(sma_centre_of_mass().doit()))
    solutions = sp.solve(equation, f)
    return sp.simplify(solutions[0]) if len(solutions) == 1 else sp.nan


def ema_variance(s: sp.Expr = s) -> sp.Expr:
    """Var[vhat_t] of i.i.d. N(0, s^2) gradients: Var[g^2] sum w_i^2 = 2 s^4 sum w_i^2."""
    return 2 * s**4 * sp.Sum(ema_weight() ** 2, (i, 1, t))


def sma_variance(s: sp.Expr = s) -> sp.Expr:
    """Variance of the plain mean of t squared gradients, 2 s^4 / t."""
    return 2 * s**4 / t


def simple_average() -> Derivation:
    """R section 3.2: how far the EMA is from the simple average that replaces it there."""
    weight = ema_weight()
    oldest, newest = weight.subs(i, 1), weight.subs(i, t)
    return Derivation(
        "simple_average",
        "The exponential moving average against the simple average",
        "R section 3.2",
        (
            equality(
                "Weights",
                sp.Sum(weight, (i, 1, t)),
                sp.S.One,
                DOMAIN,
                "The bias correction makes the weights sum to 1.",
                source="A Alg. 1",
                prover=by_closing_sums,
            ),
            equality(
                "Spread of the weights",
                (newest - oldest) / newest,
                relative_spread(),
                FROM_SECOND_STEP,
                "The newest weight is the largest, the oldest the smallest; "
                "the bound of the paper is attained.",
                source="R section 3.2",
            ),
            equality(
                "Excess variance",
                (ema_variance() - sma_variance()) / (2 * s**4),
                sp.Sum((weight - 1 / t) ** 2, (i, 1, t)),
                DOMAIN.restrict(s, above(0)),
                "Since the weights sum to 1, sum w^2 - 1/t = sum (w - 1/t)^2 (Cauchy-Schwarz with "
                "its remainder): the EMA has the larger variance, and the same only if all "
                "weights are equal.",
                source="R section 3.2",
                prover=by_closing_sums,
            ),
            Step(
                "Equality at the first step alone",
                sp.Gt(weight.subs(i, t), weight.subs(i, 1)),
                "For t >= 2 the newest weight exceeds the oldest, so a square in the sum is "
                "positive and the inequality is strict.",
                check_strict_spread,
            ),
        ),
    )


def check_strict_spread() -> Checked:
    """For t >= 2: newest / oldest weight = b2^-(t-1) > 1 as b2 < 1, by the sign of its logarithm.

    b2 = exp(-s), s > 0, runs over (0, 1), where the logarithm is (t-1) s.
    """
    ratio = sp.simplify(ema_weight(t) / ema_weight(sp.S.One))
    logarithm = sp.expand_log(sp.log(ratio), force=True)
    from_second = Domain({t: FROM_SECOND_STEP.intervals[t], s: above(0)})
    along = sp.expand_log(logarithm.subs(b2, sp.exp(-s)))
    return all_of(
        check_equal(logarithm, -(t - 1) * sp.log(b2), FROM_SECOND_STEP),
        check_equal(along, (t - 1) * s, from_second),
        check_relation(sp.Gt((t - 1) * s, 0, evaluate=False), from_second),
        how="log ratio = (t-1) s for beta2 = exp(-s), positive for t >= 2",
    )


def centre_of_mass() -> Derivation:
    """R section 4.1: Eq. 4 solved, its limit, and its growth."""
    growth = 2 * b2**t * (1 - b2) ** 2 / ((1 - b2**t) * (1 - b2 ** (t + 1)))
    return Derivation(
        "centre_of_mass",
        "The simple moving average with the EMA's centre of mass",
        "R section 4.1",
        (
            equality(
                "The EMA's centre of mass",
                ema_centre_of_mass(),
                close_sums(ema_centre_of_mass()),
                DOMAIN,
                "The arithmetic-geometric sum in closed form.",
                source="R Eq. 4, left side",
                prover=by_closing_sums,
            ),
            Step(
                "Solved for the length",
                sp.Eq(f, rho_t()),
                "The only solution f of the equation of the two centres of mass.",
                lambda: check_equal(
                    solve_centre_of_mass(), rho_t(), DOMAIN, prover=by_closing_sums
                ),
                "R Eq. 4",
            ),
            equality(
                "First step",
                rho_t(sp.S.One),
                sp.S.One,
                DOMAIN,
                "One gradient, one degree of freedom.",
            ),
            Step(
                "Distance to the limit",
                sp.Eq(rho_inf - f, gap_to_limit()),
                "Positive at every finite t, and t b2^t vanishes: rho_t < rho_inf, its supremum, "
                "which it never attains.",
                check_limit,
                "R section 4.1",
            ),
            equality(
                "Growth",
                rho_t(t + 1) - rho_t(),
                growth * sp.Sum((t + 1 - i) * b2 ** (i - 1), (i, 1, t)),
                DOMAIN,
                "A product of positive factors and a sum of positive terms: rho_t increases with t.",
                prover=by_closing_sums,
            ),
        ),
    )


def gap_to_limit(t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """rho_inf - rho_t = 2 t b2^t / (1-b2^t) > 0."""
    return 2 * t * b2**t / (1 - b2**t)


def check_limit() -> Checked:
    """rho_inf - rho_t = 2 t b2^t/(1-b2^t), positive, with limit 0."""
    # b2^t lies in (0, 1) for every step; as a variable x of its own it leaves a rational function.
    gap = gap_to_limit().subs(b2**t, x)
    return all_of(
        check_equal(rho_limit() - rho_t(), gap_to_limit(), DOMAIN),
        check_relation(sp.Gt(gap, 0, evaluate=False), Domain({t: STEPS, x: DECAYS})),
        # b2 = exp(-s), s > 0, says beta2 < 1 in a form that SymPy's limits can use.
        check_limit_of(gap_to_limit().subs(b2, sp.exp(-s)), t, sp.oo, 0),
        how="the gap is positive for every beta2^t in (0, 1), and SymPy's limit of it is 0",
    )
