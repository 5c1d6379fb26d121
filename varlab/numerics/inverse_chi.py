r"""The scaled inverse chi law of psi for rho degrees of freedom: closed forms without cancellation.

psi^2 ~ Scale-inv-chi2(rho, tau^2) (R Eq. 6), that is psi = tau sqrt(rho / chi2_rho). With x = rho/2,

    E[psi]^2 = tau^2 x / ((x-1) F),     Var[psi] = tau^2 x/(x-1) (F-1)/F,
    F = Gamma(x-1) Gamma(x) / Gamma(x-1/2)^2 = 2F1(-1/2, -1/2; x-1; 1)    (Gauss),

which equal R Eq. 7 and Eq. 2. F - 1 is positive and computed as such: Eq. 2 itself subtracts two
numbers of size 1 that differ by 1/(2 rho).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from varlab.numerics.inputs import Array, numbers, positive, scalar_or_array

# The asymptotic series is used from here on; below, the recurrence leads up to it.
_ASYMPTOTIC_FROM = 18
# Terms E_2 .. E_14 of the series in 1/(4w)^2: the first one left out is 1e-20 at w = 17.
_EULER_ORDERS = tuple(range(2, 16, 2))
# Of the inverse of trigamma: 4 reach the last digit from every start (a test).
_NEWTON_STEPS = 6


def degrees(rho: ArrayLike) -> Array:
    """Degrees of freedom in (0, inf)."""
    return numbers("rho", rho, "be finite and > 0", positive, "degrees of freedom are positive")


def _gauss_excess_large(x: Array) -> Array:
    """F(x) - 1 for x >= 18, from the ratio of Gammas a half apart.

    With w = x - 3/4: Gamma(w+3/4)/Gamma(w+1/4) = sqrt(w) exp(-sum_n E_n / (2 n (4w)^n)) over even
    n, E_n Euler's numbers (Stirling's series of both, the odd Bernoulli polynomials at 1/4), so
    F = w e^S / (w - 1/4) and F - 1 = (1/4 + w (e^S - 1)) / (w - 1/4), both terms positive.
    """
    w = x - 0.75
    euler = special.euler(max(_EULER_ORDERS))
    series = np.zeros_like(w)
    inverse_square = 1.0 / (16.0 * w * w)
    for n in reversed(_EULER_ORDERS):
        series = (series - euler[n] / n) * inverse_square
    return (0.25 + w * np.expm1(series)) / (w - 0.25)


def gauss_excess(x_minus_1: Array) -> Array:
    """F(x) - 1 for x > 1, given x - 1 so that the pole at x = 1 keeps all digits.

    F(x) = F(x+1) (1 + 1/(4 x (x-1))): the recurrence down from the asymptotic range adds positive
    terms only, so the relative error stays at a few units of rounding.
    """
    lowest = float(np.min(x_minus_1, initial=np.inf))
    shifts = max(0, int(np.ceil(_ASYMPTOTIC_FROM - 1 - lowest))) if np.isfinite(lowest) else 0
    # Every entry is shifted by its own number of steps, 0 for the large ones.
    up = np.clip(np.ceil(_ASYMPTOTIC_FROM - 1 - x_minus_1), 0, None)
    excess = _gauss_excess_large(x_minus_1 + up + 1.0)
    for n in range(shifts - 1, -1, -1):
        below = x_minus_1 + n
        with np.errstate(divide="ignore", over="ignore"):
            factor = 0.25 / (below * (below + 1.0))
            excess = np.where(n < up, excess + factor * (1.0 + excess), excess)
    return excess


def psi_mean(rho: ArrayLike) -> Array:
    """E[psi] for sigma = 1 (R Eq. 7): sqrt(rho/2) Gamma((rho-1)/2) / Gamma(rho/2).

    Parameters
    ----------
    rho : array_like
        Degrees of freedom, finite and > 0.

    Returns
    -------
    ndarray
        Infinite for rho <= 1; relative error below 1e-13.

    Raises
    ------
    DomainError
        For rho <= 0, NaN, infinite or not a real number.
    """
    rho_ = degrees(rho)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x, x_minus_1 = 0.5 * rho_, 0.5 * (rho_ - 2.0)
        high = rho_ > 2.0
        by_gauss = np.sqrt(x / x_minus_1 / (1.0 + gauss_excess(np.where(high, x_minus_1, 1.0))))
        low = np.where(high, 2.0, rho_)
        by_gamma = np.sqrt(0.5 * low) * special.gamma(0.5 * (low - 1.0)) * special.rgamma(0.5 * low)
        mean = np.where(high, by_gauss, np.where(rho_ > 1.0, by_gamma, np.inf))
    return scalar_or_array(mean)


def psi_variance(rho: ArrayLike) -> Array:
    """Var[psi] for sigma = 1 (R Eq. 2), by Gauss's sum.

    Parameters
    ----------
    rho : array_like
        Degrees of freedom, finite and > 0.

    Returns
    -------
    ndarray
        Infinite for rho <= 2; relative error below 1e-13 from just above the pole to 1e15.

    Raises
    ------
    DomainError
        For rho <= 0, NaN, infinite or not a real number.

    Examples
    --------
    >>> round(float(psi_variance(4)), 6), round(2 - np.pi / 2, 6)
    (0.429204, 0.429204)
    """
    rho_ = degrees(rho)
    finite = rho_ > 2.0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x_minus_1 = np.where(finite, 0.5 * (rho_ - 2.0), 1.0)
        excess = gauss_excess(x_minus_1)
        # (F-1)/F as 1/(1 + 1/(F-1)): F itself overflows nowhere, but is infinite at the pole.
        share = 1.0 / (1.0 + 1.0 / excess)
        variance = np.where(finite, 0.5 * rho_ / x_minus_1 * share, np.inf)
    return scalar_or_array(variance)


def log_psi_variance(rho: ArrayLike) -> Array:
    """Var[log psi] = trigamma(rho/2)/4 of the law of R Eq. 6: finite for every rho > 0, free of sigma.

    log psi = log tau - log(chi2_rho/rho)/2, and the logarithm of a Gamma variable of shape x has the
    variance trigamma(x).

    Parameters
    ----------
    rho : array_like
        Degrees of freedom, finite and > 0.

    Returns
    -------
    ndarray
        Of the shape of ``rho``; relative error below 1e-12; infinite for rho below 1.5e-154,
        where 1/rho^2 overflows.

    Raises
    ------
    DomainError
        For rho <= 0, NaN, infinite or not a real number.
    """
    with np.errstate(over="ignore"):
        return scalar_or_array(0.25 * special.polygamma(1, 0.5 * degrees(rho)))


def log_psi_degrees(variance: ArrayLike) -> Array:
    """Degrees of freedom at which Var[log psi] is ``variance``: the inverse of :func:`log_psi_variance`.

    Newton's method on 1/trigamma, which is convex: nearly a parabola below 1, nearly a line above
    (Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3, article 3, appendix).

    Parameters
    ----------
    variance : array_like
        Finite and > 0.

    Returns
    -------
    ndarray
        Relative error below 1e-12.

    Raises
    ------
    DomainError
        For a variance that is not positive, NaN, infinite or not a real number.

    Examples
    --------
    >>> round(float(log_psi_degrees(log_psi_variance(4))), 9)
    4.0
    """
    target = 4.0 * numbers("variance", variance, "be finite and > 0", positive)
    # trigamma(x) is 1/x^2 towards 0 and 1/x towards infinity, to rounding beyond these.
    large, small = target > 1e14, target < 1e-14
    aim = np.where(large | small, 1.0, target)
    x = np.where(aim > 4.0, 1.0 / np.sqrt(aim), 0.5 + 1.0 / aim)
    for _ in range(_NEWTON_STEPS):
        value = special.polygamma(1, x)
        x = x + value * (1.0 - value / aim) / special.polygamma(2, x)
    x = np.where(large, 1.0 / np.sqrt(target), np.where(small, 1.0 / target, x))
    return scalar_or_array(2.0 * x)


def delta_method_variance(rho: ArrayLike) -> Array:
    """First-order value of Var[psi], sigma = 1: rho / (2 (rho-2)(rho-4)); R Eq. 5.

    Parameters
    ----------
    rho : array_like
        Degrees of freedom, finite and > 0.

    Returns
    -------
    ndarray
        Infinite for rho <= 4, where Var[psi^2], from which it is made, is infinite.

    Raises
    ------
    DomainError
        For rho <= 0, NaN, infinite or not a real number.
    """
    rho_ = degrees(rho)
    safe = np.where(rho_ > 4.0, rho_, 5.0)
    return scalar_or_array(np.where(rho_ > 4.0, 0.5 * (safe / (safe - 2.0)) / (safe - 4.0), np.inf))
