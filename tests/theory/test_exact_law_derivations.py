"""The exact law of vhat_t against direct integration over the Gaussian density."""

import mpmath as mp
import pytest
import sympy as sp

from varlab.core import DomainError
from varlab.theory import correlated_law, exact_law
from varlab.theory.checking import Outcome
from varlab.theory.direct_integration import direct_moment, direct_moment_with_mean
from varlab.theory.symbols import b2, k, mu, phi, s, w, z

NINE_TENTHS, HALF = sp.Rational(9, 10), sp.Rational(1, 2)
DERIVATIONS = (exact_law.exact_law, correlated_law.correlated_law)


def agree(a, b, digits):
    with mp.workdps(60):
        return abs(mp.mpf(a) - mp.mpf(b)) <= mp.mpf(10) ** -digits * abs(mp.mpf(b))


@pytest.mark.parametrize("build", DERIVATIONS, ids=lambda b: b.__name__)
def test_every_step_checks(build):
    derivation = build()
    for step in derivation.steps:
        assert step.check(), step.title
        assert step.statement not in (sp.true, sp.false), step.title
    assert derivation.to_latex().count(r"\item") == len(derivation.steps)
    assert all(page.startswith("<math") for page in derivation.to_mathml())


@pytest.mark.parametrize(
    "wrong",
    [
        (1 + z * w * s**2) ** sp.Rational(-1, 2),
        (1 - 2 * z * w * s**2) ** -2,
        (1 + 2 * z * w * s**2) ** -1,
    ],
    ids=["no factor 2", "sign and power", "power"],
)
def test_a_wrong_factor_is_caught(wrong):
    assert exact_law.check_factor(wrong).outcome is Outcome.REFUTED


def test_a_wrong_noncentral_factor_is_caught():
    wrong = exact_law.factor() * sp.exp(-z * w * mu**2)
    assert correlated_law.check_noncentral_factor(wrong).outcome is Outcome.REFUTED


def test_a_wrong_determinant_is_caught():
    wrong = correlated_law.determinant(correlated_law.ema_weights(2), z=z / 2)
    assert correlated_law.check_bivariate(wrong).outcome is Outcome.REFUTED


def test_the_printed_double_integral_is_the_determinant():
    values = {z: sp.Rational(3, 2), b2: NINE_TENTHS, s: sp.Rational(6, 5), phi: HALF}
    weights = correlated_law.ema_weights(2)
    integral = correlated_law.bivariate_integral().subs(values)
    first, second = integral.variables
    integrand = sp.lambdify((first, second), integral.function, "mpmath")
    # Beyond 12 standard deviations the density is e^-72.
    with mp.workdps(15):
        found = mp.quad(integrand, mp.linspace(-14, 14, 5), mp.linspace(-14, 14, 5))
    expected = correlated_law.determinant(weights).subs(values) ** -HALF
    assert agree(found, sp.N(expected, 30), 8)


def test_the_q_pochhammer_symbol_is_proved_for_every_step():
    assert exact_law.check_pochhammer().outcome is Outcome.PROVED
    wrong = exact_law.pochhammer_argument() * b2
    assert exact_law.check_pochhammer(wrong).outcome is Outcome.REFUTED


def test_what_is_shown_at_a_few_steps_is_not_called_proved():
    assert correlated_law.check_precision().outcome is Outcome.PROVED
    bivariate = correlated_law.check_bivariate(
        correlated_law.determinant(correlated_law.ema_weights(2))
    )
    for checked in (bivariate, correlated_law.check_continuant()):
        assert checked.outcome is Outcome.CONFIRMED
        assert "t = " in checked.how


def test_second_step_at_fifty_digits():
    ours = exact_law.moment(1, 2, NINE_TENTHS)
    assert agree(ours, direct_moment(1, 2, NINE_TENTHS), 50)
    legendre = exact_law.second_step_mean(NINE_TENTHS, sp.S.One)
    assert agree(ours, mp.make_mpf(sp.N(legendre, 55)._mpf_), 50)


def test_third_step():
    ours = exact_law.moment(2, 3, HALF)
    # Two dimensions of quadrature: 8 digits keep the twin quick.
    assert agree(ours, direct_moment(2, 3, HALF, digits=8), 8)
    with mp.workdps(60):
        carlson = exact_law.third_step_second_moment(HALF)
    assert agree(ours, carlson, 50)


def test_correlated_second_step_at_fifty_digits():
    ours = correlated_law.ar1_moment(1, 2, NINE_TENTHS, HALF)
    assert agree(ours, direct_moment(1, 2, NINE_TENTHS, phi=HALF), 50)


def test_no_correlation_is_the_independent_case():
    assert agree(correlated_law.ar1_moment(2, 4, HALF, sp.S.Zero), exact_law.moment(2, 4, HALF), 45)


def test_a_mean_by_direct_integration():
    shift = sp.Rational(7, 10)
    ours = exact_law.moment(1, 2, NINE_TENTHS, mu=shift)
    assert agree(ours, direct_moment_with_mean(1, NINE_TENTHS, shift, digits=12), 12)


def test_equal_weights_give_the_inverse_chi_square():
    # beta2 -> 1: vhat_3 is the plain mean of three squares, E[psi_3^2] = 3/(3-2).
    nearly_one = 1 - sp.Rational(1, 10**20)
    assert agree(exact_law.moment(2, 3, nearly_one), 3, 19)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_moments_exist_beyond_their_order(order):
    assert exact_law.finite_from(order) == order + 1
    with pytest.raises(DomainError, match=f"t must exceed {order}"):
        exact_law.moment(order, order, HALF)


def test_infinite_moments_diverge_as_the_tail_says():
    # At t = 2 the integrand of E[psi^2] tends to z^-1 times a constant: the limit names it.
    product = exact_law.transform(sp.Integer(2), b2, z, sp.S.One).doit()
    assert sp.limit(z * product.subs(b2, HALF), z, sp.oo).is_positive


def test_the_first_step_is_the_papers_law():
    # R section 3: psi_1^2 ~ Scale-inv-chi2(1, 1/s^2), whose psi has E[psi^k] for k < 1 only.
    value = exact_law.first_step_moment().subs({k: HALF, s: 2})
    with mp.workdps(30):
        norm = 2 / (2 * mp.sqrt(2 * mp.pi))
        direct = norm * mp.quad(lambda g: g**-0.5 * mp.exp(-(g**2) / 8), [0, 1, 10, 60])
        # The integrable pole at 0 costs the quadrature half of its 30 digits.
        assert abs(direct - mp.make_mpf(sp.N(value, 30)._mpf_)) < mp.mpf(10) ** -12


def test_scale_invariance():
    with mp.workdps(60):
        tripled = 9 * exact_law.moment(2, 4, HALF, s=sp.Integer(3))
    assert agree(tripled, exact_law.moment(2, 4, HALF), 45)
