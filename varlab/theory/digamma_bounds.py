"""The two digamma bounds of R Appendix A, proved for every x > 0 by telescoping.

For a bound D(x) > 0 the recurrence digamma(x+1) = digamma(x) + 1/x turns D(x) - D(x+1) into an
elementary function that falls to 0, so it is positive; and D tends to 0, so D(x) is the sum of the
positive differences at x, x+1, x+2, ...
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from varlab.theory import symbols as sym
from varlab.theory.arguments import by_recurrence, check_positive_by_telescoping
from varlab.theory.checking import Checked, check_limit
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import Domain, above
from varlab.theory.symbols import x

POSITIVE = Domain({x: above(0)})


def upper(at: sp.Expr = sym.x) -> sp.Expr:
    """Ln x - 1/(2x) > digamma(x)."""
    return sp.log(at) - 1 / (2 * at)


def lower(at: sp.Expr = sym.x) -> sp.Expr:
    """digamma(x) > ln(x + 1/2) - 1/x."""
    return sp.log(at + sp.Rational(1, 2)) - 1 / at


def upper_gap() -> sp.Expr:
    """U(x), what the upper bound leaves."""
    return upper() - sp.digamma(x)


def lower_gap() -> sp.Expr:
    """D(x), what the lower bound leaves."""
    return sp.digamma(x) - lower()


def upper_difference() -> sp.Expr:
    """U(x) - U(x+1): the trapezoid over 1/u on (x, x+1) less its integral."""
    return 1 / (2 * x) + 1 / (2 * (x + 1)) - (sp.log(x + 1) - sp.log(x))


def lower_difference() -> sp.Expr:
    """D(x) - D(x+1): the integral of 1/u on (x+1/2, x+3/2) less its midpoint value."""
    half = sp.Rational(1, 2)
    return sp.log(x + 1 + half) - sp.log(x + half) - 1 / (x + 1)


@cache
def check_upper() -> Checked:
    """Decide the upper bound on x > 0."""
    slope = -1 / (2 * x**2 * (x + 1) ** 2)
    return check_positive_by_telescoping(upper_gap(), x, POSITIVE, upper_difference(), slope)


@cache
def check_lower() -> Checked:
    """Decide the lower bound on x > 0."""
    half = sp.Rational(1, 2)
    slope = -1 / (4 * (x + 1) ** 2 * (x + half) * (x + 3 * half))
    return check_positive_by_telescoping(lower_gap(), x, POSITIVE, lower_difference(), slope)


def bounds() -> Derivation:
    """Both bounds, with the telescoping differences."""
    return Derivation(
        "digamma-bounds",
        "Two bounds on the digamma function",
        "R Appendix A",
        (
            equality(
                "Difference of the upper gap",
                upper_gap() - upper_gap().subs(x, x + 1),
                upper_difference(),
                POSITIVE,
                "digamma(x+1) = digamma(x) + 1/x. It is the trapezoid rule's excess for 1/u.",
                prover=by_recurrence,
            ),
            Step(
                "The upper gap vanishes",
                sp.Eq(sp.Limit(upper_gap(), x, sp.oo), 0, evaluate=False),
                "digamma(x) - ln x tends to 0.",
                lambda: check_limit(upper_gap(), x, sp.oo, 0),
            ),
            Step(
                "Upper bound",
                sp.Gt(upper(), sp.digamma(x), evaluate=False),
                "The difference falls (its derivative is -1/(2 x^2 (x+1)^2)) to 0, so it is "
                "positive, and the gap is the sum of these differences.",
                check_upper,
                "R Appendix A",
            ),
            equality(
                "Difference of the lower gap",
                lower_gap() - lower_gap().subs(x, x + 1),
                lower_difference(),
                POSITIVE,
                "The same recurrence. It is the midpoint rule's deficit for 1/u.",
                prover=by_recurrence,
            ),
            Step(
                "The lower gap vanishes",
                sp.Eq(sp.Limit(lower_gap(), x, sp.oo), 0, evaluate=False),
                "digamma(x) - ln x tends to 0.",
                lambda: check_limit(lower_gap(), x, sp.oo, 0),
            ),
            Step(
                "Lower bound",
                sp.Gt(sp.digamma(x), lower(), evaluate=False),
                "The difference falls to 0 as well: (x+1)^2 > (x+1/2)(x+3/2).",
                check_lower,
                "R Appendix A",
            ),
        ),
    )
