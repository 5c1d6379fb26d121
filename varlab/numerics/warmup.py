"""Untuned warm-ups of Ma & Yarats (U) and the effective period of any of them."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from varlab.core.errors import among, require
from varlab.numerics.degrees_of_freedom import decay_rate, first_adaptive_step
from varlab.numerics.inputs import Array, below_one, decay, number, scalar_or_array, steps
from varlab.numerics.rectification import radam_factor
from varlab.numerics.weights import lattice_gauss

WarmupRule = Literal["linear", "exponential", "radam"]

# 1 - r_t falls like t beta2^t: beyond this many e-foldings it is below 1e-18.
_FOLDINGS = 48.0
# Steps summed one by one before panels take over, and the e-foldings that a panel spans.
_DIRECT = 4096
_PANEL = 2.0


def linear_warmup_multiplier(t: ArrayLike, beta2: ArrayLike) -> Array:
    """Untuned linear warm-up min(1, (1-beta2) t/2); U section 5.

    Parameters
    ----------
    t : array_like of int
        Step, >= 1.
    beta2 : array_like
        In [0, 1); broadcast against ``t``.

    Returns
    -------
    ndarray
        In (0, 1], of the broadcast shape.

    Raises
    ------
    DomainError
        For t < 1 or not whole, beta2 outside [0, 1).
    """
    return scalar_or_array(np.minimum(1.0, 0.5 * (1.0 - decay(beta2)) * steps(t)))


def exponential_warmup_multiplier(t: ArrayLike, beta2: ArrayLike) -> Array:
    """Untuned exponential warm-up 1 - exp(-(1-beta2) t); U section 5.

    Parameters
    ----------
    t : array_like of int
        Step, >= 1.
    beta2 : array_like
        In [0, 1); broadcast against ``t``.

    Returns
    -------
    ndarray
        In (0, 1], of the broadcast shape.

    Raises
    ------
    DomainError
        For t < 1 or not whole, beta2 outside [0, 1).
    """
    return scalar_or_array(-np.expm1(-(1.0 - decay(beta2)) * steps(t)))


def effective_warmup_period(beta2: float, rule: WarmupRule = "radam") -> float:
    """Sum over t >= 1 of (1 - multiplier): the steps that a warm-up costs; U section 5.

    Parameters
    ----------
    beta2 : float
        In [0, 1).
    rule : {"linear", "exponential", "radam"}
        ``"radam"`` counts a step with rho_t <= 4 as multiplier 0.

    Returns
    -------
    float
        Infinite for "radam" where rho_inf <= 4.

    Raises
    ------
    DomainError
        For beta2 outside [0, 1), an unknown rule.

    Examples
    --------
    >>> round(effective_warmup_period(0.999, "exponential"), 2)
    999.5
    """
    b = number("beta2", beta2, "lie in [0, 1)", below_one)
    require(
        among(rule, get_args(WarmupRule)), "rule", "be 'linear', 'exponential' or 'radam'", rule
    )
    if rule == "linear":
        length = 2.0 / (1.0 - b)
        ramp = math.floor(length)
        return ramp - 0.5 * ramp * (ramp + 1) / length
    if rule == "exponential":
        return 1.0 / math.expm1(1.0 - b)
    return _radam_period(b)


def _radam_period(beta2: float) -> float:
    first = first_adaptive_step(beta2)
    if first is None:
        return math.inf
    rate = float(decay_rate(np.asarray(beta2)))
    last = first + max(_DIRECT, math.ceil(_FOLDINGS / rate))
    panel = max(_DIRECT, math.ceil(_PANEL / rate))
    total = float(first - 1)
    start, length = first, _DIRECT
    while start < last:
        if length <= _DIRECT:
            t, counts = np.arange(float(start), float(start + length)), np.ones(length)
        else:  # 1 - r_t is smooth in t: a Gauss rule over the whole panel's steps
            nodes, counts = lattice_gauss(length)
            t = start + nodes
        total += float(counts @ (1.0 - radam_factor(t, np.asarray(beta2))))
        start, length = start + length, min(panel, 2 * length)
    return total
