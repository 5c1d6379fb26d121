"""The scale of one run along its steps: cosine regression of log abs(g), change points, standardising.

Logarithms, because they are robust against heavy tails and make scales additive; low-frequency
cosines, because under the null their coefficients are independent of each other and share one
variance even when the series is serially dependent (Mueller & Watson 2008), so that neighbouring
frequencies measure the noise of low ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Array = NDArray[np.float64]


def signal_frequencies(steps: int) -> int:
    """Cosines of the scale path: one per 16 steps, 4 to 8.

    Four follow a linear drift of log scale to 0.3% of its variance; more than eight would eat
    volatility.
    """
    return int(np.clip(steps // 16, 4, 8))


def noise_frequencies(steps: int) -> int:
    """How many frequencies measure noise: 0.4 steps^(2/3) (Lazarus, Lewis, Stock & Watson 2018)."""
    return int(0.4 * steps ** (2 / 3))


def cosines(series: Array) -> Array:
    """Orthonormal cosine coefficients along axis 0; the first is sqrt(steps) times the mean."""
    return np.asarray(fft.dct(series, type=2, norm="ortho", axis=0), dtype=np.float64)


def log_size(x: Array) -> Array:
    """Logarithm of abs(x), with exact zeros at the smallest size seen in their coordinate (last axis)."""
    size = np.abs(x)
    others = tuple(range(x.ndim - 1))
    smallest = np.min(np.where(size > 0, size, np.inf), axis=others, keepdims=True)
    smallest = np.where(np.isfinite(smallest), smallest, 1.0)
    return np.asarray(np.log(np.maximum(size, smallest)))


def rms(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """Root mean square over ``axis``, by default over all but coordinates (last); 1 where all is 0."""
    size = np.sqrt(np.mean(x**2, axis=tuple(range(x.ndim - 1)) if axis is None else axis))
    return np.where(size > 0, size, 1.0)


def _path(x: Array) -> Array:
    keep = signal_frequencies(len(x)) + 1
    coefficients = cosines(log_size(x))
    coefficients[keep:] = 0.0
    return np.asarray(np.exp(fft.idct(coefficients, type=2, norm="ortho", axis=0)))


@dataclass(frozen=True)
class Standardised:
    """A run divided by its own scale path.

    Attributes
    ----------
    z : ndarray, shape (step, coordinate)
        Variance 1 about its mean.
    residual : ndarray, shape (step, coordinate)
        The same about its mean path, which may follow the scale: free of what division by an
        estimated scale makes of a large mean.
    """

    z: Array
    residual: Array


def standardise(x: Array) -> Standardised:
    """Divide each coordinate of a run by its smooth scale path.

    Parameters
    ----------
    x : ndarray, shape (step, coordinate)
        No coordinate may be constant.
    """
    centred = x - _mean_path(x, _path(x))
    # Only about its mean does log abs(g) measure the noise.
    path = _path(centred)
    residual = centred / path
    spread = residual.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return Standardised(x / path / spread, residual / spread)


def _mean_path(x: Array, path: Array) -> Array:
    """Mean as a constant plus a multiple of the scale: least squares weighted by the scale."""
    weights = path**-2 / np.sum(path**-2, axis=0)
    level, centre = np.sum(weights * x, axis=0), np.sum(weights * path, axis=0)
    shape = path - centre
    square = np.sum(weights * shape**2, axis=0)
    product = np.sum(weights * shape * (x - level), axis=0)
    slope = np.divide(product, square, out=np.zeros_like(square), where=square > 0)
    return np.asarray(level + slope * shape)


def change_points(series: Array, *, fewest: int = 8, penalty: float = 3.0) -> tuple[int, ...]:
    """Steps at which the level of ``series`` jumps, by binary segmentation.

    A split is kept while its gain in squared error exceeds ``penalty * log(steps)`` noise variances
    (the BIC's 2 per location and 1 per level). The noise variance comes from first differences,
    which jumps and slow drift hardly touch.

    Parameters
    ----------
    series : ndarray, shape (step,)
        For a layer the mean over its coordinates of log abs(g) less each coordinate's mean.
    fewest : int
        Shortest segment.

    Returns
    -------
    tuple of int
        Index of the first step after each jump, increasing.
    """
    steps = len(series)
    noise = float(np.mean(np.diff(series) ** 2) / 2) if steps > 1 else 0.0
    if noise == 0:
        return ()
    threshold = penalty * np.log(steps) * noise
    found: list[int] = []
    pending = [(0, steps)]
    while pending:
        start, end = pending.pop()
        sizes = np.arange(fewest, end - start - fewest + 1)
        if len(sizes) == 0:
            continue
        part = series[start:end] - series[start:end].mean()
        left = np.cumsum(part)[sizes - 1]
        gains = left**2 / sizes + left**2 / (len(part) - sizes)
        best = int(np.argmax(gains))
        if gains[best] > threshold:
            split = start + int(sizes[best])
            found.append(split)
            pending += [(start, split), (split, end)]
    return tuple(sorted(found))
