"""The sharp bound of Adam's step: how large abs(mhat_t)/sqrt(vhat_t) can be (A section 2.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from varlab.numerics.inputs import Array, decay, numbers, scalar_or_array, whole_or_infinite

# Veltkamp's constant: splits a float64 into two halves of 26 bits.
_SPLIT = 2.0**27 + 1.0


def _square_minus(x: Array, y: Array) -> Array:
    """``x^2 - y`` rounded once or twice, not cancelled: Dekker's exact square, x in [0, 1)."""
    high = _SPLIT * x - (_SPLIT * x - x)
    low = x - high
    square = x * x
    error = ((high * high - square) + 2.0 * high * low) + low * low
    return (square - y) + error


def step_bound(t: ArrayLike, beta1: ArrayLike, beta2: ArrayLike) -> Array:
    """Largest value of abs(mhat_t)/sqrt(vhat_t) over all gradient sequences g_1..g_t.

    With mhat_t = sum a_i g_i and vhat_t = sum w_i g_i^2, Cauchy-Schwarz gives sqrt(sum a_i^2/w_i),
    attained by g_i proportional to a_i/w_i. In closed form, r = beta1^2/beta2:

        (1-beta1)/(1-beta1^t) * sqrt((1-beta2^t)/(1-beta2) * (1-r^t)/(1-r)).

    Parameters
    ----------
    t : array_like
        Step, whole and >= 1; infinity gives the limit.
    beta1, beta2 : array_like
        In [0, 1); broadcast against ``t``.

    Returns
    -------
    ndarray
        At least 1. Infinite where gradients exist that make it arbitrarily large: beta2 = 0 < beta1
        and t > 1, or t infinite and beta1^2 >= beta2. Relative error below 1e-13 also where
        beta1^2 is close to beta2.

    Raises
    ------
    DomainError
        For t < 1 or not whole, beta1 or beta2 outside [0, 1).

    Examples
    --------
    >>> float(step_bound(1, 0.9, 0.999)), round(float(step_bound(np.inf, 0.9, 0.999)), 4)
    (1.0, 7.2703)
    """
    t_, b1, b2 = np.broadcast_arrays(
        numbers("t", t, "be an integer >= 1 or inf", whole_or_infinite),
        decay(beta1, "beta1"),
        decay(beta2),
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_ratio = np.log1p(_square_minus(b1, b2) / b2)
        roots = _root_geometric_sum(log_ratio, t_) * _root_geometric_sum(np.log(b2), t_)
        bound = roots / _root_geometric_sum(np.log(b1), t_) ** 2
    # beta2 = 0: vhat_t is the last squared gradient alone.
    bound = np.where(b2 == 0.0, np.where((b1 == 0.0) | (t_ == 1), 1.0, np.inf), bound)
    return scalar_or_array(np.where(t_ == 1, 1.0, bound))


def _root_geometric_sum(log_ratio: Array, t: Array) -> Array:
    """sqrt(1 + r + ... + r^(t-1)), its limit for infinite t; in range up to r^t = 1e600."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # (r^t - 1)/(r - 1), with r^(t/2) taken out for r > 1.
        share = np.expm1(-np.abs(log_ratio) * t) / np.expm1(log_ratio) * -np.sign(log_ratio)
        root = np.sqrt(share) * np.exp(np.where(log_ratio > 0.0, 0.5 * t * log_ratio, 0.0))
    return np.where(log_ratio == 0.0, np.sqrt(t), root)
