"""GI-Adam's law against mpmath, Student's t and the recursion."""

import math

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from varlab.core import DomainError
from varlab.numerics.gradient_start import median_multiplier, start_below, start_variance


def slow_variance(t, beta2):
    """E[1/v] - E[1/sqrt v]^2 by mp.quad over the product that defines E[exp(-z v_t)]."""
    with mp.workdps(40):
        b = mp.mpf(beta2)
        weights = [b**t, *((1 - b) * b**k for k in range(t))]

        def transform(z):
            return 1 / mp.sqrt(mp.fprod(1 + 2 * z * w for w in weights))

        # z = tan(a)^2 turns both Mellin integrals into ones over (0, pi/2).
        def integrand(order):
            return lambda a: (
                2 * mp.tan(a) ** (order - 1) / mp.cos(a) ** 2 * transform(mp.tan(a) ** 2)
            )

        pieces = mp.linspace(0, mp.pi / 2, 9)
        second = mp.quad(integrand(2), pieces)
        first = mp.quad(integrand(1), pieces) / mp.gamma(mp.mpf(1) / 2)
        return float(second - first**2)


@pytest.mark.parametrize("t", [2, 3, 10])
@pytest.mark.parametrize("beta2", [0.5, 0.9, 0.999])
def test_variance_against_its_slow_twin(t, beta2):
    # The stated accuracy, ten times over: mp.quad keeps 12 digits of the smallest of these.
    assert start_variance(t, beta2) == pytest.approx(slow_variance(t, beta2), rel=1e-11)


@pytest.mark.parametrize(("t", "beta2"), [(1, 0.999), (1, 0.0), (5, 0.0)])
def test_variance_of_a_single_or_a_pair_of_gradients_is_infinite(t, beta2):
    assert start_variance(t, beta2) == math.inf


@pytest.mark.parametrize("t", [1, 2, 7, 50])
@pytest.mark.parametrize("ratio", [0.3, 1.0, 4.0])
def test_equal_weights_give_students_t(t, ratio):
    expected = 2 * stats.t.cdf(math.sqrt(ratio), t) - 1
    # 1 - beta2 = 1e-12 changes the weights by t 1e-12.
    assert start_below(t, 1 - 1e-12, ratio) == pytest.approx(expected, abs=1e-9)


def test_variance_for_beta2_near_one():
    """v_3 in powers of 1 - beta2 = d: g_0^2 (1-3d) + d (g_1^2 + g_2^2 + g_3^2) to first order.

    The variance is that of four squares with weights 1-b^3, split by the bias-corrected weights, and
    b^3: here integrated in 30 digits.
    """
    with mp.workdps(30):
        b = mp.mpf(1 - 1e-9)
        weights = [b**3, *((1 - b) * b**k for k in range(3))]

        def moment(p):
            scales = [mp.mpf(10) ** k for k in range(-6, 16, 2)]
            integral = mp.quad(
                lambda z: z ** (p - 1) / mp.sqrt(mp.fprod(1 + 2 * z * w for w in weights)),
                [0, *scales, mp.inf],
            )
            return integral / mp.gamma(p)

        exact = moment(mp.mpf(1)) - moment(mp.mpf(1) / 2) ** 2
    assert start_variance(3, 1 - 1e-9) == pytest.approx(float(exact), rel=1e-12)


def test_probability_and_median_against_a_sample():
    rng = np.random.default_rng(3)
    n, t, beta2 = 200_000, 5, 0.9
    start = rng.standard_normal(n) ** 2
    vhat = sum(
        (1 - beta2) * beta2**k / (1 - beta2**t) * rng.standard_normal(n) ** 2 for k in range(t)
    )
    # Six binomial standard errors, 0.0067: false-fail rate 2e-9; 1/2 would be 20 of them off.
    assert np.mean(start < vhat) == pytest.approx(start_below(t, beta2), abs=3 / math.sqrt(n))
    ratio = np.sqrt(vhat / (beta2**t * start + (1 - beta2**t) * vhat))
    below = np.mean(ratio < median_multiplier(t, beta2))
    assert below == pytest.approx(0.5, abs=3 / math.sqrt(n))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: start_variance(0, 0.9), "t must be an integer >= 1; got 0"),
        (
            lambda: start_variance(5, 1e-200),
            "beta2 must be 0 or at least 1e-100 for the exact law; got 1e-200; use 0",
        ),
        (lambda: start_below(3, 1.0), "beta2 must lie in [0, 1); got 1.0"),
        (lambda: start_below(3, 0.9, 0.0), "ratio must be finite and > 0; got 0.0"),
    ],
)
def test_values_outside_the_domain(call, message):
    with pytest.raises(DomainError) as caught:
        call()
    assert str(caught.value) == message
