"""Var[log psi_t] against the theory's trigamma(n_t/2)/4: finite for every t, free of scale.

psi_t = 1/sqrt(vhat_t). Var[psi_t] itself is infinite for few degrees of freedom, so it is not what
an audit measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlab.audit.assumptions.crossing import Crossing
from varlab.audit.assumptions.quadratic import leave_one_out_variances, log_interval
from varlab.audit.assumptions.scale_path import rms
from varlab.audit.cost.second_moment import kish_path, stream_length, vhat_path
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
    vhat, theory = vhat_path(x / rms(x), steps, beta2), _theory(steps, beta2)
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
    nothing = np.full(len(steps), np.nan)
    return LogPsi(steps, nothing, nothing, nothing, _theory(steps, beta2))


def _theory(steps: NDArray[np.int64], beta2: float) -> Array:
    return np.asarray(log_psi_variance(kish_path(steps, beta2)), dtype=np.float64)


def variance_interval(values: Array, level: float) -> tuple[float, float, float]:
    """Mean over columns of the variance over rows, and its interval (jackknife over rows).

    Parameters
    ----------
    values : ndarray, shape (replica, coordinate)
    """
    each, left_out = leave_one_out_variances(values)
    estimate = float(np.mean(each))
    return estimate, *log_interval(estimate, np.mean(left_out, axis=1), level)
