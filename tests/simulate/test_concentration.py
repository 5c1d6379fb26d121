"""Radii from exact moments: they cover at any sample size, and lose little where a normal quantile would do."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.simulate.concentration import (
    exponential_moments,
    log_mean_radius,
    log_variance_radius,
    relative_psi_variance_radius,
)

RNG_SEED = 7


def moments(t, mu=0.0, beta2=0.999, n=1000, rate=1e-3):
    """Of psi_t, in units in which E[log psi_t] = 0."""
    unit = math.exp(AdaptiveRate(t, beta2, mu=mu).log_mean())
    law = AdaptiveRate(t, beta2, mu=unit * mu, sigma=unit)
    return law, exponential_moments(law, t, math.sqrt(2 * math.log(2 / rate) / n))


@pytest.mark.parametrize("n", [2, 20, 200])
@pytest.mark.parametrize(("t", "mu"), [(1, 0.0), (5, 0.0), (5, 2.0), (12, 0.0), (30, 0.0)])
def test_the_radii_cover(t, mu, n):
    """At a rate of 0.2 each, 1500 samples: more than 390 misses has chance 1e-8."""
    law, known = moments(t, mu, n=n, rate=0.2)
    psi = law.rvs((n, 1500), np.random.default_rng(RNG_SEED))
    x = np.log(psi)
    missed = [
        np.abs(x.mean(axis=0)) > log_mean_radius(known, n, 0.2),
        np.abs(x.var(axis=0, ddof=1) - law.log_var()) > log_variance_radius(known, n, 0.2),
    ]
    relative = relative_psi_variance_radius(known, n, 0.2)
    assert math.isfinite(relative) == (t > 4)
    if t > 4:
        missed.append(np.abs(psi.var(axis=0, ddof=1) / law.var() - 1) > relative)
    assert max(m.sum() for m in missed) <= 390


@pytest.mark.parametrize("mu", [0.0, 0.1, 1.0, 10.0])
@pytest.mark.parametrize(("n", "loss"), [(5000, 1.3), (10**7, 1.2)])
def test_where_a_normal_quantile_would_do_little_is_lost(mu, n, loss):
    """t = 2000 at beta2 = 0.999: log psi_t, and nearly psi_t, is normal; at a rate of 1e-6."""
    rate = 1e-6
    law, known = moments(2000, mu, n=n, rate=rate)
    quantile = -float(ndtri(rate / 2))
    normal = quantile * math.sqrt(2 / n)
    assert quantile * math.sqrt(law.log_var() / n) < log_mean_radius(known, n, rate)
    assert log_mean_radius(known, n, rate) < 1.15 * quantile * math.sqrt(law.log_var() / n)
    assert normal < log_variance_radius(known, n, rate) / law.log_var() < loss * normal
    assert normal < relative_psi_variance_radius(known, n, rate) < loss * normal


def test_the_radius_is_monotone():
    _, known = moments(10)
    by_n = [relative_psi_variance_radius(known, n, 1e-3) for n in (10, 100, 1000, 10**5)]
    by_rate = [relative_psi_variance_radius(known, 1000, rate) for rate in (0.1, 1e-3, 1e-6)]
    assert by_n == sorted(by_n, reverse=True)
    assert by_rate == sorted(by_rate)


def test_a_constant_needs_no_radius():
    from varlab.simulate.exact import Constant

    known = exponential_moments(Constant(1.0), math.inf)
    for radius in (log_mean_radius, log_variance_radius, relative_psi_variance_radius):
        assert radius(known, 10, 1e-3) == 0.0
