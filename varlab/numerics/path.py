"""Var[psi_t] of the exact law along the steps, in one pass.

log Var[psi_t] is a smooth function of log t: it is evaluated exactly at a few hundred steps and
interpolated between them, every panel being checked against exact values at other steps and halved
until they agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from varlab.core.memory import require_memory
from varlab.numerics.ema_law import ema_form
from varlab.numerics.inputs import (
    Array,
    below_one,
    mean_and_scale,
    number,
    steps,
    whole_from_one,
)
from varlab.numerics.mellin import root_variance

# Degree + 1 of the interpolant of a panel, and the steps between its nodes that check it.
_NODES = 14
_CHECKS = 5
# Agreement asked of log Var at the check steps; Var itself is computed to 1e-14.
_TOLERANCE = 1e-12
# Panels with fewer requested steps than this are evaluated directly: the nodes would cost as much.
_DIRECT = 3 * _NODES
# Rounding the nodes to whole steps must leave them distinct and close to Chebyshev's.
_SHORTEST = _NODES**2


def exact_psi_variance(t: float, beta2: float, mu: float = 0.0, ar1: float = 0.0) -> float:
    """Var[psi_t] of the exact law for gradients of unit variance; ``t`` may be infinite.

    Infinite for t <= 2, and at every t for beta2 = 0, where vhat_t is the last squared gradient.
    """
    if t <= 2 or beta2 == 0.0:
        return math.inf
    return root_variance(ema_form(t, beta2, mu, ar1))


def exact_psi_variances(t: Array, beta2: float, mu: float = 0.0) -> Array:
    """:func:`exact_psi_variance` at many finite steps of one law; relative error below 1e-11."""
    wanted, positions = np.unique(t, return_inverse=True)
    values = np.full(wanted.shape, np.inf)
    log_variance = _memo(lambda step: math.log(exact_psi_variance(step, beta2, mu)))
    pending = [wanted[(wanted > 2) & (beta2 > 0.0)]]
    while pending:
        panel = pending.pop()
        at = np.searchsorted(wanted, panel)
        fitted = _interpolated(panel, log_variance)
        if fitted is not None:
            values[at] = np.exp(fitted)
        elif len(panel) <= _DIRECT or panel[-1] - panel[0] <= _SHORTEST:
            values[at] = np.exp([log_variance(float(step)) for step in panel])
        else:
            middle = math.sqrt(panel[0] * panel[-1])
            pending += [panel[panel <= middle], panel[panel > middle]]
    return np.asarray(values[positions].reshape(t.shape))


def _memo(function: Callable[[float], float]) -> Callable[[float], float]:
    known: dict[float, float] = {}

    def remembered(x: float) -> float:
        if x not in known:
            known[x] = function(x)
        return known[x]

    return remembered


def _interpolated(panel: Array, function: Callable[[float], float]) -> Array | None:
    """Values on the panel from its Chebyshev nodes in log t; None if they miss the check steps."""
    from scipy.interpolate import BarycentricInterpolator  # a third of the layer's import time

    if len(panel) <= _DIRECT or panel[-1] - panel[0] <= _SHORTEST:
        return None
    low, high = math.log(panel[0]), math.log(panel[-1])
    angles = np.pi * np.arange(_NODES) / (_NODES - 1)
    nodes = np.round(np.exp(0.5 * (low + high) - 0.5 * (high - low) * np.cos(angles)))
    if np.any(np.diff(nodes) < 1):
        return None
    # Barycentric weights are formed on [-2, 2], where they neither over- nor underflow.
    scale = 4.0 / (high - low)
    fit = BarycentricInterpolator(
        scale * (np.log(nodes) - low), [function(float(step)) for step in nodes]
    )
    between = np.floor(np.sqrt(nodes[:-1] * nodes[1:]))[:: max(1, _NODES // _CHECKS)]
    checks = between[~np.isin(between, nodes)]
    exact = np.asarray([function(float(step)) for step in checks])
    if np.max(np.abs(fit(scale * (np.log(checks) - low)) - exact), initial=0.0) > _TOLERANCE:
        return None
    return np.asarray(fit(scale * (np.log(panel) - low)))


def psi_variance_path(steps: int, beta2: float, mu: float = 0.0, sigma: float = 1.0) -> Array:
    """Var[psi_t] of the exact law for t = 1..steps, gradients i.i.d. N(mu, sigma^2).

    Parameters
    ----------
    steps : int
        Number of steps, >= 1.
    beta2 : float
        EMA decay in [0, 1).
    mu, sigma : float
        Mean (finite) and standard deviation (> 0) of the gradients.

    Returns
    -------
    ndarray, shape (steps,)
        Infinite at t = 1 and 2 (and everywhere for beta2 = 0); relative error below 1e-11.

    Raises
    ------
    DomainError
        For steps < 1 or not whole, beta2 outside [0, 1), mu not finite, sigma <= 0.

    Examples
    --------
    >>> psi_variance_path(4, 0.999).round(4).tolist()
    [inf, inf, 1.0901, 0.4292]
    """
    count = int(number("steps", steps, "be an integer >= 1", whole_from_one))
    b = number("beta2", beta2, "lie in [0, 1)", below_one)
    centre, scale = mean_and_scale(mu, sigma)
    require_memory(40 * count, f"a path of {count} steps", "take psi_variance_at some steps")
    path = exact_psi_variances(np.arange(1.0, count + 1.0), b, centre / scale)
    return path / scale**2


def psi_variance_at(t: ArrayLike, beta2: float, mu: float = 0.0, sigma: float = 1.0) -> Array:
    """Var[psi_t] of the exact law at the given steps; see :func:`psi_variance_path`.

    Parameters
    ----------
    t : array_like of int
        Steps, >= 1, in any order.
    beta2, mu, sigma : float
        As for :func:`psi_variance_path`.

    Returns
    -------
    ndarray
        Shaped like ``t``.

    Raises
    ------
    DomainError
        As for :func:`psi_variance_path`.
    """
    b = number("beta2", beta2, "lie in [0, 1)", below_one)
    centre, scale = mean_and_scale(mu, sigma)
    return exact_psi_variances(np.asarray(steps(t)), b, centre / scale) / scale**2
