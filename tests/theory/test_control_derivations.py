"""The two controls: closed forms against quadrature, wrong forms caught."""

import math

import mpmath as mp
import pytest
import sympy as sp

from varlab.core import DomainError
from varlab.theory import controls
from varlab.theory.checking import Outcome
from varlab.theory.symbols import y


@pytest.mark.parametrize(
    "step",
    controls.adam_eps().steps + controls.first_updates().steps,
    ids=lambda s: s.title,
)
def test_every_step_checks(step):
    assert step.check()


def test_variance_against_a_direct_integral_of_psi_eps():
    eps, b2 = sp.Rational(1, 10**4), sp.Rational(999, 1000)
    e = float(controls.effective_eps(eps, b2))

    def moment(k):
        return 2 * mp.quad(
            lambda g: mp.npdf(g) / (e + g) ** k, [0, e, 10 * e, 0.1, 1, 4, 12], maxdegree=8
        )

    direct = moment(2) - moment(1) ** 2
    exact = sp.N(controls.variance(controls.effective_eps(eps, b2), sp.S.One))
    # Double precision; the subtraction costs one digit.
    assert float(direct) == pytest.approx(float(exact), rel=1e-12)


def test_a_wrong_closed_form_is_refuted():
    wrong = controls.J().subs(sp.erfi(y / sp.sqrt(2)), sp.erf(y / sp.sqrt(2)))
    assert controls.check_by_quadrature(wrong, controls.J_integral()).outcome is Outcome.REFUTED


def test_the_printed_order_is_not_the_limit():
    wrong = controls.check_limit(y**2 * controls.variance(y, sp.S.One), sp.Rational(1, 12))
    assert wrong.outcome is Outcome.REFUTED


def test_first_update_without_frozen_steps_is_adams():
    # One gradient: abs(u) = 1. Quadrature in double precision.
    assert controls.delayed_update_mean(0, 0.9) == pytest.approx(1, rel=1e-12)


def test_delayed_update_tends_to_the_half_normal_mean():
    # vhat holds the newest gradient with the share 1 - b2, which shrinks the mean by O(1-b2).
    mean = controls.delayed_update_mean(20_000, 0.9999)
    assert mean == pytest.approx(math.sqrt(2 / math.pi), abs=2e-4)
    counted = controls.delayed_update_mean(20_000, 0.9999, b1=0.9)
    assert counted == pytest.approx(mean / 10, rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frozen": -1, "b2": 0.9}, "frozen must be an integer >= 0; got -1"),
        ({"frozen": 3, "b2": 1.0}, r"b2 must lie in \(0, 1\); got 1.0"),
        ({"frozen": 3, "b2": 0.9, "b1": 1.0}, r"b1 must lie in \[0, 1\); got 1.0"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(DomainError, match=message):
        controls.delayed_update_mean(**arguments)
