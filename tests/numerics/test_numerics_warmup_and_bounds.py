"""Untuned warm-ups, their effective periods, and the sharp step bound."""

import math

import numpy as np
import pytest
from accuracy import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st

from varlab.core import generator
from varlab.numerics import (
    effective_warmup_period,
    ema_weights,
    exponential_warmup_multiplier,
    linear_warmup_multiplier,
    oracle,
    step_bound,
)

MULTIPLIERS = {
    "linear": oracle.linear_multiplier,
    "exponential": oracle.exponential_multiplier,
    "radam": oracle.radam_factor,
}


@pytest.mark.parametrize("t", [1, 7, 2000, 10**6])
@pytest.mark.parametrize("beta2", [0.0, 0.9, 0.999999])
def test_multipliers(t, beta2):
    pairs = (
        (linear_warmup_multiplier, oracle.linear_multiplier),
        (exponential_warmup_multiplier, oracle.exponential_multiplier),
    )
    for fast, slow in pairs:
        assert relative_error(fast(t, beta2), slow(t, beta2)) < 1e-15


@pytest.mark.parametrize("rule", MULTIPLIERS)
@pytest.mark.parametrize("beta2", [0.65, 0.9, 0.985])
def test_effective_period_is_the_sum(rule, beta2):
    last = int(60 / (1 - beta2))  # what is left is below 60 e^-60
    expected = oracle.warmup_period(beta2, MULTIPLIERS[rule], last, digits=20)
    assert relative_error(effective_warmup_period(beta2, rule), expected) < 1e-12


def test_panels_of_the_sum_agree_with_every_term():
    """At 0.9999 most of the sum runs over panels."""
    from varlab.numerics import rectification

    t = np.arange(1, 600_000)
    terms = 1 - np.nan_to_num(rectification(t, 0.9999))
    assert effective_warmup_period(0.9999) == pytest.approx(math.fsum(terms), rel=1e-13)


def test_never_adaptive_costs_forever():
    assert math.isinf(effective_warmup_period(0.6, "radam"))


BETA1 = (0.0, 0.5, 0.9, 0.99)
# Also on both sides of beta1^2 = beta2, where (1 - r^t)/(1 - r) is 0/0.
BETA2 = (0.3, 0.81, float(np.nextafter(0.9**2, 1)), 0.9**2, 0.999)


@pytest.mark.parametrize("t", [1, 2, 10, 300])
def test_step_bound_is_the_sum(t):
    table = step_bound(t, np.array(BETA1)[:, None], np.array(BETA2))
    for i, beta1 in enumerate(BETA1):
        for j, beta2 in enumerate(BETA2):
            assert relative_error(table[i, j], oracle.step_bound(t, beta1, beta2)) < 1e-12


def test_step_bound_is_attained():
    """g_i proportional to a_i/w_i reaches it, and no random sequence exceeds it."""
    t, beta1, beta2 = 12, 0.9, 0.99
    a, w = ema_weights(t, beta1), ema_weights(t, beta2)

    def ratio(g):
        return abs(a @ g) / math.sqrt(w @ g**2)

    bound = float(step_bound(t, beta1, beta2))
    assert ratio(a / w) == pytest.approx(bound, rel=1e-14)
    rng = generator(0, "tests", "step-bound")
    assert max(ratio(rng.standard_normal(t)) for _ in range(200)) < bound


def test_step_bound_at_its_ends():
    assert step_bound(1, 0.9, 0.0) == 1.0
    assert step_bound(2, 0.0, 0.0) == 1.0
    assert math.isinf(step_bound(2, 0.9, 0.0))
    assert math.isinf(step_bound(np.inf, 0.9, 0.5))
    limit = (1 - 0.9) / math.sqrt((1 - 0.999) * (1 - 0.81 / 0.999))
    assert step_bound(np.inf, 0.9, 0.999) == pytest.approx(limit, rel=1e-13)
    assert step_bound(10**6, 0.9, 0.999) == pytest.approx(limit, rel=1e-13)
    assert math.isfinite(step_bound(10**6, 0.9999, 0.999))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    t=st.integers(1, 10**6),
    beta1=st.floats(0, 0.9999),
    beta2=st.floats(1e-3, 0.999999),
)
def test_step_bound_is_at_least_one(t, beta1, beta2):
    assert step_bound(t, beta1, beta2) >= 1 - 1e-12
