"""The pieces below the laws: elementary functions, weights, compression, quadratic forms."""

import math

import mpmath as mp
import numpy as np
import pytest
from accuracy import relative_error

from varlab.numerics import ema_weights, oracle
from varlab.numerics.elementary import (
    log1p,
    log1p_excess,
    log_gamma_ratio,
    log_minus_digamma,
    stirling_remainder,
)
from varlab.numerics.ema_law import ema_form
from varlab.numerics.oracle_law import autoregressive
from varlab.numerics.quadratic_form import AutoregressiveForm, WeightedChiSquares
from varlab.numerics.weights import ema_atoms, lattice_gauss

SMALL = [1e-300, 1e-12, 1e-3, 0.2, 0.39, 0.41, 3.0, 1e8]


def test_log1p_excess_of_real_numbers():
    y = np.array([*SMALL, -1e-12, -0.2, -0.39, -0.41, -0.999])
    with mp.workdps(700):
        exact = [mp.mpf(v) - mp.log1p(mp.mpf(v)) for v in y]
    got = log1p_excess(y)
    # 3e-15: a digit is lost just above the switch from the series. y = 1e-300 underflows to 0.
    errors = [relative_error(g, e) for g, e in zip(got[1:], exact[1:], strict=True)]
    assert got[0] == 0.0
    assert max(errors) < 3e-15


def test_complex_logarithm():
    y = np.array([1e-9 + 1e-9j, -0.5 + 0.1j, -1 + 1e-3j, 3 - 4j, -20 + 1j, 1e150 + 1e150j])
    for value, got in zip(y, log1p(y), strict=True):
        with mp.workdps(50):
            exact = mp.log(1 + mp.mpc(value))
            # Absolutely accurate to rounding of max(1, |log|).
            assert abs(mp.mpc(got) - exact) < 4e-16 * max(1, abs(exact))


def test_gamma_helpers():
    x = np.array([16.0, 17.5, 200.0, 1e6, 1e12])
    with mp.workdps(60):
        exact = [
            mp.loggamma(v) - ((v - 0.5) * mp.log(v) - v + mp.log(2 * mp.pi) / 2)
            for v in map(mp.mpf, x)
        ]
        digamma = [mp.log(mp.mpf(v)) - mp.digamma(mp.mpf(v)) for v in [0.2, 3.0, *x]]
    got = stirling_remainder(x)
    assert max(relative_error(g, e) for g, e in zip(got, exact, strict=True)) < 1e-15
    got = log_minus_digamma(np.array([0.2, 3.0, *x]))
    assert max(relative_error(g, e) for g, e in zip(got, digamma, strict=True)) < 1e-13


@pytest.mark.parametrize(("x", "p"), [(20.0, 1.0), (1e9, 2.5), (1e5, -300.0), (3.0, 2.9), (40, 39)])
def test_log_gamma_ratio(x, p):
    with mp.workdps(60):
        exact = mp.loggamma(mp.mpf(x) - mp.mpf(p)) - mp.loggamma(x) + mp.mpf(p) * mp.log(x)
        # The cancellation left is that of p against p.
        assert abs(log_gamma_ratio(x, p) - exact) < 1e-15 * (abs(p) + 40)


@pytest.mark.parametrize("beta2", [0.0, 0.5, 0.999, 1 - 1e-10])
def test_weights(beta2):
    w = ema_weights(20, beta2)
    assert w.sum() == pytest.approx(1.0, rel=1e-14)
    for got, exact in zip(w, oracle.ema_weights(20, beta2), strict=True):
        assert got == exact == 0 or relative_error(got, exact) < 1e-14


@pytest.mark.parametrize("length", [17, 40, 4096, 4_000_000])
def test_the_lattice_rule_sums_polynomials_exactly(length):
    """Sums of binomials C(n, k): C(length, k+1), for every degree up to 31."""
    nodes, weights = lattice_gauss(length)
    assert (weights > 0).all()
    centred = 2 * nodes / (length - 1) - 1
    with mp.workdps(60):
        for degree in (0, 1, 2, 9, 30, 31):
            # sum over the lattice by Faulhaber through Bernoulli polynomials, in the centred variable
            got = mp.fsum(
                mp.mpf(w) * mp.mpf(c) ** degree for w, c in zip(weights, centred, strict=True)
            )
            half, n = mp.mpf(length - 1) / 2, degree + 1
            exact = (mp.bernpoly(n, half + 1) - mp.bernpoly(n, -half)) / n / half**degree
            assert abs(got - exact) < 1e-13 * length


@pytest.mark.parametrize("beta2", [0.93, 0.99, 0.9999])
def test_compressed_weights_stand_for_the_terms(beta2):
    t = 20_000
    weights, counts = ema_atoms(t, beta2, 50.0)
    every = ema_weights(t, beta2)
    assert len(weights) < 250
    for z in (0.1, 3.0, 1e3, 1e6):
        terms = np.log1p(2 * z * every)
        # Rounding of a sum of thousands of terms.
        assert counts @ np.log1p(2 * z * weights) == pytest.approx(math.fsum(terms), rel=1e-12)


def test_a_form_of_one_term_is_the_chi_square():
    form = WeightedChiSquares(np.array([1.0]), np.array([1.0]), 2.0)
    z = np.array([0.3, 5.0, -0.2])
    expected = -0.5 * np.log1p(2 * z) - 4 * z / (1 + 2 * z)
    np.testing.assert_allclose(form.log_transform(z), expected, rtol=1e-14)
    direct, excess = form.log_transform_and_excess(z[:2])
    np.testing.assert_allclose(excess - form.mean * z[:2], direct, rtol=1e-14)


@pytest.mark.parametrize("ar1", [-0.9, 0.5, 0.999])
def test_the_filter_is_the_determinant(ar1):
    form = ema_form(7.0, 0.8, 0.6, ar1)
    with mp.workdps(40):
        exact = autoregressive(7, 0.8, 0.6, ar1)
        for z in (1e-3, 0.5, 40.0, 1e6, 2 + 5j, -3 + 2j):
            got = form.log_transform(np.array([z]))[0]
            assert abs(mp.exp(mp.mpmathify(complex(got))) / exact(mp.mpmathify(z)) - 1) < 1e-13


def test_the_abscissa_of_an_autoregressive_form():
    """1/(2 lambda_max), from below, against the eigenvalues by NumPy."""
    weights = ema_weights(30, 0.9)
    for ar1 in (-0.7, 0.2, 0.99):
        form = AutoregressiveForm(weights, ar1, 0.0)
        sigma = ar1 ** np.abs(np.subtract.outer(np.arange(30), np.arange(30)))
        root = np.sqrt(weights)
        largest = np.linalg.eigvalsh(root[:, None] * sigma * root)[-1]
        assert 0.9999 * 0.5 / largest < form.abscissa <= 0.5 / largest * (1 + 1e-12)
