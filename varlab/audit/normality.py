"""Normality: is the L-kurtosis within the band around the normal's 0.1226?

L-kurtosis exists whenever the mean does and is nearly unbiased, while moment kurtosis is bounded by
the sample size; it is location-free, so that a mean alone is no violation. Steps and coordinates
are never pooled: each gives its own L-kurtosis, and these are averaged. P-values are of
Shapiro-Wilk (D'Agostino-Pearson beyond 5000 draws), which see skewness as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varlab.audit.multiplicity import simes
from varlab.audit.null import l_kurtosis, l_kurtosis_mean, run_null
from varlab.audit.outcome import Outcome
from varlab.audit.quadratic import jackknife
from varlab.audit.scale_path import standardise
from varlab.audit.verdicts import Bands, Effect

Array = NDArray[np.float64]

MOST_STEPS = 16  # evenly spaced steps of an ensemble whose marginal laws are tested
GROUPS = 16  # jackknife groups; Student t with 15 degrees of freedom
STACKED = 4_000_000  # numbers held at once by the jackknife: 32 MB
SHAPIRO_LIMIT = 5000  # beyond it SciPy's p-value is not accurate


def _pvalues(x: Array) -> Array:
    """Per column of ``x`` (unit, column); NaN where there is no spread."""
    p = np.full(x.shape[1], np.nan)
    varied = np.ptp(x, axis=0) > 0
    if varied.any():
        z = x[:, varied] / np.max(np.abs(x[:, varied]), axis=0)
        test = stats.shapiro if len(x) <= SHAPIRO_LIMIT else stats.normaltest
        p[varied] = test(z, axis=0).pvalue
    return p


def _mean_l_kurtosis(x: Array) -> float:
    """Mean over columns of L-kurtosis less that of normal samples of this size."""
    values = l_kurtosis(x)
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _left_out(x: Array, parts: list[NDArray[np.intp]]) -> Array:
    """Mean L-kurtosis with each part of the units left out; small samples in one call per size."""
    if x.size * len(parts) > STACKED:
        return np.array([_mean_l_kurtosis(np.delete(x, part, axis=0)) for part in parts])
    means = np.empty(len(parts))
    for size in {len(part) for part in parts}:
        mine = [i for i, part in enumerate(parts) if len(part) == size]
        stack = np.stack([np.delete(x, parts[i], axis=0) for i in mine], axis=1)
        values = l_kurtosis(stack)
        known = np.isfinite(values)
        sums, counts = np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1)
        means[mine] = np.divide(sums, counts, out=np.full(len(mine), np.nan), where=counts > 0)
    return means


def _outcome(
    pvalues: Array,
    effects: Array,
    x: Array,
    parts: list[NDArray[np.intp]],
    null: float,
    bands: Bands,
) -> Outcome:
    estimate = _mean_l_kurtosis(x) - null
    left_out = _left_out(x, parts)
    se, df = jackknife(estimate, left_out)
    band = (-bands.normality, bands.normality)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = x - x.mean(axis=0)
        kurtosis = np.mean(centred**4, axis=0) / np.mean(centred**2, axis=0) ** 2 - 3
    finite = kurtosis[np.isfinite(kurtosis)]
    details = {"excess_kurtosis": float(finite.mean()) if finite.size else float("nan")}
    return Outcome(pvalues, effects, (Effect("L-kurtosis", estimate, se, df, band),), details)


def frozen(x: Array, bands: Bands) -> Outcome:
    """Draws at fixed parameters, ``x`` of shape (draw, coordinate)."""
    null = l_kurtosis_mean(len(x))
    parts = np.array_split(np.arange(len(x)), min(GROUPS, len(x)))
    return _outcome(_pvalues(x), l_kurtosis(x) - null, x, parts, null, bands)


def ensemble(x: Array, bands: Bands) -> Outcome:
    """Replicas at up to 16 evenly spaced steps, ``x`` of shape (replica, step, coordinate).

    A coordinate's p-value is Simes over steps: replicas are i.i.d. within a step, whatever the
    dependence between steps.
    """
    replicas, steps, coordinates = x.shape
    chosen = np.unique(np.linspace(0, steps - 1, min(steps, MOST_STEPS)).round().astype(int))
    flat = x[:, chosen, :].reshape(replicas, -1)
    null = l_kurtosis_mean(replicas)
    pvalues = simes(_pvalues(flat).reshape(len(chosen), coordinates))
    values = l_kurtosis(flat).reshape(len(chosen), coordinates)
    known = np.isfinite(values)
    sums, counts = np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0)
    effects = np.divide(sums, counts, out=np.full(coordinates, np.nan), where=counts > 0) - null
    parts = np.array_split(np.arange(replicas), min(GROUPS, replicas))
    return _outcome(pvalues, effects, flat, parts, null, bands)


def run(x: Array, bands: Bands) -> Outcome:
    """One run, ``x`` of shape (step, coordinate), divided by its scale path first.

    Undivided, a Gaussian whose scale falls by e is rejected almost always. Dividing by an estimated
    path lightens tails a little, so p-values and the reference come from simulating the same
    division on normal series. The interval leaves out blocks of consecutive steps, which respects
    serial dependence.
    """
    z = standardise(x).residual
    reference = run_null(len(z))
    null = float(reference.l_kurtosis.mean())
    values = l_kurtosis(z)
    parts = np.array_split(np.arange(len(z)), GROUPS)
    return _outcome(reference.l_kurtosis_pvalues(values), values - null, z, parts, null, bands)
