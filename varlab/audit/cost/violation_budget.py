"""The violation budget: how much of vhat's variance comes from which broken assumption.

An identity, not a fit. With w_i the EMA weights, m = sum w_i E[g_i^2] and mu_i = E[g_i],

    CV^2(vhat_t) = sum_ij w_i w_j Cov(g_i^2, g_j^2) / m^2
                 = 2 sum w_i^2                                   normal-iid (the theory: 2/n_t)
                 + 2 sum w_i^2 (E[g_i^2]^2/m^2 - 1)              drift
                 - 2 sum w_i^2 mu_i^4/m^2                        mean
                 + the rest of the diagonal                      kurtosis
                 + the off-diagonal                              dependence,

because Var(g^2) = 2 E[g^2]^2 - 2 mu^4 for a normal g.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlab.audit.assumptions.crossing import Crossing
from varlab.audit.assumptions.quadratic import leave_one_out_variances, log_interval
from varlab.audit.assumptions.scale_path import rms
from varlab.audit.cost.second_moment import step_weights, stream_length
from varlab.numerics import ema_weights

Array = NDArray[np.float64]

SHARES = ("normal-iid", "mean", "kurtosis", "drift", "dependence")


@dataclass(frozen=True)
class Budget:
    """Mean over a layer's coordinates of the shares of CV^2(vhat_t).

    Attributes
    ----------
    shares : dict
        ``normal-iid``, ``mean``, ``kurtosis``, ``drift``, ``dependence``; their sum is ``total`` to
        rounding.
    total : float
        The measured CV^2.
    ratio : float
        Headline: total over normal-iid, how many times the theory's variance vhat has.
    ratio_ci : tuple of float
    split : dict
        With labelled initialisations, ``dependence`` as ``initialisation`` plus ``data-order``.
    """

    shares: dict[str, float]
    total: float
    ratio: float
    ratio_ci: tuple[float, float]
    split: dict[str, float]


def coordinate_shares(
    x: Array, weights: Array, crossing: Crossing | None = None
) -> dict[str, Array]:
    """The five shares and their sum for each coordinate.

    Parameters
    ----------
    x : ndarray, shape (replica, step, coordinate)
    weights : ndarray, shape (step,)
        EMA weights, summing to 1.
    crossing : Crossing, optional
        Labels that replicas share.

    Returns
    -------
    dict of ndarray, shape (coordinate,)
        The shares and ``total``; NaN for a coordinate that is always 0. Covariances are those between
        independent replicas (divisor R - 1 where all are), and E[g^2]^2 is corrected for its bias
        Var(g^2)/R, which would count as drift.
    """
    squares = x**2
    means, variances = squares.mean(axis=0), _variance(squares, crossing)
    # The product of the means of independent replicas; m itself stays the mean of all.
    squared = means**2 - variances / len(x) if crossing is None else crossing.products(squares)
    w2 = (weights**2)[:, None]
    m = weights @ means
    over = np.divide(1.0, m**2, out=np.full(m.shape, np.nan), where=m > 0)
    normal = np.where(m > 0, 2 * float(np.sum(weights**2)), np.nan)
    total = _variance(np.tensordot(weights, squares, axes=(0, 1)), crossing) * over
    diagonal = np.sum(w2 * variances, axis=0) * over
    drift = 2 * np.sum(w2 * squared, axis=0) * over - normal
    mean = -2 * np.sum(w2 * x.mean(axis=0) ** 4, axis=0) * over
    return {
        "normal-iid": normal,
        "mean": mean,
        "kurtosis": diagonal - normal - drift - mean,
        "drift": drift,
        "dependence": total - diagonal,
        "total": total,
    }


def _variance(x: Array, crossing: Crossing | None) -> Array:
    """Over replicas, the first axis."""
    return np.asarray(x.var(axis=0, ddof=1) if crossing is None else crossing.variance(x))


def within_dependence(x: Array, weights: Array, labels: NDArray[np.int64]) -> Array:
    """Off-diagonal share within replicas of equal label: E[Cov(g_i^2, g_j^2 | label)], per coordinate.

    By the law of total covariance the rest of the dependence comes from the labels.
    """
    squares = x**2
    m = weights @ squares.mean(axis=0)
    vhat = np.tensordot(weights, squares, axes=(0, 1))
    freedom = len(x) - len(np.unique(labels))
    total, diagonal = np.zeros(m.shape), np.zeros(m.shape)
    for label in np.unique(labels):
        mine = labels == label
        total += np.sum((vhat[mine] - vhat[mine].mean(axis=0)) ** 2, axis=0)
        spread = np.sum((squares[mine] - squares[mine].mean(axis=0)) ** 2, axis=0)
        diagonal += weights**2 @ spread
    unknown = np.full(m.shape, np.nan)
    within = np.divide(total - diagonal, freedom * m**2, out=unknown, where=m > 0)
    return np.asarray(within)


def ensemble(
    x: Array,
    steps: NDArray[np.int64],
    beta2: float,
    level: float,
    inits: NDArray[np.int64] | None = None,
    orders: NDArray[np.int64] | None = None,
) -> Budget:
    """Budget of a layer at its last step, ``x`` of shape (replica, step, coordinate)."""
    return _budget(x, step_weights(steps, beta2), level, inits, Crossing.of(inits, orders))


def frozen(x: Array, beta2: float, level: float) -> Budget:
    """Budget at fixed parameters, ``x`` of shape (draw, coordinate).

    The draws are i.i.d. by construction: every step has the same law, drift and dependence are 0.
    """
    weights = ema_weights(stream_length(len(x)), beta2)
    z = x / rms(x)
    one = coordinate_shares(z[:, None, :], np.ones(1))
    concentration = float(np.sum(weights**2))
    # With one law for all steps, every share scales with sum w_i^2; sampling noise of the single
    # step's E[g^2]^2 is not drift and goes to kurtosis, its only other home.
    shares = {name: float(np.nanmean(one[name])) * concentration for name in SHARES}
    shares["kurtosis"] += shares["drift"]
    shares["drift"] = 0.0
    normal = shares["normal-iid"]
    total = sum(shares.values())
    # The theory's CV^2 of a single squared draw is 2.
    low, high = log_interval(*_ratios(z**2), level)
    return Budget(shares, total, total / normal, (low / 2, high / 2), {})


def _budget(
    x: Array,
    weights: Array,
    level: float,
    inits: NDArray[np.int64] | None,
    crossing: Crossing | None,
) -> Budget:
    # Shares do not depend on a coordinate's scale; unit scale keeps fourth powers in range.
    z = x / rms(x)
    parts = coordinate_shares(z, weights, crossing)
    shares = {name: float(np.nanmean(parts[name])) for name in SHARES}
    total = float(np.nanmean(parts["total"]))
    vhat = np.tensordot(weights, z**2, axes=(0, 1))
    low, high = (
        log_interval(*_ratios(vhat), level)
        if crossing is None
        else crossing.interval(vhat, _crossed_ratio, level)
    )
    split = {}
    if inits is not None and 1 < len(np.unique(inits)) < len(inits):
        order = float(np.nanmean(within_dependence(z, weights, inits)))
        split = {"initialisation": shares["dependence"] - order, "data-order": order}
    normal = shares["normal-iid"]
    return Budget(shares, total, total / normal, (low / normal, high / normal), split)


def _crossed_ratio(v: Array, crossing: Crossing) -> float:
    """Mean over coordinates of CV^2 of the rows of ``v``."""
    mean = v.mean(axis=0)
    known = mean > 0
    return float(np.mean(crossing.variance(v[:, known]) / mean[known] ** 2))


def _ratios(v: Array) -> tuple[float, Array]:
    """Mean over coordinates of CV^2 of the rows of ``v``, and the same with each row left out."""
    count, mean = len(v), v.mean(axis=0)
    known = mean > 0
    variance, left_variance = leave_one_out_variances(v)
    left_mean = (count * mean - v) / (count - 1)
    left_out = np.divide(
        left_variance, left_mean**2, out=np.zeros_like(left_variance), where=left_mean > 0
    )
    cv2 = variance[known] / mean[known] ** 2
    return float(cv2.mean()), left_out[:, known].mean(axis=1)
