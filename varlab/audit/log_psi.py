"""Var[log psi_t] against the theory's trigamma(n_t/2)/4: finite for every t, free of scale.

psi_t = 1/sqrt(vhat_t). Var[psi_t] itself is infinite for few degrees of freedom, so it is not what
an audit measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varlab.audit.crossing import Crossing
from varlab.audit.quadratic import jackknife
from varlab.numerics import log_psi_variance

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LogPsi:
    """Along the recorded steps.

    Attributes
    ----------
    steps : ndarray of int, shape (step,)
    measured, low, high : ndarray, shape (step,)
        Mean over coordinates of the variance across replicas, with its interval; NaN where the
        protocol cannot measure it.
    theory : ndarray, shape (step,)
    """

    steps: NDArray[np.int64]
    measured: Array
    low: Array
    high: Array
    theory: Array

    @property
    def ratio(self) -> float:
        """Measured over theoretical variance at the last step."""
        return float(self.measured[-1] / self.theory[-1])


def vhat_path(x: Array, steps: NDArray[np.int64], beta2: float) -> tuple[Array, Array]:
    """Bias-corrected second moment along recorded steps, and its Kish degrees of freedom.

    Weights are proportional to beta2^(t - i) over the recorded steps i <= t and sum to 1; with all
    steps recorded these are Adam's own, and n_t is ``degrees_of_freedom(t, beta2, kind="kish")``.

    Parameters
    ----------
    x : ndarray, shape (replica, step, coordinate)
    steps : ndarray of int, shape (step,)
    beta2 : float

    Returns
    -------
    vhat : ndarray, shape (replica, step, coordinate)
    kish : ndarray, shape (step,)
    """
    vhat, kish = np.empty_like(x), np.empty(len(steps))
    v, norm, squares = np.zeros_like(x[:, 0]), 0.0, 0.0
    gaps = np.diff(steps, prepend=steps[0])
    for i, gap in enumerate(gaps):
        decay = beta2 ** int(gap) if i else 0.0
        v = decay * v + x[:, i] ** 2
        norm, squares = decay * norm + 1.0, decay**2 * squares + 1.0
        vhat[:, i], kish[i] = v / norm, norm**2 / squares
    return vhat, kish


def ensemble(
    x: Array,
    steps: NDArray[np.int64],
    beta2: float,
    level: float,
    crossing: Crossing | None = None,
) -> LogPsi:
    """Across replicas, ``x`` of shape (replica, step, coordinate).

    Intervals by the jackknife over replicas (with shared labels: over these) on the logarithm of the
    mean variance.
    """
    scale = np.sqrt(np.mean(x**2, axis=(0, 1)))
    vhat, kish = vhat_path(x / np.where(scale > 0, scale, 1.0), steps, beta2)
    theory = np.asarray(log_psi_variance(kish), dtype=np.float64)
    shape = len(steps)
    measured, low, high = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    for i in range(shape):
        known = np.all(vhat[:, i] > 0, axis=0)
        if known.any() and len(x) > 2:
            log_psi = -0.5 * np.log(vhat[:, i, known])
            if crossing is None:
                measured[i], low[i], high[i] = variance_interval(log_psi, level)
            else:
                measured[i] = _crossed_variance(log_psi, crossing)
                low[i], high[i] = crossing.interval(log_psi, _crossed_variance, level)
    return LogPsi(steps, measured, low, high, theory)


def _crossed_variance(values: Array, crossing: Crossing) -> float:
    """Mean over columns of the variance between independent rows."""
    return float(np.mean(crossing.variance(values)))


def frozen(x: Array, beta2: float, level: float) -> LogPsi:
    """Draws at fixed parameters, ``x`` of shape (draw, coordinate), cut into independent streams."""
    streams = stream_length(len(x))
    count = len(x) // streams
    cut = x[: count * streams].reshape(count, streams, -1)
    return ensemble(cut, np.arange(1, streams + 1), beta2, level)


def unmeasured(steps: NDArray[np.int64], beta2: float) -> LogPsi:
    """One run: theory only."""
    kish = vhat_path(np.ones((1, len(steps), 1)), steps, beta2)[1]
    nothing = np.full(len(steps), np.nan)
    return LogPsi(steps, nothing, nothing, nothing, np.asarray(log_psi_variance(kish)))


def stream_length(draws: int) -> int:
    """Steps per stream into which frozen draws are cut: about 32 streams for the variance."""
    return max(draws // 32, 1)


def variance_interval(values: Array, level: float) -> tuple[float, float, float]:
    """Mean over columns of the variance over rows, and its interval (jackknife over rows).

    Parameters
    ----------
    values : ndarray, shape (replica, coordinate)
    """
    replicas = len(values)
    squares = (values - values.mean(axis=0)) ** 2
    total = squares.sum(axis=0)
    estimate = float(np.mean(total)) / (replicas - 1)
    # Leaving out row r takes R/(R-1) times its squared deviation from the sum of squares.
    left = np.mean(total - squares * replicas / (replicas - 1), axis=1) / (replicas - 2)
    if estimate <= 0 or np.any(left <= 0):
        return estimate, np.nan, np.nan
    se, df = jackknife(estimate, np.log(left))
    reach = np.exp(float(stats.t.isf(level / 2, df)) * se)
    return estimate, estimate / float(reach), estimate * float(reach)
