"""The average vhat over the steps that were recorded, some of which an audit may leave out.

Step i <= t gets a weight proportional to beta2^(t - i), and the weights of the recorded steps sum
to 1; with all steps recorded these are Adam's own, :func:`varlab.numerics.ema_weights`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from varlab.numerics import ema_weights

Array = NDArray[np.float64]


def step_weights(steps: NDArray[np.int64], beta2: float) -> Array:
    """Weights of the recorded steps at the last one, shape (step,)."""
    weights = ema_weights(int(steps[-1]), beta2)[steps - 1]
    return np.asarray(weights / weights.sum())


def vhat_path(x: Array, steps: NDArray[np.int64], beta2: float) -> Array:
    """Bias-corrected second moment along the recorded steps.

    Parameters
    ----------
    x : ndarray, shape (replica, step, coordinate)
    steps : ndarray of int, shape (step,)
    beta2 : float

    Returns
    -------
    ndarray, shape (replica, step, coordinate)
    """
    vhat = np.empty_like(x)
    v, norm = np.zeros_like(x[:, 0]), 0.0
    for i, decay in enumerate(_decays(steps, beta2)):
        v = decay * v + x[:, i] ** 2
        norm = decay * norm + 1.0
        vhat[:, i] = v / norm
    return vhat


def kish_path(steps: NDArray[np.int64], beta2: float) -> Array:
    """Kish's degrees of freedom n_t of these averages, 1 over the sum of squared weights.

    Shape (step,); with all steps recorded ``degrees_of_freedom(t, beta2, kind="kish")``.
    """
    kish = np.empty(len(steps))
    norm = squares = 0.0
    for i, decay in enumerate(_decays(steps, beta2)):
        norm, squares = decay * norm + 1.0, decay**2 * squares + 1.0
        kish[i] = norm**2 / squares
    return kish


def _decays(steps: NDArray[np.int64], beta2: float) -> Array:
    """What the average before each recorded step still counts for: 0 before the first."""
    return np.concatenate([[0.0], float(beta2) ** np.diff(steps)])


def stream_length(draws: int) -> int:
    """Steps per stream into which frozen draws are cut: about 32 streams for the variance."""
    return max(draws // 32, 1)
