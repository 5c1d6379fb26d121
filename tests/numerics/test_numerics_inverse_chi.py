"""The scaled inverse chi law: closed forms, the law object, both against the oracle."""

import mpmath as mp
import numpy as np
import pytest
from accuracy import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from varlab.core import DomainError, generator
from varlab.numerics import (
    ScaledInverseChi,
    delta_method_variance,
    log_psi_variance,
    oracle,
    psi_mean,
    psi_variance,
)
from varlab.numerics.inverse_chi import log_psi_degrees

RHOS = (2.001, 2.5, 3.0, 4.0, 4.001, 5.0, 50.0, 1999.0, 1e6, 1e9)
EDGES = (2.0 + 1e-9, 34.9, 35.0, 35.5, 36.0, 37.0)  # the pole; both sides of the asymptotic range
LOW = (1e-6, 0.3, 1.0, 1.0 + 1e-9, 1.5, 2.0)
ACCURACY = 1e-12


def worst(function, twin, points):
    values = function(np.array(points))
    return max(relative_error(v, twin(r)) for v, r in zip(values, points, strict=True))


def test_variance_to_1e12():
    assert worst(psi_variance, oracle.psi_variance, RHOS + EDGES + LOW) < ACCURACY


def test_mean_to_1e12():
    def twin(rho):
        return oracle.psi_moment(rho, 1)

    assert worst(psi_mean, twin, RHOS + EDGES + LOW) < ACCURACY


def test_log_variance_to_1e12():
    assert worst(log_psi_variance, oracle.log_psi_variance, RHOS + EDGES + LOW) < ACCURACY


def test_degrees_from_the_log_variance_to_1e12():
    """Back from the oracle's 50 digits; towards both ends the asymptotic branches."""
    points = (*RHOS, *EDGES, *LOW, 1e-9, 1.9e-7, 2.1e-7, 1e13, 1e15)
    variances = np.array([float(oracle.log_psi_variance(rho)) for rho in points])
    found = log_psi_degrees(variances)
    errors = [relative_error(n, rho) for n, rho in zip(found, points, strict=True)]
    assert max(errors) < ACCURACY


@pytest.mark.parametrize("variance", [0.0, -1.0, np.inf, np.nan, "1"])
def test_no_degrees_have_such_a_log_variance(variance):
    with pytest.raises(DomainError, match=r"variance must be finite and > 0; got"):
        log_psi_degrees(variance)


def test_delta_method_to_1e12():
    points = (*LOW, 3.0, 4.0, 4.0 + 1e-9, 5.0, 1e9)
    assert worst(delta_method_variance, oracle.delta_method_variance, points) < ACCURACY


def test_equation_2_in_float64_fails_the_same_table():
    """The cancellation that the Gauss form avoids is visible on this table."""
    from scipy.special import betaln

    rho = np.array([50.0, 1999.0])
    beta = np.exp(2 * betaln((rho - 1) / 2, (rho - 1) / 2) + (2 * rho - 5) * np.log(2))
    naive = rho / (rho - 2) - rho / np.pi * beta
    errors = [relative_error(v, oracle.psi_variance(r)) for v, r in zip(naive, rho, strict=True)]
    assert max(errors) > 10 * ACCURACY


def test_a_mutated_constant_is_caught():
    """rho - 2 -> rho - 3 in the first term of Eq. 2."""
    with mp.workdps(50):
        rho = mp.mpf(5)
        mutant = oracle.psi_variance(5) - rho / (rho - 2) + rho / (rho - 3)
    assert relative_error(psi_variance(5), mutant) > 1e-2


def test_infinite_where_the_moment_diverges():
    assert np.isposinf(psi_variance([0.5, 2.0])).all()
    assert np.isposinf(psi_mean([0.5, 1.0])).all()
    assert np.isposinf(delta_method_variance([1.0, 4.0])).all()
    assert np.isfinite(log_psi_variance([1e-3, 1.0])).all()


def test_shapes_follow_numpy():
    assert psi_variance(5).shape == ()
    assert psi_variance([[5, 6], [7, 8]]).shape == (2, 2)
    assert psi_variance([]).shape == (0,)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.floats(2, 1e12, exclude_min=True), st.floats(1e-6, 1.0))
def test_variance_falls_with_rho(rho, step):
    # Theorem 1; equality only to rounding.
    assert psi_variance(rho * (1 + step)) < psi_variance(rho) * (1 + 1e-14)


@pytest.mark.parametrize("rho", [0.3, 1.0, 2.0, 5.0, 40.0, 1e4])
@pytest.mark.parametrize("k", [-3.5, -2.0, -1.0, 0.25, 1.0, 2.0, 4.5])
def test_moments_of_the_law(rho, k):
    got, expected = ScaledInverseChi(rho, 2.5).moment(k), oracle.psi_moment(rho, k, 2.5)
    assert relative_error(got, expected) < 1e-13


@pytest.mark.parametrize("rho", [0.3, 1.0, 5.0, 31.0, 33.0, 500.0, 1e6, 1e9])
def test_log_mean(rho):
    got, expected = ScaledInverseChi(rho).log_mean(), oracle.log_psi_mean(rho)
    assert relative_error(got, expected) < 1e-12


@pytest.mark.parametrize("rho", [0.3, 1.0, 5.0, 31.0, 33.0, 500.0])
def test_density_and_distribution(rho):
    law = ScaledInverseChi(rho, 0.5)
    for x in law.ppf([0.001, 0.3, 0.9, 0.9999]):
        # 1e-12: SciPy's incomplete gamma keeps 1e-13 here.
        assert relative_error(law.pdf(x), oracle.psi_density(rho, x, 0.5)) < 1e-12
        assert relative_error(law.cdf(x), oracle.psi_distribution(rho, x, 0.5)) < 1e-12
        with mp.workdps(50):
            above = 1 - oracle.psi_distribution(rho, x, 0.5)
        assert relative_error(law.sf(x), above) < 1e-12


def test_the_density_integrates_to_one_and_to_the_mean():
    law = ScaledInverseChi(6, 1.5)
    total = integrate.quad(law.pdf, 0, np.inf, epsabs=1e-12)[0]
    mean = integrate.quad(lambda x: x * law.pdf(x), 0, np.inf, epsabs=1e-12)[0]
    assert total == pytest.approx(1.0, abs=1e-9)  # quad's own error estimate
    assert mean == pytest.approx(law.mean(), rel=1e-8)


def test_scale():
    one, scaled = ScaledInverseChi(5), ScaledInverseChi(5, 3)
    assert scaled.mean() == pytest.approx(3 * one.mean(), rel=1e-15)
    assert scaled.var() == pytest.approx(9 * one.var(), rel=1e-15)
    assert scaled.log_var() == one.log_var()
    assert scaled.log_mean() == pytest.approx(one.log_mean() + np.log(3), rel=1e-14)
    np.testing.assert_allclose(scaled.ppf([0.1, 0.9]), 3 * one.ppf([0.1, 0.9]), rtol=1e-14)


def test_ends_of_the_support():
    law = ScaledInverseChi(5)
    np.testing.assert_array_equal(law.cdf([-1, 0, np.inf]), [0, 0, 1])
    np.testing.assert_array_equal(law.sf([-np.inf, 0, np.inf]), [1, 1, 0])
    np.testing.assert_array_equal(law.pdf([-1, 0, 1e-200, np.inf]), [0, 0, 0, 0])
    np.testing.assert_array_equal(law.ppf([0, 1]), [0, np.inf])


def test_quantiles_invert_the_distribution():
    law = ScaledInverseChi(0.7)
    q = np.array([1e-12, 0.01, 0.5, 0.99])
    np.testing.assert_allclose(law.cdf(law.ppf(q)), q, rtol=1e-10)  # gammainccinv's own accuracy


def test_draws_follow_the_distribution():
    """Kolmogorov-Smirnov on 20,000 draws; false-fail rate 1e-6, sees a gap of 0.03 in the cdf surely."""
    law = ScaledInverseChi(3, 2)
    draws = law.rvs(20_000, generator(0, "tests", "scaled-inverse-chi"))
    assert stats.kstest(draws, law.cdf).pvalue > 1e-6
    assert stats.kstest(draws, ScaledInverseChi(3.5, 2).cdf).pvalue < 1e-6  # a planted error
