"""Identity: does the scale of a coordinate stay the same along the steps?

Effect. Root-mean-square deviation of log scale along the steps, so that no path, monotone or not,
cancels; a linear drift of log scale by d has effect d/sqrt(12).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varlab.audit.assumptions.edge import EdgeLaw
from varlab.audit.assumptions.multiplicity import simes
from varlab.audit.assumptions.outcome import Outcome
from varlab.audit.assumptions.quadratic import against_noise, off_diagonal
from varlab.audit.assumptions.ranks import rank_scores
from varlab.audit.assumptions.scale_path import (
    change_points,
    cosines,
    log_size,
    noise_frequencies,
    rms,
    signal_frequencies,
)
from varlab.audit.verdicts import Bands, Effect, root, square

Array = NDArray[np.float64]


def ensemble(x: Array, bands: Bands) -> Outcome:
    """Replicas at each step, ``x`` of shape (replica, step, coordinate), at least two steps.

    Steps t and t + steps/2 are compared by Pitman-Morgan: the scales are equal iff the sum and the
    difference of the two are uncorrelated across replicas, however correlated the two are (the same
    replicas are paired). In rank form (McCulloch 1987) and studentised: exchanging the two steps
    flips the sign of the difference alone, so under the null the products of scores are symmetric
    about 0 whatever the tails, and a t-test on them keeps its level. Simes over the steps t.

    Effect: products of *different* replicas' log sizes, so noise cancels without a model of it.
    """
    replicas, steps, _ = x.shape
    half = steps // 2
    first, second = x[:, :half], x[:, half : 2 * half]
    size = rms(x)
    total = rank_scores((first + second) / size)
    difference = rank_scores((first - second) / size)
    products = total * difference
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.asarray(stats.ttest_1samp(products, 0.0, axis=0).pvalue, dtype=np.float64)
    pvalues = simes(np.where(products.std(axis=0) > 0, each, np.nan))

    sizes = log_size(x)
    deviations = (sizes - sizes.mean(axis=1, keepdims=True)).reshape(replicas, -1)
    gram = deviations @ deviations.T / deviations.shape[1]
    estimate, se = off_diagonal(gram)
    effect = Effect(
        "spread of log scale",
        estimate,
        se,
        replicas - 1,
        (0.0, bands.identical),
        root,
        square,
        EdgeLaw.of_units(gram),
    )
    path = sizes.mean(axis=0)
    noise = (
        np.var(sizes - sizes.mean(axis=1, keepdims=True), axis=0, ddof=1).mean(axis=0) / replicas
    )
    effects = np.sqrt(np.maximum(path.var(axis=0) - noise, 0.0))
    return Outcome(pvalues, effects, (effect,), {"fall": _fall(path.mean(axis=1))})


def run(x: Array, bands: Bands) -> Outcome:
    """One run, ``x`` of shape (step, coordinate).

    Low against neighbouring cosine frequencies of log abs(g): an F test whose noise is the long-run
    variance, so that neither heavy tails nor volatility clustering counts as drift.
    """
    steps = len(x)
    keep, count = signal_frequencies(steps), noise_frequencies(steps)
    sizes = log_size(x)
    a = cosines(sizes)
    signal, noise = a[1 : keep + 1], a[keep + 1 : keep + 1 + count]
    level = np.mean(noise**2, axis=0)
    excess = np.mean(signal**2, axis=0)
    ratio = np.divide(excess, level, out=np.ones_like(excess), where=level > 0)
    pvalues = np.asarray(stats.f.sf(ratio, keep, count), dtype=np.float64)
    estimate, se = against_noise(signal, noise)
    effect = Effect(
        "spread of log scale",
        estimate / steps,
        se / steps,
        count,
        (0.0, bands.identical),
        root,
        square,
        EdgeLaw.of_noise(noise / np.sqrt(steps), keep),
    )
    effects = np.sqrt(np.maximum(keep * (excess - level), 0.0) / steps)
    common = np.mean(sizes - sizes.mean(axis=0), axis=1)
    jumps = change_points(common)
    details = {"fall": _fall(common), "change_points": float(len(jumps))}
    return Outcome(pvalues, effects, (effect,), details)


def _fall(path: Array) -> float:
    """Factor by which the geometric-mean scale of a layer falls from first to last eighth of the steps."""
    part = max(len(path) // 8, 1)
    return float(np.exp(path[:part].mean() - path[-part:].mean()))
