"""Normality: do L-skewness and L-kurtosis lie within the bands around the normal's 0 and 0.1226?

L-moments exist whenever the mean does and their ratios are nearly unbiased, while moment kurtosis is
bounded by the sample size; they are location-free, so that a mean alone is no violation. Steps and
coordinates are never pooled: each has its own ratios, whose squared distances from the normal's are
averaged, so that heavy tails of one coordinate do not cancel the light ones of another. P-values are
of Shapiro-Wilk (D'Agostino-Pearson beyond 5000 draws), which see skewness as well.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varlab.audit.assumptions.edge import EdgeLaw
from varlab.audit.assumptions.l_moments import group_means, l_ratio_units
from varlab.audit.assumptions.multiplicity import simes
from varlab.audit.assumptions.null import (
    BLOCKS,
    RatioNull,
    autocorrelations,
    fourth_power_inflation,
    last_lag,
    ratio_null,
    run_null,
)
from varlab.audit.assumptions.outcome import Outcome
from varlab.audit.assumptions.quadratic import off_diagonal
from varlab.audit.assumptions.scale_path import standardise
from varlab.audit.verdicts import LEAST_LIVE, Bands, Effect, named, root, square

Array = NDArray[np.float64]

MOST_STEPS = 16  # evenly spaced steps of an ensemble whose marginal laws are tested
MOST_UNITS = 256  # beyond it neighbouring units are averaged before products are formed
SHAPIRO_LIMIT = 5000  # beyond it SciPy's p-value is not accurate
KURTOSIS_LEVEL = 0.05  # of the interval shown with the moment kurtosis, which decides nothing


def _pvalues(x: Array) -> Array:
    """Per column of ``x`` (unit, column); NaN where there is no spread."""
    p = np.full(x.shape[1], np.nan)
    varied = np.ptp(x, axis=0) > 0
    if varied.any():
        z = x[:, varied] / np.max(np.abs(x[:, varied]), axis=0)
        test = stats.shapiro if len(x) <= SHAPIRO_LIMIT else stats.normaltest
        p[varied] = test(z, axis=0).pvalue
    return p


def _excess_kurtosis(x: Array, groups: int) -> dict[str, float]:
    """Mean excess kurtosis over columns, with its interval: the infinitesimal jackknife's."""
    deviations = x - x.mean(axis=0)
    second, third, fourth = (np.mean(deviations**k, axis=0) for k in (2, 3, 4))
    kurtosis = fourth / second**2
    # Influence of one value on m4/m2^2, m2 and m4 about the estimated mean.
    influence = (deviations**4 - fourth - 4 * third * deviations) / second**2
    influence -= 2 * kurtosis * (deviations**2 / second - 1)
    units = group_means(influence, groups).mean(axis=1)
    reach = float(stats.t.isf(KURTOSIS_LEVEL / 2, len(units) - 1) * stats.sem(units))
    mean, count = float(kurtosis.mean()) - 3, len(x)
    # Fisher's G2, whose mean is 0 for normal samples of any size; m4/m2^2 - 3 has -6/(n + 1).
    low, middle, high = (
        (count - 1) / ((count - 2) * (count - 3)) * ((count + 1) * value + 6)
        for value in (mean - reach, mean, mean + reach)
    )
    return {
        "excess_kurtosis": middle,
        "excess_kurtosis_low": low,
        "excess_kurtosis_high": high,
    }


def _outcome(
    pvalues: Array, coordinates: int, x: Array, groups: int, null: RatioNull, bands: Bands
) -> Outcome:
    """Layer effects of ``x`` (unit, step x coordinate); columns without spread say nothing."""
    skewness, kurtosis = l_ratio_units(x, groups)
    kurtosis = kurtosis - null.kurtosis
    known = np.isfinite(kurtosis[0])
    each = kurtosis.mean(axis=0).reshape(-1, coordinates)
    counts = np.isfinite(each).sum(axis=0)
    means = np.divide(
        np.nansum(each, axis=0), counts, out=np.full(coordinates, np.nan), where=counts > 0
    )
    if not known.any():
        nothing = Effect("L-kurtosis", np.nan, np.nan, groups - 1, (0.0, bands.normality))
        return Outcome(pvalues, means, (nothing,))
    effects, live = [], float(known.mean())
    for name, units, bias, band in (
        ("L-kurtosis", kurtosis, null.kurtosis_square, bands.normality),
        ("L-skewness", skewness, null.skewness_square, bands.skewness),
    ):
        rows = units[:, known]
        gram = rows @ rows.T / rows.shape[1]
        estimate, se = off_diagonal(gram)
        effects.append(
            Effect(
                named(name, live),
                estimate - bias,
                se,
                groups - 1,
                (0.0, band),
                root,
                square,
                EdgeLaw.of_units(gram),
                live >= LEAST_LIVE,
            )
        )
    details = {
        "l_kurtosis": float(kurtosis[:, known].mean()),
        "l_skewness": float(skewness[:, known].mean()),
        **_excess_kurtosis(x[:, known], groups),
    }
    return Outcome(pvalues, means, tuple(effects), details)


def frozen(x: Array, bands: Bands) -> Outcome:
    """Draws at fixed parameters, ``x`` of shape (draw, coordinate)."""
    groups = min(len(x), MOST_UNITS)
    return _outcome(_pvalues(x), x.shape[1], x, groups, ratio_null(len(x), groups), bands)


def ensemble(x: Array, bands: Bands) -> Outcome:
    """Replicas at up to 16 evenly spaced steps, ``x`` of shape (replica, step, coordinate).

    A coordinate's p-value is Simes over steps: replicas are i.i.d. within a step, whatever the
    dependence between steps.
    """
    replicas, steps, coordinates = x.shape
    chosen = np.unique(np.linspace(0, steps - 1, min(steps, MOST_STEPS)).round().astype(int))
    flat = x[:, chosen, :].reshape(replicas, -1)
    pvalues = simes(_pvalues(flat).reshape(len(chosen), coordinates))
    groups = min(replicas, MOST_UNITS)
    return _outcome(pvalues, coordinates, flat, groups, ratio_null(replicas, groups), bands)


def run(x: Array, bands: Bands) -> Outcome:
    """One run, ``x`` of shape (step, coordinate).

    Divided by its scale path first: undivided, a Gaussian whose scale falls by e is rejected almost
    always. Dividing by an estimated path lightens tails a little, so p-values (of L-kurtosis) and the
    reference come from simulating the same division on normal series, spread out by what the
    autocorrelations make of their variance. Units are blocks of consecutive steps, which respects
    serial dependence.
    """
    z = standardise(x).residual
    reference = run_null(len(z))
    found = _outcome(np.empty(0), x.shape[1], z, BLOCKS, reference.ratios, bands)
    values = found.coordinate_effects + reference.ratios.kurtosis
    inflation = fourth_power_inflation(autocorrelations(z, last_lag(len(z))))
    return replace(found, pvalues=reference.l_kurtosis_pvalues(values, inflation))
