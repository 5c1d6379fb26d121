"""The shape of a recording, as ``calibrate`` takes it: sizes, and the correlation between coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlab.audit.assess_recording import layer_status
from varlab.audit.assumptions.scale_path import standardise
from varlab.audit.protocol import Protocol
from varlab.audit.recorder.recording import Recording
from varlab.audit.recorder.statuses import OK
from varlab.core import InputError

Array = NDArray[np.float64]

# Coordinates that are copies of each other have correlation 1, which ``calibrate`` cannot take.
HIGHEST = 0.999


@dataclass(frozen=True)
class RecordingShape:
    """What ``calibrate`` needs to know of a recording; its fields are arguments of that function.

    Attributes
    ----------
    protocol : str
    replicas, steps : int
    coordinates : int
        The median over tested layers of the coordinates that vary.
    layers : int
        Tested ones.
    correlation : float
        The median over tested layers of :func:`rms_correlation`, to three digits after the point.
    """

    protocol: str
    replicas: int
    steps: int
    coordinates: int
    layers: int
    correlation: float


def recording_shape(recording: Recording) -> RecordingShape:
    """Measure the shape of a recording.

    Raises
    ------
    InputError
        When none of its layers can be tested.
    """
    chosen = recording.protocol
    sizes, correlations = [], []
    for name in recording.layers:
        if layer_status(recording, name, chosen) != OK:
            continue
        x = recording.layer(name)
        x = x[:, :, np.ptp(x, axis=(0, 1)) > 0]
        sizes.append(x.shape[2])
        if x.shape[2] > 1:
            correlations.append(rms_correlation(x, chosen))
    if not sizes:
        raise InputError(
            f"no layer of this recording can be tested, so there is nothing to calibrate; {chosen.value} "
            f"needs at least {chosen.fewest} {'replicas' if chosen is Protocol.ENSEMBLE else 'steps'}"
        )
    typical = float(np.median(correlations)) if correlations else 0.0
    return RecordingShape(
        protocol=chosen.value,
        replicas=recording.dataset.sizes["replica"],
        steps=len(recording.steps),
        coordinates=round(float(np.median(sizes))),
        layers=len(sizes),
        correlation=min(round(typical, 3), HIGHEST),
    )


def rms_correlation(x: Array, protocol: Protocol) -> float:
    """Root-mean-square correlation between the coordinates of a layer.

    Equally correlated coordinates with this correlation count for as many independent ones as those
    of the layer, C / (1 + (C - 1) r^2): what the error of a mean over coordinates depends on. Its
    square is corrected for the 1/(n - 1) that n independent samples give to uncorrelated ones (the
    adjusted r^2, right also at 1; in between it is low by a few hundredths for some 24 samples).

    Parameters
    ----------
    x : ndarray, shape (replica, step, coordinate)
        Two coordinates or more.
    protocol : Protocol
        ``ensemble``: across replicas, step by step. ``frozen``: across draws. ``run``: along the
        steps, after dividing by each coordinate's scale path; serial dependence adds to it, some
        0.15 for an AR(1) of 0.9 over 400 steps.

    Returns
    -------
    float
        In [0, 1]; 0 where no two coordinates vary at any step.
    """
    if protocol is Protocol.ENSEMBLE:
        samples = [x[:, i] for i in range(x.shape[1])]
    elif protocol is Protocol.RUN:
        samples = [standardise(x[0]).residual]
    else:
        samples = [x[0]]
    squares = [s for s in map(_mean_square, samples) if np.isfinite(s)]
    return float(np.sqrt(np.clip(np.mean(squares), 0.0, 1.0))) if squares else 0.0


def _mean_square(sample: Array) -> float:
    """Mean of r^2 over pairs of columns less what chance adds; NaN where fewer than two columns vary."""
    count = len(sample)
    centred = sample - sample.mean(axis=0)
    norms = np.sqrt(np.sum(centred**2, axis=0))
    live = norms > 0
    columns = int(live.sum())
    if columns < 2:
        return float("nan")
    unit = centred[:, live] / norms[live]
    # Both Gram matrices have the same sum of squares; the diagonal of correlations is C ones.
    gram = unit @ unit.T if count < columns else unit.T @ unit
    raw = (float(np.sum(gram**2)) - columns) / (columns * (columns - 1))
    return raw - (1.0 - raw) / (count - 2)
