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

from varlab.audit.assumptions.edge import EdgeLaw
from varlab.audit.assumptions.multiplicity import simes
from varlab.audit.assumptions.null import NEAR, autocorrelations, last_lag, run_null, run_scores
from varlab.audit.assumptions.outcome import Outcome
from varlab.audit.assumptions.quadratic import against_noise, off_diagonal
from varlab.audit.assumptions.ranks import moment_form, rank_scores, shape
from varlab.audit.assumptions.scale_path import standardise
from varlab.audit.verdicts import LEAST_LIVE, Bands, Effect, named, root, square

Array = NDArray[np.float64]

MOST_ALONE = 0.15  # largest sum of fourth powers of a step's rank scores
MOST_STEPS = 64  # evenly spaced steps between which all pairs are correlated


def ensemble(x: Array, bands: Bands) -> Outcome:
    """Replicas at each step, ``x`` of shape (replica, step, coordinate), at least two steps.

    A coordinate's p-value is Simes over four questions: gradients and squares, neighbouring steps
    and all pairs of (up to 64) steps.
    """
    levels, sizes = _varied(rank_scores(x)), _varied(rank_scores(np.abs(x)))
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
    effects = np.fmax(parts[0][1], parts[1][1])
    return Outcome(pvalues, effects, tuple(effect for _, _, effect in parts))


def _varied(u: Array) -> Array:
    """Rank scores, with 0 at steps where all variation lies in six replicas or fewer.

    m replicas that differ from a common value have sum u^4 near 1/m; with fewer than seven, three
    moments do not give the tails that many coordinates need. What is left keeps the law that
    its ties give it, since permutations do not change which steps are left.
    """
    return np.where(shape(u)[..., 1] < MOST_ALONE, u, 0.0)


def _adjacent(u: Array, name: str, band: float) -> tuple[Array, Array, Effect]:
    """Neighbouring steps; ``u`` holds rank scores.

    Under independence the correlations along a chain of steps are independent of each other.
    """
    replicas, steps, coordinates = u.shape
    shapes = shape(u)
    varied = shapes[..., 0] > 0
    products = u[:, :-1] * u[:, 1:]
    sums = np.sum(products.sum(axis=0) ** 2, axis=0)
    flat = products.reshape(replicas, -1)
    fourth, sixth = (
        np.sum((shapes[:-1] @ moment_form(order, replicas)) * shapes[1:], axis=(0, 2))
        for order in (4, 6)
    )
    live = np.sum(varied[:-1] & varied[1:], axis=0).astype(np.float64)
    pvalues = _sum_pvalues(sums, live, np.zeros(coordinates), fourth, sixth, replicas)
    return pvalues, *_mean_squares(name, sums, live, fourth, steps - 1, flat @ flat.T, band)


def _all_pairs(u: Array, name: str, band: float) -> tuple[Array, Array, Effect]:
    """All pairs of up to 64 steps: the statistic of Schott (2005) on ranks."""
    replicas, steps, _ = u.shape
    chosen = np.unique(np.linspace(0, steps - 1, min(steps, MOST_STEPS)).round().astype(int))
    v = np.moveaxis(u[:, chosen], 2, 0)  # (coordinate, replica, step)
    # sum_{s<t} p_r(s,t) p_q(s,t) with p_r(s,t) = u_rs u_rt, without forming the pairs.
    within = v @ np.swapaxes(v, 1, 2)
    squares = v**2
    grams = (within**2 - squares @ np.swapaxes(squares, 1, 2)) / 2
    sums = grams.sum(axis=(1, 2))
    shapes = shape(u[:, chosen])
    total = shapes.sum(axis=0)
    fourth, sixth = (
        (np.sum((total @ form) * total, axis=-1) - np.sum((shapes @ form) * shapes, axis=(0, 2)))
        / 2
        for form in (moment_form(order, replicas) for order in (4, 6))
    )
    steps_live = np.sum(shapes[..., 0] > 0, axis=0)
    live = steps_live * (steps_live - 1) / 2
    triangles = live * (steps_live - 2) / 3
    pvalues = _sum_pvalues(sums, live, triangles, fourth, sixth, replicas)
    pairs = math.comb(len(chosen), 2)
    return pvalues, *_mean_squares(name, sums, live, fourth, pairs, grams.sum(axis=0), band)


def _sum_pvalues(
    sums: Array, pairs: Array, triangles: Array, fourth: Array, sixth: Array, replicas: int
) -> Array:
    """p-values of sums of r^2 over ``pairs`` of steps, by a Pearson III law with three moments.

    ``fourth`` and ``sixth`` are sums over the pairs of E[r^4] and E[r^6] under permutation, so that
    ties count for what they are. Correlations over pairs are pairwise independent, and over a chain of
    steps wholly so; three around a triangle are not: for their squares a, b, c, with ranked series
    nearly random directions in d = replicas - 1 dimensions,
    E[(a - 1/d)(b - 1/d)(c - 1/d)] = 4 (d - 1)/(d^3 (d + 2)^2). No pairs, no p-value: NaN.
    """
    d = replicas - 1
    variance = fourth - pairs / d**2
    alone = sixth - 3 * fourth / d + 2 * pairs / d**3
    triangle = 4 * (d - 1) / (d**3 * (d + 2) ** 2)
    known = pairs > 0
    spread = np.sqrt(np.where(known, variance, 1.0))
    skewness = np.where(known, (alone + 6 * triangles * triangle) / spread**3, 0.0)
    p = np.asarray(stats.pearson3.sf(sums, skewness, pairs / d, spread), dtype=np.float64)
    return np.where(known, p, np.nan)


def _mean_squares(
    name: str, sums: Array, live: Array, fourth: Array, pairs: int, gram: Array, band: float
) -> tuple[Array, Effect]:
    """Coordinates' root-mean-square correlations, and the layer's effect.

    Parameters
    ----------
    sums, live : ndarray, shape (coordinate,)
        Sum of r^2, and over how many pairs of steps at both of which the replicas differ.
    fourth : ndarray, shape (coordinate,)
        Sum over them of E[r^4] under independence.
    pairs : int
        How many there would be if they differed at every step.
    gram : ndarray, shape (replica, replica)
        Products of replicas' terms in r, summed over pairs and coordinates.
    """
    replicas, total = len(gram), float(live.sum())
    mean = 1 / (replicas - 1)
    each = np.divide(sums, live, out=np.full(sums.shape, np.nan), where=live > 0)
    gram = gram * (replicas**2 / max(total, 1.0))
    share = total / (pairs * len(live))
    # Replicas that coincide hardly ever show too little of their spread.
    floor = math.sqrt(max(float(fourth.sum()) - total * mean**2, 0.0)) / max(total, 1.0)
    effect = Effect(
        named(name, share),
        float(sums.sum()) / total - mean if total else math.nan,
        max((replicas - 1) / replicas * off_diagonal(gram)[1], floor),
        replicas - 1,
        (0.0, band),
        root,
        square,
        EdgeLaw.of_units(gram),
        share >= LEAST_LIVE,
    )
    return np.sqrt(np.maximum(each - mean, 0.0)), effect


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
    z = standardise(x).residual
    last = last_lag(len(z))
    reference = run_null(len(z))
    sign, size = run_scores(z)
    families = (
        ("", autocorrelations(sign, last), reference.signs),
        (" of squares", autocorrelations(size, last), reference.sizes),
    )
    pvalues, firsts, effects = [], [], []
    for suffix, r, law in families:
        centred = r - law.mean[:, None]
        pvalues.append(law.pvalues(r))
        firsts.append(np.abs(centred[0]))
        report, estimated = (root, square) if suffix else (gaussian_of_sign, sign_of_gaussian)
        for name, rows, band in (
            ("correlation at lag 1", slice(0, 1), bands.adjacent),
            (f"correlation at lags 2 to {NEAR}", slice(1, NEAR), bands.long_range),
        ):
            lags = rows.stop - rows.start
            noise, variance = centred[NEAR:], float(np.mean(law.sd[rows] ** 2))
            estimate, se = against_noise(centred[rows], noise, variance)
            effects.append(
                Effect(
                    name.replace("correlation", f"correlation{suffix}"),
                    estimate / lags,
                    se / lags,
                    last - NEAR,
                    (0.0, band),
                    report,
                    estimated,
                    EdgeLaw.of_noise(noise / math.sqrt(lags), lags, variance / lags),
                )
            )
    combined = simes(np.stack(pvalues))
    return Outcome(combined, np.max(np.stack(firsts), axis=0), tuple(effects))
