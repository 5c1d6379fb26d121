"""Untuned warm-up: second moment by enumeration, effective periods by summing."""

import pytest
import sympy as sp

from varlab.core import DomainError
from varlab.theory import warmup
from varlab.theory.checking import Outcome
from varlab.theory.symbols import b2, t


@pytest.mark.parametrize(
    "step",
    warmup.second_moment().steps + warmup.effective_period().steps,
    ids=lambda s: s.title,
)
def test_every_step_checks(step):
    assert step.check()


def test_a_skewed_law_is_refuted():
    assert warmup.check_shares({"skewed": warmup.SKEWED}).outcome is Outcome.REFUTED


def test_mass_at_zero_is_refused():
    law = ((sp.Integer(0), sp.S.Half), (sp.Integer(1), sp.S.Half))
    with pytest.raises(DomainError, match="law must have no mass at 0"):
        warmup.enumerate_second_moment(law, 2, sp.Rational(9, 10))


def test_unequal_weights_change_the_second_moment_of_unequal_sizes_only():
    b1 = sp.Rational(9, 10)
    limit = warmup.update_second_moment(sp.Integer(3), b1)
    for law, same in ((warmup.RADEMACHER, True), (warmup.TWO_SCALES, False)):
        value = warmup.enumerate_second_moment(law, 3, b1, sp.Rational(1, 2))
        assert (value == limit) is same


@pytest.mark.parametrize("decay", [sp.Rational(9, 10), sp.Rational(99, 100), sp.Rational(7, 8)])
def test_linear_period_by_summing(decay):
    last = int(2 / (1 - decay)) + 1
    total = sum(1 - warmup.linear_multiplier(t, decay).subs(t, j) for j in range(1, last + 1))
    assert total == warmup.linear_period(decay)


def test_exponential_period_by_summing():
    decay = sp.Rational(9, 10)
    # exp(-0.1 * 500) = 2e-22 of the sum is left out.
    total = sum(
        1 - float(warmup.exponential_multiplier(t, decay).subs(t, j)) for j in range(1, 500)
    )
    assert total == pytest.approx(float(warmup.exponential_period().subs(b2, decay)), rel=1e-12)
