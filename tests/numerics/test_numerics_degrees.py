"""Degrees of freedom, rectification and the first adaptive step against the 50-digit oracle."""

import numpy as np
import pytest
from accuracy import relative_error
from hypothesis import example, given, settings
from hypothesis import strategies as st

from varlab.core import DomainError
from varlab.numerics import (
    degrees_of_freedom,
    first_adaptive_step,
    oracle,
    psi_variance,
    rectification,
    rho_inf,
)
from varlab.numerics.degrees_of_freedom import kish_step

BETAS = (1e-5, 0.1, 0.5, 0.6, 0.7, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)
STEPS = (1, 2, 3, 4, 5, 6, 7, 10, 33, 100, 1000, 6000, 10**5, 10**6)
TWINS = {"sma": oracle.sma_degrees, "kish": oracle.kish_degrees}
FACTORS = {"radam": oracle.radam_factor, "kish": oracle.kish_factor}
# Asked of both functions on the whole table (the public contract).
ACCURACY = 1e-12


def textbook_rho(t, beta2):
    """R Eq. 4 as printed, in float64."""
    return 2 / (1 - beta2) - 1 - 2 * t * beta2**t / (1 - beta2**t)


@pytest.mark.parametrize("kind", TWINS)
def test_degrees_of_freedom_keep_their_accuracy(kind):
    table = degrees_of_freedom(np.array(STEPS)[:, None], np.array(BETAS), kind)
    errors = [
        relative_error(table[i, j], TWINS[kind](t, b))
        for i, t in enumerate(STEPS)
        for j, b in enumerate(BETAS)
    ]
    assert max(errors) < ACCURACY


@pytest.mark.parametrize("t", [1, 2, 5, 40, 1000])
@pytest.mark.parametrize("beta2", [0.3, 0.9, 0.999, 0.999999])
def test_the_step_of_kishs_count_is_found_again(t, beta2):
    n = float(degrees_of_freedom(t, beta2, "kish"))
    # n within 1e-14 of its limit has lost t: its own conditioning, t n'(t) / n.
    if (rho_inf(beta2) - n) / n > 1e-9:
        assert kish_step(n, beta2) == pytest.approx(t, rel=1e-6)
    assert np.isnan(kish_step(float(rho_inf(beta2)) * (1 + 1e-12), beta2))


def test_the_step_of_kishs_count_has_a_domain():
    assert np.isnan(kish_step(1.0, 0.0))
    assert 0 < kish_step(0.5, 0.999) < 1
    with pytest.raises(DomainError, match="degrees must be finite and > 0; got 0"):
        kish_step(0, 0.9)


def test_the_textbook_form_fails_the_same_table():
    """So the table has the power to see cancellation."""
    errors = [
        relative_error(textbook_rho(t, b), oracle.sma_degrees(t, b)) for t in STEPS for b in BETAS
    ]
    assert max(errors) > 1e3 * ACCURACY


@pytest.mark.parametrize("t", [1, 2, 5, 40])
@pytest.mark.parametrize("beta2", [0.3, 0.9, 0.999])
def test_the_closed_forms_are_the_sums_that_define_them(t, beta2):
    # 1e-13: some hundred times the rounding of the fast forms.
    for kind, summed in (
        ("sma", oracle.sma_degrees_by_summation),
        ("kish", oracle.kish_degrees_by_summation),
    ):
        assert relative_error(degrees_of_freedom(t, beta2, kind), summed(t, beta2)) < 1e-13


@pytest.mark.parametrize("kind", FACTORS)
def test_rectification_keeps_its_accuracy(kind):
    table = rectification(np.array(STEPS)[:, None], np.array(BETAS), kind)
    errors = [
        relative_error(table[i, j], FACTORS[kind](t, b))
        for i, t in enumerate(STEPS)
        for j, b in enumerate(BETAS)
    ]
    assert max(errors) < ACCURACY


def test_a_mutated_rectification_is_caught():
    """rho - 4 -> rho - 3 shows on the table at once."""

    def mutant(t, b):
        rho, limit = textbook_rho(t, b), rho_inf(b)
        return ((rho - 3) * (rho - 2) * limit / ((limit - 3) * (limit - 2) * rho)) ** 0.5

    assert relative_error(mutant(10, 0.9), oracle.radam_factor(10, 0.9)) > 1e-2


def test_near_the_threshold_the_error_grows_as_stated():
    """1e-15/(rho_t - 4), the conditioning of the difference, with a factor 10 to spare."""
    low, high = 0.8, 0.82  # rho_5 = 4 in between
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (low, middle) if oracle.sma_degrees(5, middle) > 4 else (middle, high)
        above = low if oracle.sma_degrees(5, low) > 4 else high
        excess = float(oracle.sma_degrees(5, above) - 4)
        if excess > 1e-12:
            error = relative_error(rectification(5, above), oracle.radam_factor(5, above))
            assert error < 1e-14 + 1e-14 / excess


@pytest.mark.parametrize("beta2", [0.6, np.nextafter(0.6, 1), 0.6 + 1e-12, 0.61])
def test_the_limit_of_rho_inf_4_is_decided_exactly(beta2):
    got, expected = rectification(10**4, beta2), oracle.radam_factor(10**4, beta2)
    assert relative_error(got, expected) < 1e-12


@pytest.mark.parametrize("threshold", [4.0, 5.0])
@pytest.mark.parametrize("beta2", [0.62, 0.68, 0.75, 0.8, 0.82, 0.9, 0.99, 0.999])
def test_first_adaptive_step_is_found(beta2, threshold):
    by_trying = oracle.first_adaptive_step(beta2, threshold, 60)
    assert first_adaptive_step(beta2, threshold) == by_trying


@pytest.mark.parametrize(("beta2", "threshold"), [(0.0, 4.0), (0.5, 4.0), (0.6, 4.0), (0.6, 5.0)])
def test_never_adaptive(beta2, threshold):
    assert first_adaptive_step(beta2, threshold) is None


def test_exact_rectification_starts_at_step_3():
    factor = rectification([1, 2, 3, 4, 10**6], 0.999, "exact")
    assert np.isnan(factor[:2]).all()
    assert (np.diff(factor[2:]) > 0).all()
    assert factor[-1] == pytest.approx(1.0, abs=1e-12)  # 0.999^(10^6) = 0: the limit itself
    assert np.isnan(rectification(5, 0.0, "exact"))


def test_exact_and_kish_factors_are_close_and_broadcast():
    t, beta2 = np.array([5, 50, 500])[:, None], np.array([0.9, 0.999])
    exact, kish = rectification(t, beta2, "exact"), rectification(t, beta2, "kish")
    assert exact.shape == (3, 2)
    # The first digits agree: the two laws share mean and variance of vhat_t.
    np.testing.assert_allclose(exact, kish, rtol=0.05)


def test_kish_factor_is_psi_variance_at_the_degrees():
    n = degrees_of_freedom(7, 0.99, "kish")
    ratio = psi_variance(rho_inf(0.99)) / psi_variance(n)
    assert rectification(7, 0.99, "kish") == pytest.approx(np.sqrt(ratio), rel=1e-14)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    t=st.integers(1, 10**6),
    beta2=st.floats(0, 1 - 1e-9, exclude_max=True, allow_subnormal=False),
)
@example(t=1, beta2=1 / 3)  # rho_inf - 2 is 0
def test_order_and_range_on_the_whole_domain(t, beta2):
    rho, kish = degrees_of_freedom(t, beta2), degrees_of_freedom(t, beta2, "kish")
    rounding = 1e-14
    assert 1 - rounding <= rho <= kish * (1 + rounding)
    assert kish <= min(t, rho_inf(beta2)) * (1 + rounding)
    assert degrees_of_freedom(t + 1, beta2) >= rho * (1 - rounding)
    factor = rectification(t, beta2)
    assert np.isnan(factor) or 0 <= factor <= 1 + 1e-12
