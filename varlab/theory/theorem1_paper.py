"""Theorem 1 along the paper's own proof (R Appendix A), every line a step with its own check.

The paper's t is a real number here, the degrees of freedom, and B = B((t-1)/2, (t-1)/2). All lines
hold for every t > 2 except Eq. 10, which holds for no t > 2. The proof stands nevertheless: it only
needs Eq. 9, which Gautschi's inequality at the right index, or the first term of Gauss's series, give.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from varlab.theory import digamma_bounds
from varlab.theory import symbols as sym
from varlab.theory.arguments import check_positive, held_against
from varlab.theory.checking import Checked, all_of, check_equal, check_limit, check_relation
from varlab.theory.derivation import Derivation, Step, equality, inequality
from varlab.theory.domain import Domain, above
from varlab.theory.inverse_chi import by_duplication, psi_variance_beta
from varlab.theory.inverse_chi_limits import (
    AT_ONE,
    check_lower_bound,
    check_scaled_excess_falls,
    partial_sum,
    scaled_excess,
)
from varlab.theory.symbols import nu, x
from varlab.theory.theorem1_gauss import check_series_above_one, gamma_ratio

ABOVE_TWO = Domain({nu: above(2)})


def beta(t: sp.Expr = sym.nu) -> sp.Expr:
    """B((t-1)/2, (t-1)/2)."""
    return sp.beta((t - 1) / 2, (t - 1) / 2)


def bracket(t: sp.Expr = sym.nu) -> sp.Expr:
    """t/(t-2) - t 2^(2t-5)/pi B^2: Var[psi]/tau^2 (R Eq. 2)."""
    return psi_variance_beta(t, sp.S.One)


def bracket_slope(t: sp.Expr = sym.nu) -> sp.Expr:
    """Its derivative in t, by digammas."""
    inner = 1 + t * sp.log(4) + 2 * t * (sp.digamma((t - 1) / 2) - sp.digamma(t - 1))
    return -2 / (t - 2) ** 2 - 2 ** (2 * t - 5) / sp.pi * beta(t) ** 2 * inner


def leading(t: sp.Expr = sym.nu) -> sp.Expr:
    """64 pi / ((t-2)^2 4^t B^2)."""
    return 64 * sp.pi / ((t - 2) ** 2 * 4**t * beta(t) ** 2)


def condition(t: sp.Expr = sym.nu) -> tuple[sp.Expr, sp.Expr]:
    """Both sides of the paper's condition (left > right) for the derivative to be negative."""
    left = leading(t) + 1 + t * sp.log(4) + 2 * t * sp.digamma((t - 1) / 2)
    return left, 2 * t * sp.digamma(t - 1)


def duplicated_right(t: sp.Expr = sym.nu) -> sp.Expr:
    """The right side after duplication, t [digamma((t-1)/2) + digamma(t/2) + ln 4]."""
    return t * (sp.digamma((t - 1) / 2) + sp.digamma(t / 2) + sp.log(4))


def duplication(t: sp.Expr = sym.nu) -> tuple[sp.Expr, sp.Expr]:
    """(t-2) 4^t B^2 and 16 pi (t-2) Gamma((t-1)/2)^2 / Gamma(t/2)^2."""
    return (t - 2) * 4**t * beta(t) ** 2, 16 * sp.pi * gamma_quotient(t)


def gamma_quotient(t: sp.Expr = sym.nu) -> sp.Expr:
    """(t-2) Gamma((t-1)/2)^2 / Gamma(t/2)^2, the left side of Eqs. 9 and 10; 2/F(t/2)."""
    return (t - 2) * sp.gamma((t - 1) / 2) ** 2 / sp.gamma(t / 2) ** 2


def eq10_bound(t: sp.Expr = sym.nu) -> sp.Expr:
    """2(t-2)/(t-1), the bound that Eq. 10 claims."""
    return 2 * (t - 2) / (t - 1)


def kershaw_bound(t: sp.Expr = sym.nu) -> sp.Expr:
    """4(t-2)/(2t-3): a bound that holds (Kershaw 1983; here two terms of Gauss's series)."""
    return 4 * (t - 2) / (2 * t - 3)


def check_slope(slope: sp.Expr | None = None) -> Checked:
    """Decide that ``slope`` (the paper's, unless given) is the bracket's derivative."""
    slope = bracket_slope() if slope is None else slope
    return check_equal(sp.diff(bracket(), nu), slope, ABOVE_TWO, prover=_by_beta_slope)


def _by_beta_slope(difference: sp.Expr) -> sp.Expr:
    return sp.simplify(_expand_logs(difference.doit()))


def check_condition() -> Checked:
    """Decide that the condition is the slope over a negative factor."""
    left, right = condition()
    factor = -(2 ** (2 * nu - 5)) / sp.pi * beta() ** 2
    return check_equal(bracket_slope(), factor * (left - right), ABOVE_TWO)


@cache
def check_digamma_duplication() -> Checked:
    """Decide 2t digamma(t-1) = t [...]: 2t times the logarithmic derivative of Legendre's formula."""
    whole, half, next_half = sp.gamma(nu - 1), sp.gamma((nu - 1) / 2), sp.gamma(nu / 2)
    legendre = 2 ** (nu - 2) * half * next_half / sp.sqrt(sp.pi)
    logarithm = (nu - 2) * sp.log(2) + sp.log(half) + sp.log(next_half) - sp.log(sp.pi) / 2
    left, right = condition()[1], duplicated_right()
    argument = all_of(
        check_equal(legendre / whole, sp.S.One, ABOVE_TWO, prover=_quotient_by_gamma),
        check_equal(sp.exp(logarithm), legendre, ABOVE_TWO, prover=sp.simplify),
        check_equal(2 * nu * sp.diff(sp.log(whole), nu), left, ABOVE_TWO, prover=_expand_logs),
        check_equal(2 * nu * sp.diff(logarithm, nu), right, ABOVE_TWO, prover=_expand_logs),
        how="the logarithmic derivative of Legendre's duplication formula",
    )
    return held_against(argument, check_equal(left, right, ABOVE_TWO, prover=sp.expand, points=4))


def _quotient_by_gamma(difference: sp.Expr) -> sp.Expr:
    return (
        sp.gammasimp(difference + 1) - 1
    )  # a product, which gammasimp combines; a sum it does not


def _expand_logs(difference: sp.Expr) -> sp.Expr:
    return sp.expand(sp.expand_log(sp.expand(difference)))


@cache
def check_bounded() -> Checked:
    """Decide 1 + t digamma((t-1)/2) - t digamma(t/2) > -2/(t-1) from the two digamma bounds."""
    below = 1 + nu * (digamma_bounds.lower((nu - 1) / 2) - digamma_bounds.upper(nu / 2))
    exact = 1 + nu * (sp.digamma((nu - 1) / 2) - sp.digamma(nu / 2))
    argument = all_of(
        digamma_bounds.check_upper(),
        digamma_bounds.check_lower(),
        check_equal(below, -2 / (nu - 1), ABOVE_TWO),
        how="the digamma bounds at (t-1)/2 > 0 and t/2 > 0 leave -2/(t-1)",
    )
    relation = sp.Gt(exact, -2 / (nu - 1), evaluate=False)
    return held_against(argument, check_relation(relation, ABOVE_TWO, points=10))


def check_reduction() -> Checked:
    """Decide leading - 2/(t-2) = 2 (32 pi - (t-2) 4^t B^2)/((t-2)^2 4^t B^2)."""
    remaining = 2 * (32 * sp.pi - duplication()[0]) / ((nu - 2) * duplication()[0])
    return check_equal(leading() - 2 / (nu - 2), remaining, ABOVE_TWO)


def check_duplication(sides: tuple[sp.Expr, sp.Expr] | None = None) -> Checked:
    """Decide the paper's duplication step on t > 2."""
    left, right = duplication() if sides is None else sides
    return check_equal(left, right, ABOVE_TWO, prover=by_duplication)


@cache
def check_eq9() -> Checked:
    """Decide Eq. 9 on t > 2: its left side is 2/F(t/2), and F > 1."""
    return held_against(
        all_of(check_quotient_is_two_over_f(), check_series_above_one(), how="2/F(t/2) with F > 1"),
        check_relation(sp.Le(gamma_quotient(), 2, evaluate=False), ABOVE_TWO, points=10),
    )


@cache
def check_quotient_is_two_over_f() -> Checked:
    """Decide that the left side of Eqs. 9 and 10 is 2/F(t/2)."""
    return check_equal(gamma_quotient(2 * x), 2 / gamma_ratio(), Domain({x: above(1)}))


def check_eq10() -> Checked:
    """Decide Eq. 10; it is refuted."""
    return check_relation(sp.Le(gamma_quotient(), eq10_bound(), evaluate=False), ABOVE_TWO)


@cache
def check_eq10_false_everywhere() -> Checked:
    """Decide the opposite of Eq. 10 on t > 2: (F-1)(x-1) falls from 1/pi < 1/2."""
    excess = sp.Rational(1, 2)  # Eq. 10 asks for 2/F <= 2(2x-2)/(2x-1), that is (F-1)(x-1) >= 1/2
    argument = all_of(
        check_quotient_is_two_over_f(),
        check_equal(2 / (1 + excess / (x - 1)), eq10_bound(2 * x), Domain({x: above(1)})),
        check_scaled_excess_falls(),
        check_limit(scaled_excess(), x, 1, AT_ONE),
        check_positive(excess - AT_ONE, Domain({})),
        how="(F-1)(x-1) falls from 1/pi, and Eq. 10 needs at least 1/2",
    )
    relation = sp.Gt(gamma_quotient(), eq10_bound(), evaluate=False)
    return held_against(argument, check_relation(relation, ABOVE_TWO, points=10))


@cache
def check_kershaw() -> Checked:
    """Decide the bound 4(t-2)/(2t-3) on t > 2."""
    argument = all_of(
        check_quotient_is_two_over_f(),
        check_lower_bound(),
        check_equal(2 / partial_sum(1), kershaw_bound(2 * x), Domain({x: above(1)})),
        how="F exceeds its first two terms, 1 + 1/(4(x-1))",
    )
    relation = sp.Lt(gamma_quotient(), kershaw_bound(), evaluate=False)
    return held_against(argument, check_relation(relation, ABOVE_TWO, points=10))


@cache
def check_lemma1() -> Checked:
    """Decide that the bracket falls on t > 2, by the paper's lines without Eq. 10."""
    return all_of(
        check_slope(),
        check_condition(),
        check_digamma_duplication(),
        check_bounded(),
        check_relation(sp.Gt(-2 / (nu - 1), -2 / (nu - 2), evaluate=False), ABOVE_TWO),
        check_reduction(),
        check_duplication(),
        check_eq9(),
        how="the paper's lines, Eq. 9 by Gauss's series instead of Eq. 10",
    )


def paper_proof() -> Derivation:
    """R Appendix A, line by line, and the repair of its last line."""
    left, right = condition()
    exact = 1 + nu * (sp.digamma((nu - 1) / 2) - sp.digamma(nu / 2))
    return Derivation(
        "theorem1-paper",
        "Theorem 1 along the paper's proof",
        "R Appendix A",
        (
            Step(
                "Derivative",
                sp.Eq(sp.Derivative(bracket(), nu), bracket_slope(), evaluate=False),
                "B(a,a) has the logarithmic derivative 2 digamma(a) - 2 digamma(2a), and a = (t-1)/2.",
                check_slope,
                "R Appendix A",
            ),
            Step(
                "Condition for a negative derivative",
                sp.Gt(left, right, evaluate=False),
                "The derivative is -2^(2t-5) B^2/pi, a negative factor, times left - right.",
                check_condition,
                "R Appendix A",
            ),
            Step(
                "Duplication of digamma",
                sp.Eq(right, duplicated_right(), evaluate=False),
                "The logarithmic derivative of Legendre's duplication formula.",
                check_digamma_duplication,
                "R Appendix A",
            ),
            Step(
                "Digamma bounds",
                sp.Gt(exact, -2 / (nu - 1), evaluate=False),
                "digamma((t-1)/2) > ln(t/2) - 2/(t-1) and digamma(t/2) < ln(t/2) - 1/t.",
                check_bounded,
                "R Appendix A",
            ),
            inequality(
                "A weaker term",
                sp.Gt(-2 / (nu - 1), -2 / (nu - 2), evaluate=False),
                ABOVE_TWO,
                "For t > 2.",
                source="R Appendix A",
            ),
            Step(
                "What remains",
                sp.Equivalent(
                    sp.Ge(leading() - 2 / (nu - 2), 0, evaluate=False),
                    sp.Ge(32 * sp.pi, duplication()[0], evaluate=False),
                    evaluate=False,
                ),
                "The first is the second over (t-2)^2 4^t B^2 / 2 > 0.",
                check_reduction,
                "R Appendix A",
            ),
            equality(
                "Duplication of Gamma",
                *duplication(),
                ABOVE_TWO,
                "B by Gamma functions, and Gamma(t-1) by Legendre.",
                source="R Appendix A",
                prover=by_duplication,
            ),
            Step(
                "Eq. 9",
                sp.Le(gamma_quotient(), 2, evaluate=False),
                "The left side is 2/F(t/2), and F exceeds 1.",
                check_eq9,
                "R Eq. 9",
            ),
            Step(
                "Eq. 10",
                sp.Le(gamma_quotient(), eq10_bound(), evaluate=False),
                "As the paper states it, by Gautschi's inequality. False: that inequality at "
                "(t-2)/2 gives 2; the paper's (t-1)/2 is not its index.",
                check_eq10,
                "R Eq. 10",
            ),
            inequality(
                "The end of Eq. 10",
                sp.Lt(eq10_bound(), 2, evaluate=False),
                ABOVE_TWO,
                "(t-2)/(t-1) < 1.",
                source="R Eq. 10",
            ),
            Step(
                "Eq. 10 is false at every t > 2",
                sp.Gt(gamma_quotient(), eq10_bound(), evaluate=False),
                "(F-1)(t/2-1) falls from 1/pi, and Eq. 10 needs at least 1/2.",
                check_eq10_false_everywhere,
            ),
            Step(
                "A bound in its place",
                sp.Lt(gamma_quotient(), kershaw_bound(), evaluate=False),
                "F > 1 + 1/(4(x-1)), x = t/2; Kershaw's inequality gives the same.",
                check_kershaw,
            ),
            inequality(
                "It implies Eq. 9",
                sp.Lt(kershaw_bound(), 2, evaluate=False),
                ABOVE_TWO,
                "4(t-2) < 4(t-2) + 2.",
            ),
            Step(
                "Lemma 1 and Theorem 1",
                sp.Lt(sp.Derivative(bracket(), nu), 0, evaluate=False),
                "The lines above without Eq. 10, for every t > 2.",
                check_lemma1,
                "R Lemma 1, Theorem 1",
            ),
        ),
    )
