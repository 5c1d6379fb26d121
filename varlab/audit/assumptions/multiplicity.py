"""Many p-values: Simes within a coordinate and a layer, Holm over the model, Benjamini-Hochberg to explore.

Simes keeps its level under the positive dependence that coordinates of a layer show, where Fisher
and Stouffer do not; under strong dependence it is conservative.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.multitest import multipletests

Array = NDArray[np.float64]


def simes(pvalues: ArrayLike, axis: int = 0) -> Array:
    """Simes's combined p-value, min over k of p_(k) n / k, along ``axis`` (Simes 1986).

    NaN entries are left out; all NaN gives NaN.
    """
    p = np.sort(np.moveaxis(np.asarray(pvalues, dtype=np.float64), axis, 0), axis=0)  # NaN last
    count = np.sum(~np.isnan(p), axis=0)
    ranks = np.arange(1, len(p) + 1).reshape((-1,) + (1,) * (p.ndim - 1))
    scaled = np.where(np.isnan(p), np.inf, p * count / ranks)
    smallest = np.min(scaled, axis=0, initial=np.inf)
    return np.asarray(np.where(count > 0, np.minimum(smallest, 1.0), np.nan))


def discoveries(pvalues: ArrayLike, level: float) -> NDArray[np.bool_]:
    """Which coordinates Benjamini-Hochberg singles out; exploratory."""
    p = np.nan_to_num(np.asarray(pvalues, dtype=np.float64), nan=1.0)
    if p.size == 0:
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(multipletests(p, alpha=level, method="fdr_bh")[0], dtype=np.bool_)


def holm(pvalues: ArrayLike) -> Array:
    """Holm's adjusted p-values; NaN entries stay NaN and do not count."""
    p = np.asarray(pvalues, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    # Statsmodels' own Holm, its twin in the tests, collects all garbage of the process at each call
    # (0.15 s), which calibration cannot afford.
    order = np.argsort(p[known])
    steps = np.maximum.accumulate(p[known][order] * np.arange(len(order), 0, -1))
    ranked = np.empty(len(order))
    ranked[order] = np.minimum(steps, 1.0)
    adjusted[known] = ranked
    return adjusted
