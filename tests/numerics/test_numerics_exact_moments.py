"""Moments of the exact law of psi_t against mp.quad of their defining integrals."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest
from accuracy import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st

from varlab.core import DomainError
from varlab.numerics import AdaptiveRate, ScaledInverseChi, degrees_of_freedom, psi_variance
from varlab.numerics.oracle_law import (
    autoregressive,
    autoregressive_by_determinant,
    independent,
    independent_long,
    oracle_law,
)

BETAS = (0.9, 0.99, 0.999, 0.9999)
MEANS = (0.0, 0.1, 1.0, 10.0)
# The public contract for the variance. Observed: 1e-14 and better.
ACCURACY = 1e-9
# At 6000 steps mp.quad takes seconds; 30 digits leave a variance of 1e-8 its first 11.
LONG = list(itertools.product((6000,), BETAS, MEANS))
LONG_BY_DEFAULT = {(6000, 0.9, 10.0), (6000, 0.9999, 0.0)}


def slow_unless_default(case):
    return case if case in LONG_BY_DEFAULT else pytest.param(*case, marks=pytest.mark.slow)


@pytest.mark.parametrize("beta2", BETAS)
@pytest.mark.parametrize("t", [3, 4, 5, 10])
def test_variance(t, beta2):
    for mu in MEANS:
        expected = oracle_law(t, beta2, mu, digits=30).variance()
        assert relative_error(AdaptiveRate(t, beta2, mu).var(), expected) < 1e-12


@pytest.mark.parametrize(("beta2", "mu"), [(0.9, 0.0), (0.99, 10.0), (0.999, 1.0), (0.9999, 0.1)])
def test_variance_at_a_hundred_steps(beta2, mu):
    expected = oracle_law(100, beta2, mu, digits=30).variance()
    assert relative_error(AdaptiveRate(100, beta2, mu).var(), expected) < ACCURACY


@pytest.mark.parametrize(("t", "beta2", "mu"), [slow_unless_default(case) for case in LONG])
def test_variance_at_thousands_of_steps(t, beta2, mu):
    expected = oracle_law(t, beta2, mu, digits=30).variance()
    assert relative_error(AdaptiveRate(t, beta2, mu).var(), expected) < ACCURACY


def test_subtracting_the_moments_would_miss_the_accuracy():
    """E[psi^2] - E[psi]^2 in float64 loses what the gap form keeps, so the table has power."""
    naive = [
        abs((law.moment(2) - law.moment(1) ** 2) / law.var() - 1)
        for law in (AdaptiveRate(6000, 0.9999, mu) for mu in (10.0, 100.0))
    ]
    assert max(naive) > ACCURACY


@pytest.mark.parametrize("mutant", ["beta2", "weight", "t"])
def test_a_mutated_law_is_caught(mutant):
    """A neighbouring exponent, an uncorrected bias, one step more."""
    twin = oracle_law(5, 0.9).variance()
    wrong = {
        "beta2": AdaptiveRate(5, 0.9001).var(),
        "weight": AdaptiveRate(5, 0.9).var() / (1 - 0.9**5),
        "t": AdaptiveRate(6, 0.9).var(),
    }[mutant]
    assert relative_error(wrong, twin) > 1e-6 > ACCURACY


@pytest.mark.parametrize(
    ("t", "mu"), [(1, 0.0), (1, 2.0), (2, 0.0), (3, 0.5), (20, 0.0), (20, 3.0)]
)
def test_log_moments(t, mu):
    mean, variance = oracle_law(t, 0.9, mu, digits=30).log_moments()
    law = AdaptiveRate(t, 0.9, mu)
    # The oracle's two log moments cancel to some 20 digits.
    assert relative_error(law.log_mean(), mean) < 1e-12
    assert relative_error(law.log_var(), variance) < 1e-12


@pytest.mark.parametrize("k", [0.1, 1, 1.9, 2.5, 3.5])
def test_moments_of_positive_order(k):
    for t, mu in ((4, 0.0), (9, 1.0)):
        expected = oracle_law(t, 0.8, mu).moment(k)
        assert relative_error(AdaptiveRate(t, 0.8, mu).moment(k), expected) < 1e-12


def test_moments_of_negative_order():
    law, w = AdaptiveRate(6, 0.8, 0.5), oracle_law(6, 0.8, 0.5)
    assert relative_error(law.moment(-1), w.root_vhat_mean()) < 1e-13
    assert law.moment(0) == 1.0
    assert law.moment(-2) == pytest.approx(1.25, rel=1e-13)  # E[vhat] = mu^2 + sigma^2
    # E[vhat^2] = E[vhat]^2 + Var[g^2] sum w^2, Var[g^2] = 2 + 4 mu^2
    second = 1.25**2 + (2 + 4 * 0.25) / degrees_of_freedom(6, 0.8, "kish")
    assert law.moment(-4) == pytest.approx(second, rel=1e-13)


def test_orders_that_the_contour_does_not_resolve_are_refused():
    assert AdaptiveRate(6, 0.8).moment(-1e6) == math.inf  # E[vhat^500000], beyond float64
    with pytest.raises(
        DomainError, match=r"k must be at least -1e\+06 for the exact law; got -1e\+300"
    ):
        AdaptiveRate(6, 0.8).moment(-1e300)


@pytest.mark.parametrize("mu", [1e3, 1e6, 1e9])
def test_gradients_that_hardly_vary(mu):
    """psi = 1/mu up to (sigma/mu)^2; to first order Var[psi] = sum w^2 sigma^2/mu^4."""
    law = AdaptiveRate(10, 0.9, mu)
    for k in (-3.5, -1, 1, 2):
        assert law.moment(k) == pytest.approx(mu**-k, rel=20 / mu**2 + 1e-12)
    first_order = 1 / degrees_of_freedom(10, 0.9, "kish") / mu**4
    assert law.var() == pytest.approx(float(first_order), rel=20 / mu**2 + 1e-12)


@pytest.mark.parametrize("t", [1, 2, 3, 5])
def test_a_moment_exists_exactly_below_t(t):
    law = AdaptiveRate(t, 0.9, 0.3)
    assert math.isfinite(law.moment(t - 1e-3))
    assert math.isinf(law.moment(t))
    assert math.isinf(law.mean()) == (t == 1)
    assert math.isinf(law.var()) == (t <= 2)
    assert math.isfinite(law.log_var())


def test_close_to_the_pole_of_a_moment():
    """(3-k) E[psi^k] tends to a constant as k -> 3 = t: 1/Gamma(3/2) * 2/sqrt(8 w1 w2 w3)."""
    from varlab.numerics import ema_weights

    constant = 2 / math.gamma(1.5) / math.sqrt(8 * np.prod(ema_weights(3, 0.9)))
    gap = 1e-9
    # The next term of the expansion is of relative size gap.
    assert gap * AdaptiveRate(3, 0.9).moment(3 - gap) == pytest.approx(constant, rel=1e-6)


@pytest.mark.parametrize("beta2", [0.0, 0.9])
def test_first_step_is_the_inverse_chi_law_of_one_degree(beta2):
    for law in (AdaptiveRate(1, beta2, sigma=2), AdaptiveRate(7, 0.0, sigma=2)):
        one = ScaledInverseChi(1, 0.5)
        assert math.isinf(law.var())
        for k in (-4, -1, 0.5):
            assert law.moment(k) == pytest.approx(one.moment(k), rel=1e-13)
        assert law.log_var() == pytest.approx(one.log_var(), rel=1e-13)
        assert law.log_mean() == pytest.approx(one.log_mean(), rel=1e-13)


@pytest.mark.parametrize("t", [3, 10, 1000])
def test_equal_weights_are_the_inverse_chi_law_of_t_degrees(t):
    """beta2 -> 1 at fixed t; what is left of the weights' spread is t (1-beta2) squared."""
    law, chi = AdaptiveRate(t, 1 - 1e-12), ScaledInverseChi(t)
    assert law.var() == pytest.approx(chi.var(), rel=1e-13)
    assert law.log_var() == pytest.approx(chi.log_var(), rel=1e-13)


def test_infinite_t_is_the_limit():
    for mu in (0.0, 1.0):
        limit = AdaptiveRate(math.inf, 0.99, mu)
        late = AdaptiveRate(10_000, 0.99, mu)  # 0.99^10000 = 2e-44
        assert limit.var() == pytest.approx(late.var(), rel=1e-14)
        assert limit.log_var() == pytest.approx(late.log_var(), rel=1e-14)


def test_kish_degrees_almost_give_the_variance():
    """varlab.kish: the two laws share mean and variance of vhat_t, so Var[psi_t] differs little."""
    for t in (10, 100, 1000):
        by_kish = psi_variance(degrees_of_freedom(t, 0.99, "kish"))
        assert AdaptiveRate(t, 0.99).var() == pytest.approx(float(by_kish), rel=0.02)


@pytest.mark.parametrize("ar1", [-0.8, 0.3, 0.95])
@pytest.mark.parametrize("mu", [0.0, 0.7])
def test_autoregressive_moments(ar1, mu):
    twin, law = oracle_law(6, 0.9, mu, ar1, digits=30), AdaptiveRate(6, 0.9, mu, 1.0, ar1)
    assert relative_error(law.var(), twin.variance()) < 1e-12
    assert relative_error(law.mean(), twin.moment(1)) < 1e-12
    assert relative_error(law.log_var(), twin.log_moments()[1]) < 1e-12
    assert relative_error(law.moment(-1), twin.root_vhat_mean()) < 1e-12


def test_a_vanishing_coefficient_is_independence():
    """Two different algorithms (filter, products); the laws differ by mu^2 phi relative."""
    for mu in (0.0, 1.0):
        filtered, product = AdaptiveRate(300, 0.99, mu, 1.0, 1e-13), AdaptiveRate(300, 0.99, mu)
        assert filtered.var() == pytest.approx(product.var(), rel=1e-11)
        assert filtered.log_var() == pytest.approx(product.log_var(), rel=1e-11)


def test_the_oracle_s_own_forms_agree():
    with mp.workdps(40):
        pairs = (
            (autoregressive(4, 0.9, 0.7, -0.6), autoregressive_by_determinant(4, 0.9, 0.7, -0.6)),
            (independent(60, 0.95, 0.7), independent_long(60, 0.95, 0.7)),
            (independent(4, 0.95, 0.7), autoregressive(4, 0.95, 0.7, 0.0)),
        )
        for one, other in pairs:
            for z in (0.01, 1, 10, 1000):
                z_ = mp.mpf(z)
                assert abs(one(z_) / other(z_) - 1) < mp.mpf(10) ** -34


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    t=st.integers(3, 10**6),
    beta2=st.floats(1e-3, 1 - 1e-9),
    mu=st.floats(-20, 20),
    sigma=st.floats(1e-6, 1e6),
)
def test_scale_and_sign(t, beta2, mu, sigma):
    """psi scales like 1/sigma and does not see the sign of mu."""
    unit, scaled = AdaptiveRate(t, beta2, mu), AdaptiveRate(t, beta2, -mu * sigma, sigma)
    # mu sigma / sigma is rounded: the laws differ by some 1e-16 (1 + mu^2) of the concentration.
    assert scaled.var() * sigma**2 == pytest.approx(unit.var(), rel=1e-12)
    assert scaled.log_var() == pytest.approx(unit.log_var(), rel=1e-12)
    assert scaled.log_mean() + math.log(sigma) == pytest.approx(
        unit.log_mean(), rel=1e-12, abs=1e-12
    )
    # Jensen, Cauchy-Schwarz
    assert unit.moment(-1) * unit.mean() >= 1 - 1e-13
    assert unit.var() > 0
