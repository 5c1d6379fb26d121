"""Var[log psi_t] across replicas against the theory."""

import numpy as np
import pytest
from departures import shared_mean
from scipy import special

from varlab.audit.cost import log_psi
from varlab.audit.cost.second_moment import kish_path, step_weights, vhat_path
from varlab.audit.processes import Shape, iid_normal
from varlab.numerics import degrees_of_freedom, ema_weights


@pytest.mark.parametrize("beta2", [0.0, 0.9, 0.999])
def test_the_recursion_is_the_weighted_mean(beta2):
    x = np.random.default_rng(0).standard_normal((4, 9, 3))
    steps = np.arange(1, 10)
    vhat, kish = vhat_path(x, steps, beta2), kish_path(steps, beta2)
    for t in steps:
        weights = ema_weights(int(t), beta2)
        expected = np.einsum("t,rtc->rc", weights, x[:, :t] ** 2)
        np.testing.assert_allclose(vhat[:, t - 1], expected, rtol=1e-13)
    np.testing.assert_allclose(kish, degrees_of_freedom(steps, beta2, kind="kish"), rtol=1e-12)


def test_steps_that_were_not_recorded_still_age_the_others():
    x = np.random.default_rng(1).standard_normal((2, 3, 1))
    steps = np.array([1, 4, 9])
    vhat = vhat_path(x, steps, 0.9)
    weights = 0.9 ** (9 - steps)
    weights /= weights.sum()
    np.testing.assert_allclose(vhat[:, 2], np.einsum("t,rtc->rc", weights, x**2))
    np.testing.assert_allclose(step_weights(steps, 0.9), weights)
    assert kish_path(steps, 0.9)[2] == pytest.approx(1 / np.sum(weights**2))


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_intervals_cover_the_theory_on_the_null(correlation):
    """100 recordings: the 95% interval at step 1 covers trigamma(1/2)/4 at least 86 times.

    At 95% coverage the false-fail rate is below 1e-3; intervals over coordinates instead of
    replicas would cover fewer than 80 at correlation 0.5.
    """
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(100):
        x = iid_normal(Shape(48, 4, 32, correlation), rng)
        path = log_psi.ensemble(x, np.arange(1, 5), 0.999, 0.05)
        assert path.theory[0] == pytest.approx(special.polygamma(1, 0.5) / 4)
        hits += path.low[0] <= path.theory[0] <= path.high[0]
    assert hits >= 86


def test_dependence_raises_it_far_above_the_theory():
    x = shared_mean(0.5)(Shape(64, 20, 32), np.random.default_rng(3))
    path = log_psi.ensemble(x, np.arange(1, 21), 0.999, 0.05)
    assert path.low[-1] > 2 * path.theory[-1]


def test_variance_interval_against_an_explicit_jackknife():
    values = np.random.default_rng(4).standard_normal((12, 5))
    estimate, low, high = log_psi.variance_interval(values, 0.05)
    assert estimate == pytest.approx(values.var(axis=0, ddof=1).mean())
    left = [np.log(np.delete(values, i, axis=0).var(axis=0, ddof=1).mean()) for i in range(12)]
    se = np.sqrt(11 / 12 * np.sum((left - np.mean(left)) ** 2))
    assert np.log(high / low) == pytest.approx(2 * 2.200985 * se, rel=1e-6)  # t(11), 97.5%


def test_a_run_has_theory_but_no_measurement():
    path = log_psi.unmeasured(np.arange(1, 6), 0.99)
    assert np.isnan(path.measured).all()
    assert np.isfinite(path.theory).all()


def test_frozen_draws_are_cut_into_streams():
    x = iid_normal(Shape(1, 640, 16), np.random.default_rng(5))[0]
    path = log_psi.frozen(x, 0.999, 0.001)
    assert path.steps[-1] == 20
    assert path.low[-1] <= path.theory[-1] <= path.high[-1]
