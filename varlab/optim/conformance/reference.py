"""What r_t should be: the oracle's 50 digits on the exact binary value of beta2."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from varlab.numerics.oracle import radam_factor, rho_inf, sma_degrees
from varlab.optim.conformance.scenario import FloatArray


@dataclass(frozen=True)
class Reference:
    """rho_t and r_t for t = first..last, correctly rounded to float64.

    Attributes
    ----------
    beta2 : float
    rho_inf : float
        2 / (1 - beta2) - 1.
    first : int
        The t of the first entry.
    rho, r : ndarray, shape (last - first + 1,)
        NaN for t < 1; r also where rho_t <= 4.
    """

    beta2: float
    rho_inf: float
    first: int
    rho: FloatArray
    r: FloatArray

    def window(self, shift: int, steps: int) -> tuple[FloatArray, FloatArray]:
        """(rho, r) at t + ``shift`` for t = 1..steps."""
        start = 1 + shift - self.first
        return self.rho[start : start + steps], self.r[start : start + steps]

    def first_step_above(self, threshold: float) -> int | None:
        """The first t with rho_t > threshold; None if there is none among the entries."""
        above = np.flatnonzero(self.rho > threshold)
        return int(above[0]) + self.first if above.size else None


@functools.lru_cache(maxsize=64)
def reference(beta2: float, steps: int, margin: int = 0) -> Reference:
    """The reference for t = 1 - margin .. steps + margin."""
    before = [np.nan] * margin
    times = range(1, steps + margin + 1)
    rho = [float(sma_degrees(t, beta2)) for t in times]
    r = [float(radam_factor(t, beta2)) for t in times]
    return Reference(
        beta2, float(rho_inf(beta2)), 1 - margin, np.array(before + rho), np.array(before + r)
    )
