"""Eq. 5 and the rectification term: R section 4.2 and 4.3."""

import mpmath as mp
import pytest
import sympy as sp

from varlab.core import DomainError
from varlab.theory import delta_method, rectification
from varlab.theory.checking import Outcome, check_equal
from varlab.theory.moving_average import rho_t
from varlab.theory.symbols import b2, rho, rho_inf, t, y

DERIVATIONS = (
    delta_method.first_order,
    rectification.rectification_term,
    rectification.warmup_shape,
)


@pytest.mark.parametrize("build", DERIVATIONS, ids=lambda b: b.__name__)
def test_every_step_is_proved(build):
    derivation = build()
    outcomes = {step.title: step.check().outcome for step in derivation.steps}
    assert set(outcomes.values()) == {Outcome.PROVED}, outcomes
    assert all(step.statement not in (sp.true, sp.false) for step in derivation.steps)
    assert derivation.to_latex().count(r"\item") == len(derivation.steps)
    assert all(page.startswith("<math") for page in derivation.to_mathml())


@pytest.mark.parametrize(
    "wrong", [rho / (2 * (rho - 2) * (rho - 3)), rho / ((rho - 2) * (rho - 4))]
)
def test_a_wrong_eq5_is_caught(wrong):
    ours = delta_method.delta_method_variance(tau=sp.S.One)
    domain = delta_method.where_finite(4)
    assert check_equal(ours, wrong, domain).outcome is Outcome.REFUTED


def test_a_wrong_rectification_is_caught():
    solved = rectification.solve_rectification()
    wrong = rectification.rectification_of(rho, rho_inf) * sp.sqrt(rho / rho_inf)
    assert check_equal(solved, wrong, rectification.ADAPTIVE_DOMAIN).outcome is Outcome.REFUTED


def test_expansion_of_the_error_of_eq5():
    # Three terms leave a remainder of order rho^-4, at rho = 1000 about 150e-12.
    exact = delta_method.relative_error().subs(rho, 1000).evalf(30)
    series = delta_method.relative_error_expansion(3).subs(rho, 1000).evalf(30)
    assert abs(exact - series) < 1e-9


def test_degenerate_decays_for_both_thresholds():
    assert rectification.degenerate_decays() == sp.Interval.Lopen(0, sp.Rational(3, 5))
    assert rectification.degenerate_decays(sp.Integer(5)) == sp.Interval.Lopen(0, sp.Rational(2, 3))


@pytest.mark.parametrize("threshold", [4, 5])
@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_adaptive_decay_is_where_rho_crosses_the_threshold(threshold, ahead):
    step = threshold + ahead
    root = rectification.adaptive_decay(step, threshold)
    for offset in (-1, 1):
        at = sp.Rational(str(root.evalf(20))) + offset * sp.Rational(1, 10**10)
        excess = rho_t().subs({t: step, b2: at}) - threshold
        assert sp.sign(excess) == offset


def test_no_decay_makes_step_four_adaptive():
    with pytest.raises(DomainError, match="step must exceed the threshold 4; got 4"):
        rectification.adaptive_decay(4)


def test_the_shape_is_approached():
    r_t = sp.lambdify((t, b2), rectification.rectification(), "mpmath")
    shape = sp.lambdify(y, rectification.scaled_rectification(), "mpmath")
    with mp.workdps(30):
        gap = mp.mpf(10) ** -6
        for u in (0.5, 1.5, 4):
            # Corrections are of order 1/rho, some 1e-6.
            assert abs(r_t(u / gap, 1 - gap) - shape(u)) < 2e-5
