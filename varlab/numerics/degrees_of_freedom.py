r"""Degrees of freedom of the EMA: the paper's rho_t (R Eq. 4) and Kish's n_t, without cancellation.

With ``a = -log(beta2)`` and ``L(y) = coth(y) - 1/y`` (Langevin's function),

    rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t) = t (1 - L(a t / 2)) + L(a / 2),
    n_t   = 1 / sum w_i^2                         = coth(a / 2) tanh(a t / 2).

Both terms of the first are positive, where the textbook form subtracts two numbers of the size
1/(1 - beta2) that agree in nearly all digits while t (1 - beta2) is small.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from varlab.core.errors import among, require
from varlab.numerics.inputs import (
    Array,
    below_one,
    decay,
    finite,
    number,
    positive,
    scalar_or_array,
    steps,
)

DegreesKind = Literal["sma", "kish"]

# Below this y, 1 - L(y) is taken from the continued fraction; above it, from 1/y - 2/(e^{2y} - 1),
# which there loses at most a factor 2 of relative accuracy.
_LANGEVIN_SWITCH = 1.0
# Levels of the fraction: at y = 1 the 10th convergent of coth is exact to 1e-20.
_LANGEVIN_LEVELS = 10


def decay_rate(beta2: Array) -> Array:
    """``a = -log(beta2)`` in [0, inf]: the EMA's rate per step; infinite at beta2 = 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(beta2))


def _langevin_small(y: Array) -> Array:
    """L(y) = coth(y) - 1/y = y/(3 + y^2/(5 + y^2/(7 + ...))), all terms positive; y <= 1."""
    square = y * y
    tail = np.full_like(y, 2.0 * _LANGEVIN_LEVELS + 1.0)
    for level in range(_LANGEVIN_LEVELS - 1, 0, -1):
        tail = (2.0 * level + 1.0) + square / tail
    return y / tail


def _langevin_complement(y: Array) -> Array:
    """1 - L(y) for y > 0, in [0, 1), relatively accurate also where it is small."""
    small = y <= _LANGEVIN_SWITCH
    with np.errstate(over="ignore", divide="ignore"):
        large = 1.0 / y - 2.0 / np.expm1(2.0 * y)
    return np.where(small, 1.0 - _langevin_small(np.where(small, y, 0.0)), large)


def _langevin(y: Array) -> Array:
    """L(y) for y > 0, infinite y included."""
    small = y <= _LANGEVIN_SWITCH
    return np.where(small, _langevin_small(np.where(small, y, 0.0)), 1.0 - _langevin_complement(y))


def sma_degrees(t: Array, beta2: Array) -> Array:
    """rho_t on checked arrays; see :func:`degrees_of_freedom`."""
    rate = decay_rate(beta2)
    return t * _langevin_complement(0.5 * rate * t) + _langevin(0.5 * rate)


def sma_limit(beta2: Array) -> Array:
    """rho_inf on checked arrays; see :func:`rho_inf`."""
    return (1.0 + beta2) / (1.0 - beta2)


def kish_degrees(t: Array, beta2: Array) -> Array:
    """n_t on checked arrays; see :func:`degrees_of_freedom`."""
    return sma_limit(beta2) * np.tanh(0.5 * decay_rate(beta2) * t)


def kish_step(degrees: float, beta2: float) -> float:
    """Time t, not necessarily whole, at which n_t is ``degrees``: the inverse of Kish's count.

    Parameters
    ----------
    degrees : float
        Finite and > 0.
    beta2 : float
        In [0, 1).

    Returns
    -------
    float
        NaN where n_t stays below ``degrees`` for ever, and for beta2 = 0, where it is 1 throughout.

    Raises
    ------
    DomainError
        For degrees that are not finite and positive, beta2 outside [0, 1).

    Examples
    --------
    >>> round(kish_step(float(degrees_of_freedom(40, 0.999, "kish")), 0.999), 9)
    40.0
    """
    n = number("degrees", degrees, "be finite and > 0", positive)
    b = number("beta2", beta2, "lie in [0, 1)", below_one)
    share = n * (1.0 - b) / (1.0 + b)
    if b == 0 or share >= 1:
        return float("nan")
    return float(2.0 * np.arctanh(share) / decay_rate(np.asarray(b)))


def degrees_of_freedom(t: ArrayLike, beta2: ArrayLike, kind: DegreesKind = "sma") -> Array:
    """Degrees of freedom that a scaled chi-square gives to vhat_t.

    Parameters
    ----------
    t : array_like of int
        Step, >= 1.
    beta2 : array_like
        EMA decay in [0, 1); broadcast against ``t``.
    kind : {"sma", "kish"}
        ``"sma"``: rho_t = 2/(1-beta2) - 1 - 2 t beta2^t/(1-beta2^t), the length of the simple
        moving average with the EMA's centre of mass (R Eq. 4). ``"kish"``: n_t = 1/sum w_i^2 =
        (1+beta2)(1-beta2^t)/((1-beta2)(1+beta2^t)), which matches the EMA's variance
        (Kish 1965; Welch 1938, Satterthwaite 1946).

    Returns
    -------
    ndarray
        In [1, rho_inf]; relative error below 1e-14 for every t and beta2 of the domain.

    Raises
    ------
    DomainError
        For t < 1 or not whole, beta2 outside [0, 1), an unknown kind.

    Examples
    --------
    >>> float(degrees_of_freedom(1, 0.999)), round(float(degrees_of_freedom(5, 0.999)), 4)
    (1.0, 4.996)
    """
    require(among(kind, get_args(DegreesKind)), "kind", "be 'sma' or 'kish'", kind)
    t_, beta2_ = np.broadcast_arrays(steps(t), decay(beta2))
    return scalar_or_array((sma_degrees if kind == "sma" else kish_degrees)(t_, beta2_))


def rho_inf(beta2: ArrayLike) -> Array:
    """Limit of both degrees of freedom as t grows: 2/(1-beta2) - 1 = (1+beta2)/(1-beta2); R 4.1.

    Parameters
    ----------
    beta2 : array_like
        EMA decay in [0, 1).

    Returns
    -------
    ndarray
        At least 1, of the shape of ``beta2``.

    Raises
    ------
    DomainError
        For beta2 outside [0, 1).
    """
    return scalar_or_array(sma_limit(decay(beta2)))


def rho_inf_excess(beta2: Array, threshold: float) -> Array:
    """``rho_inf - threshold`` without cancellation where the two are close.

    ((threshold+1) beta2 - (threshold-1)) / (1-beta2) with the numerator regrouped: both of its
    differences are exact near its zero, by Sterbenz's lemma, for the thresholds 4 (paper) and 5.
    """
    gap = 1.0 - beta2
    return ((threshold * beta2 - (threshold - 2.0)) - gap) / gap


def sma_excess(t: Array, beta2: Array, threshold: float) -> Array:
    """``rho_t - threshold``; exact in sign to a few units of rounding of rho_t itself.

    Where rho_inf is near the threshold (beta2 near 0.6 for 4) the remainder 2 t beta2^t/(1-beta2^t)
    is taken off ``rho_inf - threshold``, which is exact there; elsewhere rho_t is formed first. The
    absolute error is a few 1e-16 of max(threshold, the remainder), so the relative error near a zero
    at finite t is about 1e-15 / (rho_t - threshold): that zero's own conditioning in beta2.
    """
    limit = rho_inf_excess(beta2, threshold)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        remainder = np.where(beta2 > 0, 2.0 * t / np.expm1(decay_rate(beta2) * t), 0.0)
        near = limit - remainder
    return np.where(limit < threshold, near, sma_degrees(t, beta2) - threshold)


def first_adaptive_step(beta2: float, threshold: float = 4.0) -> int | None:
    """First step t with rho_t > threshold, where RAdam turns adaptive (R Alg. 2).

    Parameters
    ----------
    beta2 : float
        In [0, 1).
    threshold : float
        >= 1; 4 in the paper, 5 in the authors' code.

    Returns
    -------
    int or None
        None where rho_inf <= threshold: the step is then never adaptive.

    Raises
    ------
    DomainError
        For beta2 outside [0, 1), a threshold below 1 or not finite.

    Examples
    --------
    >>> first_adaptive_step(0.999), first_adaptive_step(0.6)
    (5, None)
    """
    b = np.asarray(number("beta2", beta2, "lie in [0, 1)", below_one))
    level = number("threshold", threshold, "be finite and >= 1", lambda x: finite(x) & (x >= 1))

    def adaptive(step: int) -> bool:
        return bool(sma_excess(np.asarray(float(step)), b, level) > 0)

    if not rho_inf_excess(b, level) > 0:
        return None
    upper = 1
    while not adaptive(upper):
        upper *= 2
    lower = upper // 2  # rho_t increases with t: bisect
    while upper - lower > 1:
        middle = (lower + upper) // 2
        lower, upper = (lower, middle) if adaptive(middle) else (middle, upper)
    return upper
