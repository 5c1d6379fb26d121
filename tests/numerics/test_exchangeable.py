"""Exchangeable gradients: the rank-one form against the dense determinant, a mixture over means, and limits."""

import math

import numpy as np
import pytest
from scipy import special, stats

from varlab.core import DomainError, generator
from varlab.numerics import AdaptiveRate, ema_weights
from varlab.numerics.ema_law import ema_form
from varlab.numerics.exchangeable import ExchangeableForm, ExchangeableRate

CASES = [(6, 0.9, 0.0, 0.01), (6, 0.9, 0.3, 0.5), (9, 0.5, 2.0, 3.0), (60, 0.98, 0.3, 1000.0)]


def form_of(t, beta2, mu, tau):
    independent = ema_form(t, beta2, mu, 0.0, 2.0)
    return ExchangeableForm(independent.weights, independent.counts, mu, tau)


@pytest.mark.parametrize(("t", "beta2", "mu", "tau"), CASES)
@pytest.mark.parametrize("z", [0.01, 1.0, 30.0, 0.3 + 2j, -3 + 0.5j])
def test_the_transform_is_the_dense_determinant(t, beta2, mu, tau, z):
    """E[exp(-z g'Wg)] for g ~ N(mu 1, C): det(I + 2 z C W)^(-1/2) and its noncentral factor."""
    w = np.diag(ema_weights(t, beta2))
    covariance = np.eye(t) + tau**2
    moved = np.eye(t) + 2 * z * covariance @ w
    eigenvalues = np.linalg.eigvals(covariance @ w)
    ones = np.ones(t)
    # principal logarithms eigenvalue by eigenvalue: the root of the product changes branch
    expected = -0.5 * np.log(1 + 2 * z * eigenvalues).sum()
    expected -= z * mu**2 * (ones @ w @ np.linalg.solve(moved, ones))
    got = form_of(t, beta2, mu, tau).log_transform(np.array([z]))[0]
    # the eigenvalues of 1e6 against 1 carry 1e-10 of rounding
    assert got == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("t", "beta2", "mu", "tau"), CASES)
def test_the_abscissa_is_the_largest_eigenvalues(t, beta2, mu, tau):
    root = np.sqrt(ema_weights(t, beta2))
    largest = np.linalg.eigvalsh(np.diag(root**2) + tau**2 * np.outer(root, root))[-1]
    assert form_of(t, beta2, mu, tau).abscissa == pytest.approx(0.5 / largest, rel=1e-11)


def over_means(t, beta2, mu, tau, value):
    """E[value(law given the mean)], c = mu + tau m = sinh u by the trapezoidal rule."""
    low, high = (math.asinh(mu + sign * 9 * tau) for sign in (-1, 1))
    u = np.linspace(low, high, 400)
    centre = np.sinh(u)
    weights = np.exp(-0.5 * ((centre - mu) / tau) ** 2) * np.cosh(u)
    values = np.array([value(AdaptiveRate(t, beta2, mu=float(c))) for c in centre])
    return float(weights @ values / weights.sum())


@pytest.mark.parametrize(("t", "beta2", "mu", "tau"), [(5, 0.9, 0.3, 0.5), (60, 0.98, 0.0, 30.0)])
def test_moments_are_those_of_the_mixture_over_means(t, beta2, mu, tau):
    law = ExchangeableRate(t, beta2, mu=mu, tau=tau)
    for k in (-3.0, -1.0, 1.0, 2.0):
        expected = over_means(t, beta2, mu, tau, lambda given, k=k: given.moment(k))
        assert law.moment(k) == pytest.approx(expected, rel=1e-10)
    mean = over_means(t, beta2, mu, tau, AdaptiveRate.log_mean)
    assert law.log_mean() == pytest.approx(mean, rel=1e-10)
    second = over_means(t, beta2, mu, tau, lambda given: given.log_var() + given.log_mean() ** 2)
    assert law.log_var() == pytest.approx(second - mean**2, rel=1e-9)
    variance = over_means(t, beta2, mu, tau, lambda given: given.moment(2)) - law.mean() ** 2
    assert law.var() == pytest.approx(variance, rel=1e-9)
    x = float(law.ppf(0.9))
    assert law.sf(x) == pytest.approx(0.1, rel=1e-9)
    assert over_means(t, beta2, mu, tau, lambda given: float(given.sf(x))) == pytest.approx(
        0.1, rel=1e-6
    )


def test_a_wrong_spread_is_caught():
    wrong = ExchangeableRate(5, 0.9, mu=0.3, tau=0.501).moment(2)
    right = over_means(5, 0.9, 0.3, 0.5, lambda given: given.moment(2))
    assert abs(wrong / right - 1) > 1e-5


@pytest.mark.parametrize("tau", [1e10, 1e20, 1e30])
def test_a_mean_far_larger_than_the_noise_is_all_there_is(tau):
    """psi tends to 1/(tau abs(m)): the first step's law; E[psi] grows like log tau, its tail as 1/x."""
    law = ExchangeableRate(20, 0.999, tau=tau)
    assert law.log_var() == pytest.approx(math.pi**2 / 8, rel=1e-8)
    assert law.log_mean() + math.log(tau) == pytest.approx(
        0.5 * (math.log(2) + np.euler_gamma), rel=1e-8
    )
    assert law.moment(-1) == pytest.approx(tau * math.sqrt(2 / math.pi), rel=1e-12)
    q = np.array([1e-6, 0.5, 0.999])
    np.testing.assert_allclose(law.ppf(q) * tau, 1 / special.ndtri(1 - q / 2), rtol=1e-8)
    assert law.sf(0.01) == pytest.approx(100 / tau * math.sqrt(2 / math.pi), rel=2e-3)
    assert 0 < law.sf(2.0) < law.sf(1.0) < law.sf(0.5)
    assert law.var() * tau == pytest.approx(1.33957899, rel=1e-7)  # the same at every large tau


def test_without_a_spread_it_is_the_independent_law():
    for t in (1, 5, math.inf):
        plain, none = AdaptiveRate(t, 0.9, 0.3, 2.0), ExchangeableRate(t, 0.9, 0.3, 2.0, tau=0.0)
        assert none.var() == plain.var()
        small = ExchangeableRate(t, 0.9, 0.3, 2.0, tau=1e-9)
        assert small.log_var() == pytest.approx(plain.log_var(), rel=1e-13)


def test_draws_have_the_law():
    law = ExchangeableRate(5, 0.9, mu=0.5, sigma=2.0, tau=1.5)
    drawn = law.rvs(20_000, generator(5))
    # false-fail rate 1e-6, seeded; the law without the shared mean is told apart
    assert stats.kstest(drawn, law.cdf).pvalue > 1e-6
    assert stats.kstest(drawn, AdaptiveRate(5, 0.9, mu=0.5, sigma=2.0).cdf).pvalue < 1e-6


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"tau": -1.0}, "tau must lie in [0, 1e+30]; got -1.0"),
        ({"tau": math.nan}, "tau must lie in [0, 1e+30]; got nan"),
        ({"tau": 1e31}, "tau must lie in [0, 1e+30]; got 1e+31"),
        ({"tau": 1.0, "ar1": 0.5}, "ar1 must be 0 beside a shared mean; got 0.5"),
    ],
)
def test_parameters_outside_their_domain(bad, message):
    with pytest.raises(DomainError) as caught:
        ExchangeableRate(5, 0.9, **bad)
    assert str(caught.value) == message
