"""How long one run remembers, and when that is too long for what its tests take for noise.

With a lag-1 correlation phi the spectrum is flat up to frequencies of about 1 - phi; the noise of the
lowest frequencies, which zero mean and identity need, is measured at frequencies up to pi J/steps. And
the scale path that a run is divided by follows a remembering series the closer, which lowers its
L-kurtosis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from varlab.audit.assumptions.null import autocorrelations
from varlab.audit.assumptions.outcome import Outcome
from varlab.audit.assumptions.scale_path import noise_frequencies, standardise
from varlab.audit.protocol import Assumption

Array = NDArray[np.float64]

FLAT = 1.75  # least (1 - phi)/(pi J/steps): AR(1) series keep a level of 7% there
FOURTH = (
    0.7  # largest phi for normality: at 200 steps L-kurtosis falls by half its standard deviation
)
FEW = 0.05  # share of coordinates that may remember longer before the layer is undecided
REASON = "memory too long for this run"


def limits(steps: int) -> dict[Assumption, float]:
    """Largest lag-1 correlation with which a run of ``steps`` steps decides an assumption."""
    flat = 1 - FLAT * math.pi * noise_frequencies(steps) / steps
    return {
        Assumption.ZERO_MEAN: flat,
        Assumption.IDENTICAL: flat,
        Assumption.NORMALITY: min(FOURTH, flat),
        Assumption.INDEPENDENCE: math.inf,  # to remember is what it is violated by
    }


def within_memory(outcomes: Mapping[Assumption, Outcome], x: Array) -> dict[Assumption, Outcome]:
    """The outcomes of one run, without what its memory makes undecidable.

    Coordinates that remember too long lose their p-value; where more than one in twenty do, the layer
    has no p-values and its effects no intervals.

    Parameters
    ----------
    outcomes : mapping
    x : ndarray, shape (step, coordinate)
    """
    correlation = autocorrelations(standardise(x).residual, 1)[0]
    limit = limits(len(x))
    return {a: _withheld(o, correlation > limit[a]) for a, o in outcomes.items()}


def _withheld(outcome: Outcome, long: NDArray[np.bool_]) -> Outcome:
    if long.mean() <= FEW:
        return replace(outcome, pvalues=np.where(long, np.nan, outcome.pvalues))
    return replace(
        outcome,
        pvalues=np.full(len(long), np.nan),
        effects=tuple(replace(effect, se=math.nan) for effect in outcome.effects),
        reason=REASON,
    )
