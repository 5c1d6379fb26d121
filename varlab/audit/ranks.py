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


def correlation_pvalues(r: Array, n: int) -> Array:
    """Two-sided p-values of correlations of ``n`` pairs: t with n - 2 degrees of freedom."""
    r = np.clip(r, -1.0, 1.0)
    with np.errstate(divide="ignore"):
        t = np.abs(r) * np.sqrt((n - 2) / (1 - r**2))
    return np.asarray(2 * stats.t.sf(t, n - 2), dtype=np.float64)
