"""What r_t should be: the derivation at 50 digits on the exact binary value of beta2."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import mpmath
import numpy as np

from varlab.optim.conformance.scenario import FloatArray

_DIGITS = 50


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
    with mpmath.workdps(_DIGITS):
        beta = mpmath.mpf(beta2)
        rho_inf = 2 / (1 - beta) - 1
        rhos, rs = [], []
        for t in range(1 - margin, steps + margin + 1):
            power = beta**t if t > 0 else mpmath.mpf(0)
            rho = rho_inf - 2 * t * power / (1 - power) if t > 0 else mpmath.nan
            rhos.append(float(rho))
            rs.append(float(_rectification(rho, rho_inf)) if t > 0 and rho > 4 else np.nan)
        return Reference(beta2, float(rho_inf), 1 - margin, np.array(rhos), np.array(rs))


def _rectification(rho: mpmath.mpf, rho_inf: mpmath.mpf) -> mpmath.mpf:
    return mpmath.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
