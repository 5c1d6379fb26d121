"""The checker proves what is true, refutes what is wrong, and says when it cannot tell."""

import pytest
import sympy as sp

from varlab.theory.checking import (
    Checked,
    Outcome,
    all_of,
    check_equal,
    check_limit,
    check_relation,
)
from varlab.theory.domain import Domain, above, between
from varlab.theory.symbols import p, rho, tau, x, y

POSITIVE = Domain({x: above(0), y: above(0)})
RHO = Domain({rho: above(2)})


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((x + y) ** 2, x**2 + 2 * x * y + y**2),
        (sp.gamma(x + 1), x * sp.gamma(x)),
        (sp.sin(x) ** 2 + sp.cos(x) ** 2, sp.Integer(1)),
        (sp.exp(sp.log(x) / 2 + x), sp.sqrt(x) * sp.exp(x)),
        ((x * y) ** rho.subs(rho, x), x**x * y**x),
    ],
)
def test_identities_are_proved(left, right):
    assert check_equal(left, right, POSITIVE).outcome is Outcome.PROVED


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((x + y) ** 2, x**2 + y**2),
        (sp.gamma(x + 1), x * sp.gamma(x + 1)),
        (sp.gamma(x), sp.gamma(x) * (1 + sp.Float("1e-35", 50))),
        (sp.Integer(1), sp.Integer(2)),
        (1 / (x - x), x),
    ],
)
def test_wrong_identities_are_not_believed(left, right):
    checked = check_equal(left, right, POSITIVE)
    assert not checked
    if checked.outcome is Outcome.REFUTED:
        assert checked.counterexample
        assert {"left", "right"} <= set(checked.counterexample)


def test_sides_that_are_both_infinite_are_not_equal():
    left, right = sp.oo * x, sp.oo * x**2
    assert check_equal(left, right, POSITIVE).outcome is Outcome.UNKNOWN
    assert check_relation(sp.Ge(left, right, evaluate=False), POSITIVE).outcome is Outcome.UNKNOWN
    assert check_equal(left, -right, POSITIVE).outcome is Outcome.REFUTED
    assert check_equal(left, x, POSITIVE).outcome is Outcome.REFUTED


def test_terms_that_cancel_completely_are_not_refuted_by_their_rounding():
    zero = sp.sqrt(2 + sp.sqrt(3)) - (sp.sqrt(6) + sp.sqrt(2)) / 2 + 0 * x
    assert check_equal(zero + x - x, sp.Integer(0), POSITIVE)


def test_a_small_remainder_of_large_terms_is_seen():
    # 1e-60 beside terms of size 1 is more than the working precision hides.
    left = sp.exp(x) - sp.exp(x) * (1 - sp.Rational(1, 10**60))
    assert not check_equal(left, sp.Integer(0), Domain({x: between(0, 1)}))


def test_no_value_is_unknown():
    assert check_equal(sp.log(-x), sp.log(-x) + 1, POSITIVE).outcome is Outcome.UNKNOWN
    assert check_relation(sp.Gt(sp.sqrt(-x), y, evaluate=False), POSITIVE).outcome in (
        Outcome.UNKNOWN,
    )


def test_a_symbol_outside_the_domain_is_unknown():
    assert check_equal(x * tau, x * p, POSITIVE).outcome is Outcome.UNKNOWN


def test_an_infinite_side_is_told_from_a_finite_one():
    assert check_equal(sp.Integer(1) * x, sp.oo, POSITIVE).outcome is Outcome.REFUTED


def test_rational_inequality_is_proved_by_its_coefficients():
    assert check_relation(rho / (rho - 2) > 1, RHO).outcome is Outcome.PROVED
    assert check_relation(sp.Ge(rho**2, 4 * (rho - 1)), RHO).outcome is Outcome.PROVED


def test_wrong_inequality_is_refuted_with_its_point():
    checked = check_relation(rho / (rho - 2) > 2, RHO)
    assert checked.outcome is Outcome.REFUTED
    assert "rho" in checked.counterexample


def test_transcendental_inequality_is_confirmed_only():
    assert check_relation(sp.Gt(x, sp.log(1 + x)), POSITIVE).outcome in (
        Outcome.CONFIRMED,
        Outcome.PROVED,
    )


def test_equal_sides_refute_a_strict_inequality_and_satisfy_a_weak_one():
    strict = sp.Gt(sp.gamma(x + 1), x * sp.gamma(x), evaluate=False)
    weak = sp.Ge(sp.gamma(x + 1), x * sp.gamma(x), evaluate=False)
    assert check_relation(strict, POSITIVE).outcome is Outcome.REFUTED
    assert check_relation(weak, POSITIVE)


def test_limits():
    assert check_limit((1 + 1 / x) ** x, x, sp.oo, sp.E).outcome is Outcome.PROVED
    wrong = check_limit((1 + 1 / x) ** x, x, sp.oo, 3)
    assert wrong.outcome is Outcome.REFUTED
    assert wrong.counterexample["left"] == "E"
    assert check_limit(sp.sin(x), x, sp.oo, 0).outcome is Outcome.UNKNOWN


def test_an_argument_is_as_sure_as_its_weakest_part():
    proved = Checked(Outcome.PROVED, "a")
    confirmed = Checked(Outcome.CONFIRMED, "b", error=1e-50)
    refuted = Checked(Outcome.REFUTED, "c", {"x": "1"})
    unknown = Checked(Outcome.UNKNOWN, "d")
    assert all_of(proved, proved, how="both").outcome is Outcome.PROVED
    assert all_of(proved, confirmed, how="both").outcome is Outcome.CONFIRMED
    assert all_of(proved, unknown, how="both").outcome is Outcome.UNKNOWN
    assert all_of(proved, refuted, unknown, how="all") is refuted
