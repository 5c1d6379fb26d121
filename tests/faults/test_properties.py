"""Properties of the laws over their whole domain, at points that Hypothesis draws (the same every time).

Theorem 1 and the derivations are proved in ``varlab.theory``; here the numbers that come out of
``varlab.numerics`` are held to what follows from them.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varlab.numerics import (
    AdaptiveRate,
    ScaledInverseChi,
    degrees_of_freedom,
    delta_method_variance,
    effective_warmup_period,
    ema_weights,
    first_adaptive_step,
    log_psi_variance,
    psi_mean,
    psi_variance,
    psi_variance_at,
    psi_variance_path,
    rectification,
    rho_inf,
)

few = settings(max_examples=60, derandomize=True, deadline=None)
fewer = settings(max_examples=25, derandomize=True, deadline=None)


def logs(low, high):
    """Numbers whose logarithm is uniform."""
    return st.floats(math.log(low), math.log(high)).map(math.exp)


rho_s = logs(1e-6, 1e12).map(lambda excess: 2 + excess)
# 1 - beta2 from 1 to 1e-12, and beta2 near 0
beta2_s = st.one_of(logs(1e-12, 1.0).map(lambda gap: 1 - gap), st.floats(0.0, 1 - 1e-12))
exact_beta2_s = st.one_of(logs(1e-9, 0.9).map(lambda gap: 1 - gap), st.floats(0.3, 0.8))
t_s = logs(1, 1e6).map(round)
scale_s = logs(1e-6, 1e6)


@few
@given(rho_s)
def test_moments_of_the_scaled_inverse_chi_are_positive_and_tend_to_their_limits(rho):
    assert psi_mean(rho) > 1  # Jensen: E[psi] > 1/sqrt(E[1/psi^2])
    assert 0 < psi_variance(rho) < math.inf
    assert 0 < log_psi_variance(rho) < math.inf
    # The pole at 2 bounds it above: Var < E[psi^2] = rho/(rho-2); at large rho, Eq. 5's 1/(2 rho).
    assert psi_variance(rho) < rho / (rho - 2)
    if rho > 1e4:
        assert psi_variance(rho) == pytest.approx(1 / (2 * rho), rel=10 / rho + 1e-12)
        assert log_psi_variance(rho) == pytest.approx(1 / (2 * rho), rel=10 / rho + 1e-12)


@few
@given(rho_s, logs(1e-6, 1e3))
def test_theorem_1_the_variance_falls_with_rho(rho, factor):
    """By more than rounding: the slope of log Var in log rho is at most -1."""
    larger = 2 + (rho - 2) * (1 + factor)
    tiny = 1e-13
    assert psi_variance(larger) <= psi_variance(rho) * (1 + tiny)
    assert log_psi_variance(larger) <= log_psi_variance(rho) * (1 + tiny)
    if larger > rho * (1 + 1e-9):
        assert psi_variance(larger) < psi_variance(rho)


@few
@given(t_s, beta2_s)
def test_degrees_of_freedom_rise_from_1_to_their_limit(t, beta2):
    for kind in ("sma", "kish"):
        now, later = degrees_of_freedom([t, t + 1], beta2, kind)
        assert now * (1 + 1e-14) >= 1
        assert now <= later * (1 + 1e-14)
        assert later <= rho_inf(beta2) * (1 + 1e-14)
        assert now <= t * (1 + 1e-14)  # t values weigh no more than t equal ones
    assert degrees_of_freedom(1, beta2) == pytest.approx(1, rel=1e-14)


@few
@given(t_s, beta2_s)
def test_rectification_lies_in_0_to_1_and_rises(t, beta2):
    for kind in ("radam", "kish"):
        now, later = rectification([t, t + 1], beta2, kind)
        assert np.isnan(now) or 0 < now <= 1 + 1e-14
        assert np.isnan(now) or now <= later * (1 + 1e-12)
        assert not (np.isnan(later) and np.isfinite(now))
    rho, limit = degrees_of_freedom(t, beta2), rho_inf(beta2)
    if abs(rho - 4) > 1e-9:
        assert np.isfinite(rectification(t, beta2)) == bool(rho > 4)
    if rho > 4.1:  # what r_t is for: by Eq. 5, r_t psi_t has the variance that psi has in the limit
        wanted = np.sqrt(delta_method_variance(limit) / delta_method_variance(rho))
        assert rectification(t, beta2) == pytest.approx(wanted, rel=1e-9)


@fewer
@given(t_s, exact_beta2_s)
def test_the_exact_factor_lies_in_0_to_1_and_its_law_is_the_paths(t, beta2):
    factor = rectification(t, beta2, kind="exact")
    assert np.isnan(factor) if t <= 2 else 0 < factor <= 1 + 1e-11
    variance = AdaptiveRate(t, beta2).var()
    assert psi_variance_at(t, beta2) == pytest.approx(variance, rel=1e-11)


@fewer
@given(st.integers(3, 3000), exact_beta2_s, st.floats(-5, 5), scale_s)
def test_the_path_is_the_law_at_every_step_and_scales_with_sigma(steps, beta2, shift, sigma):
    path = psi_variance_path(steps, beta2, mu=shift * sigma, sigma=sigma)
    assert path.shape == (steps,)
    assert np.all(np.isinf(path[:2]))
    assert np.all(path[2:] > 0)
    for t in {3, (3 + steps) // 2, steps}:
        unit = AdaptiveRate(t, beta2, mu=shift)
        assert path[t - 1] == pytest.approx(unit.var() / sigma**2, rel=2e-11)
        scaled = AdaptiveRate(t, beta2, mu=shift * sigma, sigma=sigma)
        assert scaled.log_var() == pytest.approx(unit.log_var(), rel=1e-12)
        assert scaled.mean() * sigma == pytest.approx(unit.mean(), rel=1e-12)


@pytest.mark.timeout(60)
@fewer
@given(st.integers(1, 200), exact_beta2_s, st.floats(-3, 3), st.floats(1e-9, 1 - 1e-9))
def test_quantiles_of_the_exact_law_come_back(t, beta2, mu, q):
    law = AdaptiveRate(t, beta2, mu=mu)
    x = law.ppf(q)
    assert 0 < x < math.inf
    assert law.cdf(x) == pytest.approx(q, rel=1e-9)
    assert law.sf(x) == pytest.approx(1 - q, rel=1e-6)
    assert law.pdf(x) > 0
    assert law.cdf(0.9 * x) <= law.cdf(x) <= law.cdf(1.1 * x)


@few
@given(logs(0.01, 1e9), scale_s, st.floats(1e-9, 1 - 1e-9))
def test_quantiles_of_the_assumed_law_come_back_and_scale(rho, tau, q):
    law, unit = ScaledInverseChi(rho, tau), ScaledInverseChi(rho)
    x = unit.ppf(q)
    if not np.isfinite(x):  # at small rho the tail leaves the range of float64
        assert rho < 0.1
        return
    assert unit.cdf(x) == pytest.approx(q, rel=1e-6)
    assert law.ppf(q) == pytest.approx(tau * x, rel=1e-12)
    assert law.log_var() == unit.log_var()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("t", [3, 4, 5, 7, 10, 20, 50, 200])
def test_no_search_hangs_and_no_value_is_lost_where_rho_inf_is_small(t):
    """beta2 from 0.3 to 0.8: rho_inf from 1.9 to 9, on both sides of every threshold."""
    q = np.array([1e-12, 1e-3, 0.5, 0.999, 1 - 1e-9])
    x = np.array([1e-3, 0.05, 0.3, 1.0, 3.0, 30.0, 1e3])
    for beta2 in np.arange(0.30, 0.801, 0.05):
        law = AdaptiveRate(t, float(beta2))
        found = law.ppf(q)
        assert np.all(np.isfinite(found) & (found > 0))
        assert np.all(np.diff(found) > 0)
        np.testing.assert_allclose(law.cdf(found)[:3], q[:3], rtol=1e-9)
        np.testing.assert_allclose(law.sf(found)[3:], 1 - q[3:], rtol=1e-6)
        assert np.all(np.isfinite(law.pdf(x)) & (law.pdf(x) >= 0))
        assert np.all(np.diff(law.cdf(x)) >= 0)
        assert 0 < law.var() < math.inf


@few
@given(st.integers(1, 60), exact_beta2_s, st.floats(-0.99, 0.99), st.floats(-2, 2))
def test_dependent_gradients_have_ordered_moments_and_draws(t, beta2, ar1, mu):
    law = AdaptiveRate(t, beta2, mu=mu, ar1=ar1)
    assert 0 < law.log_var() < math.inf
    assert (law.mean() == math.inf) == (t == 1)
    assert (law.var() == math.inf) == (t <= 2)
    assert math.exp(law.log_mean()) <= law.mean()
    # Lyapunov: E[psi^k]^(1/k) rises with k, infinite from t on; an error of 1e-13 is 1e-10 at k = 1e-3
    orders = [-20.0, -1.0, -1e-3, 1e-3, 0.9 * t, t]
    norms = [math.log(law.moment(k)) / k for k in orders]
    assert np.all(np.diff(norms) >= -1e-8)
    assert norms[-1] == math.inf
    drawn = law.rvs(5, np.random.default_rng(0))
    assert np.all((drawn > 0) & np.isfinite(drawn))


@few
@given(beta2_s, st.integers(1, 2), st.integers(1, 5000))
def test_warm_ups_weights_and_short_paths_over_every_decay(beta2, short, t):
    for rule in ("linear", "exponential", "radam"):
        period = effective_warmup_period(beta2, rule)
        assert period >= 0
        assert math.isfinite(period) or (rule == "radam" and rho_inf(beta2) <= 4)
    for threshold in (4.0, 5.0):
        first = first_adaptive_step(beta2, threshold)
        if first is None:
            assert rho_inf(beta2) <= threshold * (1 + 1e-12)
        else:
            assert degrees_of_freedom(first, beta2) > threshold * (1 - 1e-12)
            assert degrees_of_freedom(max(first - 1, 1), beta2) <= threshold * (1 + 1e-12)
    weights = ema_weights(t, beta2)
    assert weights.sum() == pytest.approx(1, rel=1e-12)
    assert np.all(np.diff(weights) >= 0)
    path = psi_variance_path(short, beta2)
    assert path.shape == (short,)
    assert np.all(np.isinf(path))
