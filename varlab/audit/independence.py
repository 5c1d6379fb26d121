"""Independence: correlations between steps, of the gradients and of their squares.

The squares are what v_t adds up. Everything rests on ranks or signs, whose laws under independence do not
depend on the gradient's law, so neither heavy tails nor a drifting scale passes for dependence.
Effects are root-mean-square correlations over coordinates and pairs of steps: signs do not cancel.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varlab.audit.multiplicity import simes
from varlab.audit.null import autocorrelations, lag_limits, run_null, run_scores
from varlab.audit.outcome import Outcome
from varlab.audit.quadratic import against_noise, off_diagonal
from varlab.audit.ranks import correlation_pvalues, rank_scores
from varlab.audit.scale_path import standardise
from varlab.audit.verdicts import Bands, Effect, root, square

Array = NDArray[np.float64]

MOST_STEPS = 64  # evenly spaced steps between which all pairs are correlated


def ensemble(x: Array, bands: Bands) -> Outcome:
    """Replicas at each step, ``x`` of shape (replica, step, coordinate), at least two steps.

    A coordinate's p-value is Simes over four questions: gradients and squares, neighbouring steps
    and all pairs of (up to 64) steps.
    """
    levels, sizes = rank_scores(x), rank_scores(np.abs(x))
    parts = [
        _adjacent(levels, "adjacent correlation", bands.adjacent),
        _adjacent(sizes, "adjacent correlation of squares", bands.adjacent),
    ]
    if x.shape[1] > 2:
        parts += [
            _all_pairs(levels, "correlation over all pairs", bands.long_range),
            _all_pairs(sizes, "correlation of squares over all pairs", bands.long_range),
        ]
    pvalues = simes(np.stack([p for p, _, _ in parts]))
    effects = np.max(np.stack([e for _, e, _ in parts[:2]]), axis=0)
    return Outcome(pvalues, effects, tuple(effect for _, _, effect in parts))


def _adjacent(u: Array, name: str, band: float) -> tuple[Array, Array, Effect]:
    """Neighbouring steps; ``u`` holds rank scores.

    Under independence the correlations of a chain of steps are independent of each other, so their
    squared normal deviates add up to chi-square exactly.
    """
    replicas = len(u)
    products = u[:, :-1] * u[:, 1:]
    r = products.sum(axis=0)
    pvalues = correlation_pvalues(r, replicas)
    total = np.sum(stats.chi2.isf(pvalues, 1), axis=0)
    combined = np.asarray(stats.chi2.sf(total, len(r)), dtype=np.float64)
    flat = products.reshape(replicas, -1)
    estimate = float(np.mean(r**2)) - 1 / (replicas - 1)
    se = _pairs_se(flat @ flat.T / flat.shape[1])
    effect = Effect(name, estimate, se, replicas - 1, (0.0, band), root, square)
    return combined, np.sqrt(np.maximum(np.mean(r**2, axis=0) - 1 / (replicas - 1), 0.0)), effect


def _all_pairs(u: Array, name: str, band: float) -> tuple[Array, Array, Effect]:
    """All pairs of up to 64 steps: the statistic of Schott (2005) on ranks.

    Correlations over pairs of independent series are pairwise uncorrelated, which gives the
    variance of their sum of squares; its law is matched by a gamma law.
    """
    replicas, steps, coordinates = u.shape
    chosen = np.unique(np.linspace(0, steps - 1, min(steps, MOST_STEPS)).round().astype(int))
    v = np.moveaxis(u[:, chosen], 2, 0)  # (coordinate, replica, step)
    pairs = len(chosen) * (len(chosen) - 1) // 2
    # sum_{s<t} p_r(s,t) p_q(s,t) with p_r(s,t) = u_rs u_rt, without forming the pairs.
    within = v @ np.swapaxes(v, 1, 2)
    squares = v**2
    grams = (within**2 - squares @ np.swapaxes(squares, 1, 2)) / 2
    sums = grams.sum(axis=(1, 2))
    mean = 1 / (replicas - 1)
    shape, scale = _gamma(pairs, replicas)
    pvalues = np.asarray(stats.gamma.sf(sums, shape, scale=scale), dtype=np.float64)
    estimate = float(sums.mean()) / pairs - mean
    se = _pairs_se(grams.mean(axis=0) / pairs)
    effect = Effect(name, estimate, se, replicas - 1, (0.0, band), root, square)
    return pvalues, np.sqrt(np.maximum(sums / pairs - mean, 0.0)), effect


def _gamma(pairs: int, replicas: int) -> tuple[float, float]:
    """Shape and scale of the gamma law with the mean and variance of a sum of ``pairs`` r^2."""
    mean = pairs / (replicas - 1)
    # r^2 is Beta(1/2, (n - 2)/2) for a normal pair; Spearman's is the same to order 1/n.
    variance = pairs * 2 * (replicas - 2) / ((replicas - 1) ** 2 * (replicas + 1))
    return mean**2 / variance, variance / mean


def _pairs_se(gram: Array) -> float:
    """Standard error of a mean r^2 whose terms are sums over replicas, from the replicas' Gram."""
    replicas = len(gram)
    return replicas * (replicas - 1) * off_diagonal(gram)[1]


def gaussian_of_sign(share: float) -> float:
    """Correlation of normals from the squared correlation of their signs (Sheppard 1899)."""
    return math.sin(math.pi / 2 * min(root(share), 1.0))


def sign_of_gaussian(correlation: float) -> float:
    """Inverse of :func:`gaussian_of_sign`."""
    return (2 / math.pi * math.asin(correlation)) ** 2


def run(x: Array, bands: Bands) -> Outcome:
    """One run, ``x`` of shape (step, coordinate).

    Ljung-Box sums over lags 1 to 5 of signs (serial dependence; blind to a changing scale) and of
    ranks of standardised sizes (volatility), with the moments of each autocorrelation simulated for
    the same pipeline; Simes over the two. Far lags serve as replicates of the noise in the
    intervals.
    """
    z = standardise(x).z
    near, last = lag_limits(len(z))
    reference = run_null(len(z))
    sign, size = run_scores(z)
    families = (
        ("", autocorrelations(sign, last), reference.sign_mean, reference.sign_sd),
        (" of squares", autocorrelations(size, last), reference.size_mean, reference.size_sd),
    )
    pvalues, firsts, effects = [], [], []
    for suffix, r, mean, sd in families:
        centred = r - mean[:, None]
        total = np.sum((centred[:near] / sd[:near, None]) ** 2, axis=0)
        pvalues.append(stats.chi2.sf(total, near))
        firsts.append(np.abs(centred[0]))
        maps = (root, square) if suffix else (gaussian_of_sign, sign_of_gaussian)
        for name, rows, band in (
            ("correlation at lag 1", slice(0, 1), bands.adjacent),
            (f"correlation at lags 2 to {near}", slice(1, near), bands.long_range),
        ):
            lags = rows.stop - rows.start
            estimate, se = against_noise(centred[rows], centred[near:], float(np.mean(sd[rows] ** 2)))
            effects.append(
                Effect(
                    name.replace("correlation", f"correlation{suffix}"),
                    estimate / lags,
                    se / lags,
                    last - near,
                    (0.0, band),
                    *maps,
                )
            )
    combined = simes(np.stack(pvalues))
    return Outcome(combined, np.max(np.stack(firsts), axis=0), tuple(effects))
