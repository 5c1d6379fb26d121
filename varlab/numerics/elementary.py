"""Elementary functions in the form that loses no digits."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from scipy import special

from varlab.numerics.inputs import Array, Complex

Numbers = TypeVar("Numbers", Array, Complex)

# Below this |y| the series for y - log1p(y) is used; above, the difference loses at most a digit.
_SERIES_BELOW = 0.4
# With r = y/(2+y), |r| <= 1/4 there: the 14th term of the series is 1e-17 of the first.
_SERIES_TERMS = 14
# Stirling's series is used from here on, up to 1/x^15: the first term left out is 1e-19 at x = 16.
STIRLING_FROM = 16.0
_STIRLING_TERMS = 8


def log1p(y: Numbers) -> Numbers:
    """``log(1 + y)``: NumPy's for real y; for complex y its real and imaginary part from real functions.

    Ten times faster than NumPy's complex one; absolutely accurate to a unit of rounding of max(1, y).
    """
    if not np.iscomplexobj(y):
        return np.log1p(y)
    re, im = y.real, y.imag
    square = re * (2.0 + re) + im * im
    result = np.empty_like(y)
    result.real = np.where(
        np.abs(square) < 0.5,
        0.5 * np.log1p(np.maximum(square, -0.5)),
        np.log(np.hypot(1.0 + re, im)),
    )
    result.imag = np.arctan2(im, 1.0 + re)
    return result


def log1p_excess(y: Numbers) -> Numbers:
    """``y - log(1 + y)``, relatively accurate near 0; real y > -1, or complex off (-inf, -1].

    Near 0: with r = y/(2+y), log(1+y) = 2 atanh(r), so the excess is r y - 2 r^3 (1/3 + r^2/5 + ...).
    """
    excess = y - log1p(y)
    small = np.abs(y) < _SERIES_BELOW
    if np.any(small):
        near = y[small]
        r = near / (2.0 + near)
        square = r * r
        series = np.full_like(near, 1.0 / (2 * _SERIES_TERMS + 1))
        for j in range(_SERIES_TERMS - 1, 0, -1):
            series = series * square + 1.0 / (2 * j + 1)
        excess[small] = r * near - 2.0 * r * square * series
    return excess


def stirling_remainder(x: Array) -> Array:
    """Remainder log Gamma(x) - [(x - 1/2) log x - x + log(2 pi)/2] = 1/(12 x) - ..., for x >= 16."""
    bernoulli = special.bernoulli(2 * _STIRLING_TERMS)
    inverse = 1.0 / x
    square = inverse * inverse
    series = np.zeros_like(x)
    for k in range(_STIRLING_TERMS, 0, -1):
        series = series * square + bernoulli[2 * k] / (2 * k * (2 * k - 1))
    return series * inverse


def log_minus_digamma(x: Array) -> Array:
    """Difference log x - digamma(x) = 1/(2x) + 1/(12 x^2) - ..., positive; x > 0."""
    large = x >= STIRLING_FROM
    far = np.where(large, x, STIRLING_FROM)
    bernoulli = special.bernoulli(2 * _STIRLING_TERMS)
    square = 1.0 / (far * far)
    series = np.zeros_like(far)
    for k in range(_STIRLING_TERMS, 0, -1):
        series = (series + bernoulli[2 * k] / (2 * k)) * square
    near = np.where(large, 1.0, x)
    return np.where(large, 0.5 / far + series, np.log(near) - special.psi(near))


def log_gamma_ratio(x: float, p: float) -> float:
    """Logarithm of Gamma(x - p) x^p / Gamma(x) for 0 < x - p; tends to 0 as x grows with p held."""
    if min(x, x - p) < STIRLING_FROM:
        return float(special.gammaln(x - p) - special.gammaln(x) + p * np.log(x))
    remainders = stirling_remainder(np.asarray([x - p, x]))
    bulk = (x - p - 0.5) * np.log1p(-p / x) + p
    return float(bulk + remainders[0] - remainders[1])
