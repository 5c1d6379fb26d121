"""Adam's moving averages of a known gradient sequence, in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varlab.numerics.weights import bias_correction
from varlab.optim.conformance.scenario import FloatArray


@dataclass(frozen=True)
class Averages:
    """Moving averages, each of shape (steps, coordinates).

    Attributes
    ----------
    m, v : ndarray
        Exponential moving averages of g and g^2, started at 0, uncorrected.
    correction1, correction2 : ndarray, shape (steps, 1)
        1 - beta1^t and 1 - beta2^t.
    cancellation : ndarray
        abs(m) over the moving average of abs(g): near 0 where positive and negative gradients
        cancel and m has lost its digits.
    """

    m: FloatArray
    v: FloatArray
    correction1: FloatArray
    correction2: FloatArray
    cancellation: FloatArray

    @property
    def mhat(self) -> FloatArray:
        """Bias-corrected first moment."""
        return self.m / self.correction1

    @property
    def vhat(self) -> FloatArray:
        """Bias-corrected second moment."""
        return self.v / self.correction2

    @property
    def adam(self) -> FloatArray:
        """Adam's step without its learning rate: a = mhat / sqrt(vhat)."""
        return np.asarray(self.mhat / np.sqrt(self.vhat))


def averages(gradients: FloatArray, beta1: float, beta2: float) -> Averages:
    """Run the averages over ``gradients``, shape (steps, coordinates)."""
    m = moving_average(gradients, beta1)
    size = moving_average(np.abs(gradients), beta1)
    return Averages(
        m=m,
        v=moving_average(gradients**2, beta2),
        correction1=corrections(len(gradients), beta1)[:, np.newaxis],
        correction2=corrections(len(gradients), beta2)[:, np.newaxis],
        cancellation=np.abs(m) / size,
    )


def moving_average(values: FloatArray, beta: float) -> FloatArray:
    """(1 - beta) sum_i beta^(t-i) x_i for t = 1..steps along the first axis."""
    result = np.empty_like(values)
    state = np.zeros_like(values[0])
    for t, value in enumerate(values):
        state = beta * state + (1.0 - beta) * value
        result[t] = state
    return result


def corrections(steps: int, beta: float) -> FloatArray:
    """1 - beta^t for t = 1..steps, shape (steps,)."""
    return bias_correction(np.arange(1.0, steps + 1.0), beta)
