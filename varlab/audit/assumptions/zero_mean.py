"""Zero mean: is abs(mu)/s below the band?

Effect. mu^2/E[g^2], estimated by products of different units over the mean square: unbiased at
mu = 0 for every symmetric law. Reported as abs(mu)/s.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varlab.audit.assumptions.edge import EdgeLaw
from varlab.audit.assumptions.multiplicity import simes
from varlab.audit.assumptions.outcome import Outcome
from varlab.audit.assumptions.quadratic import against_noise, off_diagonal
from varlab.audit.assumptions.scale_path import cosines, noise_frequencies, rms, standardise
from varlab.audit.verdicts import LEAST_LIVE, Bands, Effect, named, root, square

Array = NDArray[np.float64]

# Beyond this many draws neighbours are averaged before the Gram matrix is formed (8 MB at 1024).
MOST_UNITS = 1024


def ratio_of_share(share: float) -> float:
    """abs(mu)/s from q = mu^2/E[g^2]; infinite at 1."""
    q = max(share, 0.0)
    return math.sqrt(q / (1 - q)) if q < 1 else math.inf


def share_of_ratio(ratio: float) -> float:
    """Inverse of :func:`ratio_of_share`."""
    return ratio**2 / (1 + ratio**2)


def _share(z: Array, bands: Bands) -> Effect:
    """Effect from units of unit mean square, ``z`` of shape (unit, cell).

    Cells that are 0 in every unit say nothing of a mean, and are left out.
    """
    live = int(np.sum(np.any(z != 0, axis=0)))
    gram = z @ z.T / max(live, 1)
    share, se = off_diagonal(gram)
    return Effect(
        named("standardised mean", live / z.shape[1]),
        share,
        se,
        len(gram) - 1,
        (0.0, bands.zero_mean),
        ratio_of_share,
        share_of_ratio,
        EdgeLaw.of_units(gram),
        live >= LEAST_LIVE * z.shape[1],
    )


def _ttest(x: Array) -> Array:
    """Student's t-test of mean 0 along axis 0; no variance is no evidence: NaN."""
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.asarray(stats.ttest_1samp(x, 0.0, axis=0).pvalue, dtype=np.float64)
    return np.where(x.std(axis=0) > 0, p, np.nan)


def _standardised_mean(x: Array) -> Array:
    spread = x.std(axis=0, ddof=1)
    unknown = np.full(spread.shape, np.nan)
    return np.asarray(np.divide(x.mean(axis=0), spread, out=unknown, where=spread > 0))


def _sign_test(x: Array) -> float:
    """Layer p-value of the sign test on ``x`` (unit, ...): Simes over the rest."""
    positive, nonzero = np.sum(x > 0, axis=0), np.sum(x != 0, axis=0)
    half = np.minimum(positive, nonzero - positive)
    p = np.minimum(2 * stats.binom.cdf(half, nonzero, 0.5), 1.0)
    return float(simes(p.ravel()))


def frozen(x: Array, bands: Bands) -> Outcome:
    """Draws at fixed parameters, ``x`` of shape (draw, coordinate)."""
    z = x / rms(x, axis=0)
    if len(z) > MOST_UNITS:
        z = np.array([part.mean(axis=0) for part in np.array_split(z, MOST_UNITS)])
    effect = _share(z, bands)
    return Outcome(_ttest(x), _standardised_mean(x), (effect,), {"sign_test": _sign_test(x)})


def ensemble(x: Array, bands: Bands) -> Outcome:
    """Replicas at each step, ``x`` of shape (replica, step, coordinate).

    A coordinate's p-value is Simes over two questions: does any step have a mean (t-test across
    replicas at each step, Simes over steps), and do all of them together (t-test across replicas of
    each replica's standardised average)? Both treat replicas as the units, so dependence between
    steps does not matter.
    """
    z = x / rms(x, axis=0)
    effect = _share(z.reshape(len(z), -1), bands)
    pvalues = simes(np.stack([simes(_ttest(x)), _ttest(z.mean(axis=1))]))
    squares = _standardised_mean(x) ** 2
    known = np.isfinite(squares)
    sums, counts = np.where(known, squares, 0.0).sum(axis=0), known.sum(axis=0)
    effects = np.sqrt(np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0))
    return Outcome(pvalues, effects, (effect,), {"sign_test": _sign_test(x)})


def run(x: Array, bands: Bands) -> Outcome:
    """One run, ``x`` of shape (step, coordinate).

    Serial correlation would fool a t-test; here the variance of the mean comes from the lowest
    cosine frequencies (equal-weighted cosine estimator, Student t; Lazarus et al. 2018), which see
    the long-run variance.
    """
    z = standardise(x).z
    steps, count = len(z), noise_frequencies(len(z))
    a = cosines(z)
    noise = a[1 : count + 1]
    t = a[0] / np.sqrt(np.mean(noise**2, axis=0))
    pvalues = np.asarray(2 * stats.t.sf(np.abs(t), count), dtype=np.float64)
    estimate, se = against_noise(a[:1], noise)
    effect = Effect(
        "standardised mean",
        estimate / steps,
        se / steps,
        count,
        (0.0, bands.zero_mean),
        root,
        square,
        EdgeLaw.of_noise(noise / np.sqrt(steps), 1),
    )
    return Outcome(pvalues, z.mean(axis=0), (effect,))
