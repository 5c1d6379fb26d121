"""L-skewness and L-kurtosis of samples, and what each unit contributes to them.

Sample L-moments are weighted sums of the sorted values (Hosking 1990), so leaving out one unit moves
a few weights and nothing else: all n delete-one values come from one sort and cumulative sums. The
contributions, deviations of the jackknife's pseudo-values with the ratio linearised, stand for
independent units: their products estimate a squared ratio without bias.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import comb

Array = NDArray[np.float64]

NORMAL_L_KURTOSIS = 30 / math.pi * math.atan(math.sqrt(2)) - 9  # 0.1226 (Hosking 1990, table 1)

# l_{r+1} = sum_k coefficient b_k with b_k = mean_j C(j-1, k)/C(n-1, k) x_(j): shifted Legendre.
_LEGENDRE = {2: (-1, 2), 3: (1, -6, 6), 4: (-1, 12, -30, 20)}
AT_ONCE = 2_000_000  # numbers whose contributions are worked out together: 16 MB an array


def _weights(ranks: NDArray[np.int64], size: int, order: int) -> Array:
    """Weights of the values of 0-based ``ranks`` among ``size`` in ``size`` times l_order."""
    terms = [
        c * (comb(ranks, k) / comb(size - 1, k) if k else np.ones(len(ranks)))
        for k, c in enumerate(_LEGENDRE[order])
    ]
    return np.asarray(np.sum(terms, axis=0), dtype=np.float64)


def _over(value: Array, second: Array) -> Array:
    return np.asarray(np.divide(value, second, out=np.full(value.shape, np.nan), where=second > 0))


def l_ratios(x: Array) -> tuple[Array, Array]:
    """L-skewness and L-kurtosis along axis 0; NaN where there is no spread."""
    count = len(x)
    ranks = np.arange(count)
    ordered = np.sort(x, axis=0)
    second, third, fourth = (
        np.tensordot(_weights(ranks, count, order), ordered, axes=1) / count for order in (2, 3, 4)
    )
    second = np.where(np.ptp(ordered, axis=0) > 0, second, 0.0)
    return _over(third, second), _over(fourth, second)


def l_kurtosis(x: Array) -> Array:
    """L-kurtosis along axis 0; NaN where there is no spread."""
    return l_ratios(x)[1]


def contributions(x: Array) -> tuple[Array, Array]:
    """Of each unit to the L-skewness and the L-kurtosis of its column.

    Parameters
    ----------
    x : ndarray, shape (unit, column)
        At least 5 units.

    Returns
    -------
    skewness, kurtosis : ndarray, shape (unit, column)
        Each column sums to 0; NaN where there is no spread. The variance of a ratio is their mean
        square over n - 1.
    """
    order = np.argsort(x, axis=0, kind="stable")
    ordered = np.take_along_axis(x, order, axis=0)
    second, second_units = _pseudo_values(ordered, 2)
    second = np.where(ordered[-1] > ordered[0], second, 0.0)
    found = []
    for r in (3, 4):
        moment, units = _pseudo_values(ordered, r)
        ratio = _over(moment, second)
        deviations = _over(units - ratio * second_units, np.broadcast_to(second, units.shape))
        by_unit = np.empty_like(ordered)
        np.put_along_axis(by_unit, order, deviations, axis=0)
        found.append(by_unit)
    return found[0], found[1]


def _pseudo_values(ordered: Array, order: int) -> tuple[Array, Array]:
    """The L-moment of sorted columns, and n l - (n - 1) l without each value; these average to it."""
    count = len(ordered)
    ranks = np.arange(count)
    whole = _weights(ranks, count, order) @ ordered
    # Without value i those below keep their ranks and those above go down by one.
    below = np.cumsum(_weights(ranks, count - 1, order)[:, None] * ordered, axis=0)
    above = np.cumsum(_weights(ranks - 1, count - 1, order)[:, None] * ordered, axis=0)
    left_out = np.zeros_like(ordered)
    left_out[1:] = below[:-1]
    left_out += above[-1] - above
    return whole / count, whole - left_out


def l_ratio_units(x: Array, groups: int) -> tuple[Array, Array]:
    """L-skewness and L-kurtosis as ``groups`` nearly independent estimates, of consecutive units each.

    Parameters
    ----------
    x : ndarray, shape (unit, column)
        At least 5 units.
    groups : int
        At most as many as units.

    Returns
    -------
    skewness, kurtosis : ndarray, shape (group, column)
        They average to the ratios of the whole sample; NaN where there is no spread.
    """
    pieces = max(1, -(-x.size // AT_ONCE))
    found: tuple[list[Array], list[Array]] = ([], [])
    for part in np.array_split(x, min(pieces, x.shape[1]), axis=1):
        for out, ratio, units in zip(found, l_ratios(part), contributions(part), strict=True):
            out.append(ratio + group_means(units, groups))
    return np.concatenate(found[0], axis=1), np.concatenate(found[1], axis=1)


def group_means(x: Array, groups: int) -> Array:
    """Means over ``groups`` runs of consecutive rows, as equal as can be."""
    if groups >= len(x):
        return x
    return np.array([part.mean(axis=0) for part in np.array_split(x, groups)])
