"""Rank correlations across replicas, vectorised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def rank_scores(x: Array) -> Array:
    """Ranks along axis 0 (ties share their mean), centred, of unit norm; 0 where all are equal.

    The inner product of two columns is Spearman's correlation.
    """
    ranks = np.asarray(stats.rankdata(x, axis=0), dtype=np.float64)
    centred = ranks - (len(x) + 1) / 2
    norm = np.sqrt(np.sum(centred**2, axis=0))
    return np.asarray(np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 0))


def fourth_moment(n: int) -> float:
    """E[r^4] of Spearman's correlation of ``n`` independent pairs (Kendall & Gibbons 1990, eq. 5.31)."""
    top = 3 * (25 * n**3 - 38 * n**2 - 35 * n + 72)
    return top / (25 * n * (n + 1) * (n - 1) ** 3)
