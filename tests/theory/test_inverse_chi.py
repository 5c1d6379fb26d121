"""The law of psi^2 and its moments: every step checked, values against SciPy, wrong forms refuted."""

import math

import pytest
import scipy.integrate
import scipy.stats
import sympy as sp

from varlab.theory import inverse_chi as law
from varlab.theory.checking import Outcome, check_equal
from varlab.theory.inverse_chi_limits import (
    check_expansion,
    check_order,
    check_pole,
    check_tail,
    expansion,
    tail_constant,
)
from varlab.theory.log_psi import cumulant, log_variance
from varlab.theory.symbols import p, rho, tau, x


def test_density_is_scipys_inverse_gamma():
    pdf = sp.lambdify((x, rho, tau), law.density(), "math")
    for r, scale, at in [(0.5, 1.0, 0.3), (3.0, 2.0, 1.7), (40.0, 0.1, 0.011)]:
        expected = scipy.stats.invgamma(r / 2, scale=r * scale**2 / 2).pdf(at)
        assert math.isclose(pdf(at, r, scale), expected, rel_tol=1e-12)  # a few hundred ulp


def test_threshold_of_a_moment_is_its_order():
    assert law.existence() == sp.Gt(rho, p, evaluate=False)
    assert [law.threshold(k) for k in (-1, 1, 2, 4)] == [-1, 1, 2, 4]


@pytest.mark.parametrize("order", [-2.0, -0.5, 0.5, 1.0, 1.9])
def test_moments_are_those_of_the_chi_square(order):
    # E[psi^p] = E[(rho/Q)^(p/2)] by quadrature over the chi-square's own density.
    chi2 = scipy.stats.chi2(3.5)
    integral, _ = scipy.integrate.quad(
        lambda q: (3.5 / q) ** (order / 2) * chi2.pdf(q), 0, math.inf
    )
    value = law.psi_moment(order).subs({rho: 3.5, tau: 1})
    # quad promises 1.5e-8 and has an algebraic end point here.
    assert math.isclose(float(value), integral, rel_tol=1e-6)


def test_variance_at_three_degrees_of_freedom():
    assert sp.simplify(law.psi_variance_gamma(sp.Integer(3), sp.S.One) - (3 - 6 / sp.pi)) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        law.psi_variance_beta().subs(2 ** (2 * rho - 5), 2 ** (2 * rho - 4)),
        law.psi_variance_beta() + tau**2 / 10**30,
        law.psi_variance_beta(rho + 1),
    ],
)
def test_a_wrong_beta_form_is_refuted(wrong):
    checked = check_equal(law.psi_variance_gamma(), wrong, law.where_finite(2))
    assert checked.outcome is Outcome.REFUTED
    assert checked.counterexample


def test_a_wrong_density_is_refuted():
    assert law.check_normalised(law.density() * x).outcome is Outcome.REFUTED
    wrong = law.density(rho + 1)
    checked = check_equal(law.density_by_change_of_variables(), wrong, law.LAW)
    assert checked.outcome is Outcome.REFUTED


def test_log_variance_is_the_second_cumulant():
    assert sp.simplify(cumulant(2) - log_variance()) == 0
    sampled = scipy.stats.loggamma(1.5).var() / 4  # log chi^2(3) up to a shift
    assert math.isclose(float(log_variance(sp.Integer(3))), sampled, rel_tol=1e-10)


def test_expansion_approaches_the_exact_variance():
    exact = law.psi_variance_gamma(tau=sp.S.One)
    errors = []
    for at in (10**2, 10**3, 10**4):
        gap = sp.N((exact - expansion(3, tau=sp.S.One)).subs(rho, at), 30)
        errors.append(float(gap * at**4))
    # The next coefficient of the expansion is where rho^4 times the remainder must go.
    following = float(sp.Poly(expansion(4, tau=sp.S.One).subs(rho, 1 / x), x).coeff_monomial(x**4))
    assert abs(errors[-1] - following) < 1e-2 * following
    assert abs(errors[-1] - following) < abs(errors[0] - following)


def test_wrong_limits_are_refuted():
    assert check_order(sp.Integer(1)).outcome is Outcome.REFUTED
    assert check_pole(1).outcome is Outcome.REFUTED
    assert check_expansion(2)


def test_the_tail_of_the_expansion_is_bounded():
    assert check_tail(3).outcome is Outcome.PROVED
    assert check_tail(3, tail_constant(3) / 100).outcome is Outcome.REFUTED
