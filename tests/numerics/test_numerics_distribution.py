"""cdf, density, quantiles and draws of the exact law."""

import math

import numpy as np
import pytest
from accuracy import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from varlab.core import generator
from varlab.numerics import AdaptiveRate, ScaledInverseChi, degrees_of_freedom
from varlab.numerics.oracle_law import oracle_law

LAWS = {
    "first step": AdaptiveRate(1, 0.9),
    "second step": AdaptiveRate(2, 0.5),
    "third step": AdaptiveRate(3, 0.999, 0.5),
    "large mean": AdaptiveRate(5, 0.9, 10.0, 2.0),
    "long": AdaptiveRate(3000, 0.999),
    "stationary": AdaptiveRate(math.inf, 0.9),
    "wide weights": AdaptiveRate(50, 0.3),
    "positive ar1": AdaptiveRate(30, 0.9, 0.0, 1.0, 0.8),
    "negative ar1": AdaptiveRate(20, 0.9, 0.5, 1.0, -0.8),
}
Q = np.array([1e-9, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-9])


@pytest.fixture(params=LAWS, ids=str)
def law(request):
    return LAWS[request.param]


@pytest.mark.parametrize("x", [1e-20, 1e-3, 0.2, 0.7, 1.0, 1.4, 5.0, 1e3, 1e8])
@pytest.mark.parametrize("mu", [0.0, 0.5, 4.0])
def test_first_step_against_the_normal_law(x, mu):
    """P(psi_1 <= x) = P(abs(g) >= 1/x), g ~ N(mu, 1)."""
    law = AdaptiveRate(1, 0.99, mu)
    above = stats.norm.sf(1 / x - mu) + stats.norm.sf(1 / x + mu)
    density = (stats.norm.pdf(1 / x - mu) + stats.norm.pdf(1 / x + mu)) / x**2
    # 1e-12 of the density's exponent scale: both sides underflow for the smallest x.
    assert law.cdf(x) == pytest.approx(above, rel=1e-12, abs=1e-300)
    assert law.pdf(x) == pytest.approx(density, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("t", [2, 5, 400])
def test_equal_weights_against_the_chi_square(t):
    law, chi = AdaptiveRate(t, 1 - 1e-13), ScaledInverseChi(t)
    x = chi.ppf([1e-40, 1e-12, 0.01, 0.4, 0.6, 0.99, 1 - 1e-12])
    np.testing.assert_allclose(law.cdf(x), chi.cdf(x), rtol=1e-10)
    np.testing.assert_allclose(law.sf(x), chi.sf(x), rtol=1e-10)
    np.testing.assert_allclose(law.pdf(x), chi.pdf(x), rtol=1e-10)


@pytest.mark.parametrize(
    ("t", "beta2", "mu", "ar1"),
    [(2, 0.9, 0, 0), (3, 0.5, 0.3, 0), (7, 0.99, 0, 0), (5, 0.9, 0.5, -0.8), (40, 0.9, 0, 0)],
)
def test_distribution_against_the_oracle_s_inversion(t, beta2, mu, ar1):
    law, twin = AdaptiveRate(t, beta2, mu, 1.0, ar1), oracle_law(t, beta2, mu, ar1)
    for x in law.ppf([1e-3, 0.3, 0.9]):
        # 1e-11: Talbot's method at 50 digits is good to far more than that at these probabilities.
        assert relative_error(law.cdf(x), twin.distribution(float(x))) < 1e-11


def test_quantiles_invert_the_distribution(law):
    x = law.ppf(Q)
    low = Q < 0.5
    np.testing.assert_allclose(law.cdf(x[low]), Q[low], rtol=1e-12)
    np.testing.assert_allclose(law.sf(x[~low]), 1 - Q[~low], rtol=1e-12)
    np.testing.assert_allclose(law.ppf(law.cdf(x[low])), x[low], rtol=1e-12)


def test_the_two_tails_join(law):
    x = law.ppf(np.linspace(0.02, 0.98, 25))
    np.testing.assert_allclose(law.cdf(x) + law.sf(x), 1.0, atol=1e-14)
    # Where the inversion changes side, at vhat = its mean, nothing jumps.
    mean = law.moment(-2) ** -0.5
    step = 1e-9 * mean
    jump = law.cdf(mean + step) - law.cdf(mean - step) - 2 * step * law.pdf(mean)
    assert abs(jump) < 1e-12


def test_the_density_is_the_derivative_of_the_distribution(law):
    for x in law.ppf([1e-3, 0.2, 0.5, 0.8, 0.999]):
        spread = 1e-3 * x * math.sqrt(law.log_var())
        ahead, behind = (law.cdf(x + j * spread) - law.cdf(x - j * spread) for j in (1, 2))
        slope = (8 * ahead - behind) / (12 * spread)
        # The fourth-order formula: truncation (1e-3)^4 and rounding 1e-16/1e-3 of the cdf.
        assert law.pdf(x) == pytest.approx(slope, rel=1e-8)


def test_the_density_has_the_law_s_moments(law):
    """Over log psi, where every moment exists: total mass, E[log psi] and Var[log psi]."""
    low, high = np.log(law.ppf([1e-15, 1 - 1e-15]))
    u = np.linspace(low, high, 2001)
    density = law.pdf(np.exp(u)) * np.exp(u)
    total = integrate.simpson(density, x=u)
    mean = integrate.simpson(density * u, x=u)
    variance = integrate.simpson(density * (u - law.log_mean()) ** 2, x=u)
    # The two cut tails hold 1e-15 each, at most 35 (70 at t = 1) from the mean; Simpson is 4th order.
    assert total == pytest.approx(1.0, abs=1e-10)
    assert mean == pytest.approx(law.log_mean(), abs=1e-10)
    assert variance == pytest.approx(law.log_var(), rel=1e-8)


def test_mean_and_variance_from_the_density():
    law = AdaptiveRate(12, 0.9, 0.5, 2.0)
    u = np.linspace(math.log(1e-2), math.log(1e4), 6001)
    x = np.exp(u)
    density = law.pdf(x) * x
    mean = integrate.simpson(density * x, x=u)
    variance = integrate.simpson(density * (x - law.mean()) ** 2, x=u)
    assert mean == pytest.approx(law.mean(), rel=1e-9)
    assert variance == pytest.approx(law.var(), rel=1e-8)


@pytest.mark.parametrize("name", ["second step", "large mean", "wide weights", "negative ar1"])
def test_draws_follow_the_distribution(name):
    """Kolmogorov-Smirnov on 5,000 draws: false-fail rate 1e-6 each, sees any cdf gap above 0.06 surely."""
    law = LAWS[name]
    draws = law.rvs(5_000, generator(0, "tests", "adaptive-rate", name))
    assert stats.kstest(draws, law.cdf).pvalue > 1e-6


def test_the_draws_see_a_wrong_law():
    """Planted: the paper's scaled inverse chi law at rho_t, and independence for an AR(1)."""
    rng = generator(0, "tests", "adaptive-rate", "planted")
    law = AdaptiveRate(40, 0.96)
    paper = ScaledInverseChi(float(degrees_of_freedom(40, 0.96)))
    assert stats.kstest(law.rvs(40_000, rng), paper.cdf).pvalue < 1e-6
    dependent = AdaptiveRate(30, 0.9, 0.0, 1.0, 0.8)
    assert stats.kstest(dependent.rvs(5_000, rng), AdaptiveRate(30, 0.9).cdf).pvalue < 1e-6


def test_draws_have_a_shape_and_a_seed():
    law = LAWS["third step"]
    one, two = (law.rvs((2, 3), generator(7, "tests")) for _ in range(2))
    assert one.shape == (2, 3)
    np.testing.assert_array_equal(one, two)
    assert law.rvs(0, generator(7, "tests")).shape == (0,)


def test_ends_of_the_support():
    law = LAWS["third step"]
    np.testing.assert_array_equal(law.cdf([-1, 0, 1e-300, np.inf]), [0, 0, 0, 1])
    np.testing.assert_array_equal(law.sf([-np.inf, 0, 1e-300, np.inf]), [1, 1, 1, 0])
    np.testing.assert_array_equal(law.pdf([-1, 0, 1e-300, np.inf]), [0, 0, 0, 0])
    np.testing.assert_array_equal(law.ppf([0, 1]), [0, np.inf])
    assert law.cdf(1.0).shape == ()
    assert law.cdf([[1.0, 2.0]]).shape == (1, 2)


def test_the_far_upper_tail_is_the_power_law_of_t():
    """P(psi_t > x) ~ C x^-t: a factor 10 in x is a factor 10^-t."""
    law = LAWS["third step"]
    assert law.sf(1e30) / law.sf(1e31) == pytest.approx(1e3, rel=1e-12)
    assert law.sf(1e80) / law.sf(1e81) == pytest.approx(1e3, rel=1e-12)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    t=st.integers(1, 5000),
    beta2=st.floats(0.05, 0.9999),
    mu=st.floats(-5, 5),
    q=st.floats(1e-12, 1 - 1e-12),
)
def test_monotone_and_inverse_on_the_whole_domain(t, beta2, mu, q):
    law = AdaptiveRate(t, beta2, mu)
    x = law.ppf(q)
    # 1e-11 of the smaller tail: rounding of log M grows with mean/sd of vhat.
    assert min(abs(law.cdf(x) / q - 1), abs(law.sf(x) / (1 - q) - 1)) < 1e-11
    around = law.cdf(x * np.array([0.9, 1.0, 1.1]))
    assert (np.diff(around) >= 0).all()
    assert law.pdf(x) > 0
