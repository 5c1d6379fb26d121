"""Unsigned effects of a layer: means of squares over its coordinates, unbiased, with honest intervals.

A mean over coordinates of squared effects hides no sign and is estimated without bias by leaving
out each unit's product with itself. Its variance must come from independent units (replicas, draws,
frequencies, lags), not from coordinates, which are correlated. It has two parts,

    Var = 4 zeta_1 / R + 2 zeta_2 / (R (R - 1)),

the second of which remains where the effect vanishes and the jackknife sees nothing (Hoeffding
1948). Both are read off the Gram matrix of the units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def off_diagonal(gram: Array) -> tuple[float, float]:
    """Mean of ``gram`` over pairs of different units, and its standard error.

    Parameters
    ----------
    gram : ndarray, shape (unit, unit)
        ``gram[i, j]`` is the mean over coordinates of the product of units i and j.
    """
    units = len(gram)
    sums = gram.sum(axis=1) - np.diag(gram)
    means = sums / (units - 1)
    estimate = float(means.mean())
    centred = gram - means[:, None] - means[None, :] + estimate
    np.fill_diagonal(centred, 0.0)
    degenerate = 2 * float(np.sum(centred**2)) / (units * (units - 1)) ** 2
    linear = 4 * float(means.var(ddof=1)) / units
    # E[linear] holds zeta_2 as well, twice over what belongs there.
    variance = max(linear - 2 * degenerate, 0.0) + degenerate
    return estimate, float(np.sqrt(variance))


def against_noise(
    signal: Array, noise: Array, variance: float | None = None
) -> tuple[float, float]:
    """Sum over rows of ``signal`` of their mean square, less what noise alone would give.

    For one run: rows are Fourier coefficients or autocorrelations, approximately independent of
    each other under the null, each a vector over correlated coordinates; the rows of ``noise`` are
    replicates of the noise in those of ``signal``.

    Parameters
    ----------
    signal : ndarray, shape (K, coordinate)
    noise : ndarray, shape (J, coordinate)
    variance : float, optional
        Known noise variance of the entries of ``signal``; estimated from ``noise`` when None.

    Returns
    -------
    estimate, standard error : float
    """
    rows, coordinates = signal.shape
    levels = np.mean(noise**2, axis=1)
    spread = float(levels.var(ddof=1))
    squares = np.mean(signal**2, axis=1)
    if variance is None:
        expected = rows * float(levels.mean())
        shared = rows**2 * spread / len(noise)
    else:
        expected = rows * variance
        shared = 0.0
    cross = np.mean((signal @ noise.T / coordinates) ** 2, axis=1)
    total = float(np.sum(np.maximum(4 * cross - 2 * spread, 0.0))) + rows * spread + shared
    return float(squares.sum()) - expected, float(np.sqrt(total))


def leave_one_out_variances(values: Array) -> tuple[Array, Array]:
    """Sample variance over rows, and the same with each row left out.

    Parameters
    ----------
    values : ndarray, shape (unit, column)
        At least three units.

    Returns
    -------
    ndarray, shape (column,), and ndarray, shape (unit, column)
    """
    units = len(values)
    squares = (values - values.mean(axis=0)) ** 2
    total = squares.sum(axis=0)
    # Leaving out row r takes R/(R-1) times its squared deviation from the sum of squares.
    left_out = (total - squares * units / (units - 1)) / (units - 2)
    return total / (units - 1), left_out


def jackknife_variance(left_out: Array) -> float:
    """Variance of an estimate from those with one group of units left out (Tukey 1958)."""
    groups = len(left_out)
    return (groups - 1) / groups * float(np.sum((left_out - left_out.mean()) ** 2))


def log_interval(estimate: float, left_out: Array, level: float) -> tuple[float, float]:
    """Jackknife interval of a positive estimate, on its logarithm; NaN where one is not positive."""
    if not estimate > 0 or not np.all(left_out > 0):
        return float("nan"), float("nan")
    return about(estimate, jackknife_variance(np.log(left_out)), len(left_out) - 1, level)


def about(estimate: float, log_variance: float, df: float, level: float) -> tuple[float, float]:
    """The interval of ``estimate`` whose logarithm has variance ``log_variance`` with ``df``."""
    with np.errstate(over="ignore"):  # at such a level nothing is excluded: 0 to infinity
        reach = np.exp(stats.t.isf(level / 2, df) * np.sqrt(log_variance))
        return float(estimate / reach), float(estimate * reach)
