"""Central moments up to the fourth: from sums about a shift, merged stably, mapped affinely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from varlab.core import InputError


@dataclass(frozen=True)
class Moments:
    """Count, means and sums of powers of the deviations from them, elementwise.

    Attributes
    ----------
    count : int
        Number of samples, the same for all elements.
    values : ndarray of shape (4, ...)
        mean, M2, M3, M4 with M_k = sum (x - mean)^k, in float64. M3 and M4 may be infinite or NaN
        where a heavy tail has overflowed; mean and M2 never depend on them.
    """

    count: int
    values: np.ndarray

    @classmethod
    def from_shifted_sums(cls, count: int, shift: np.ndarray, sums: np.ndarray) -> Moments:
        """From s_k = sum (x - shift)^k, k = 1..4, ``sums`` of shape (4, ...).

        Loses digits like (mean - shift)^2/variance: take as shift any sample.
        """
        s1, s2, s3, s4 = sums
        with np.errstate(over="ignore", invalid="ignore"):
            d = s1 / count
            m2 = np.maximum(s2 - count * d**2, 0.0)
            m3 = s3 - 3 * d * s2 + 2 * count * d**3
            m4 = s4 - 4 * d * s3 + 6 * d**2 * s2 - 3 * count * d**4
            return cls(count, np.stack([shift + d, m2, m3, m4]))

    def merge(self, other: Moments) -> Moments:
        """Moments of both samples together (Chan, Golub & LeVeque 1979; orders 3, 4: Pébay 2008)."""
        na, nb = self.count, other.count
        n = na + nb
        ma, a2, a3, a4 = self.values
        mb, b2, b3, b4 = other.values
        with np.errstate(over="ignore", invalid="ignore"):
            d = mb - ma
            mean = ma + d * (nb / n)
            m2 = a2 + b2 + d**2 * (na * nb / n)
            m3 = a3 + b3 + d**3 * (na * nb * (na - nb) / n**2) + 3 * d * (na * b2 - nb * a2) / n
            m4 = (
                a4
                + b4
                + d**4 * (na * nb * (na**2 - na * nb + nb**2) / n**3)
                + 6 * d**2 * (na**2 * b2 + nb**2 * a2) / n**2
                + 4 * d * (na * b3 - nb * a3) / n
            )
        return Moments(n, np.stack([mean, m2, m3, m4]))

    @staticmethod
    def merged(parts: Iterable[Moments]) -> Moments:
        """All parts, from left to right: the order decides the last bits, so it must be fixed."""
        parts = list(parts)
        if not parts:
            raise InputError("no moments to merge; got an empty sequence")
        return reduce(Moments.merge, parts)

    def affine(self, slope: np.ndarray | float, offset: np.ndarray | float = 0.0) -> Moments:
        """Moments of ``slope * x + offset``; both broadcast against one moment's shape."""
        mean, m2, m3, m4 = self.values
        s = np.asarray(slope)
        with np.errstate(over="ignore", invalid="ignore"):
            return Moments(
                self.count, np.stack([s * mean + offset, s**2 * m2, s**3 * m3, s**4 * m4])
            )

    @property
    def mean(self) -> np.ndarray:
        """Sample mean."""
        return np.asarray(self.values[0])

    @property
    def variance(self) -> np.ndarray:
        """Unbiased sample variance."""
        return np.asarray(self.values[1] / (self.count - 1))

    @property
    def mean_stderr(self) -> np.ndarray:
        """Plug-in standard error of the mean: needs a second moment, and a fourth to be reliable."""
        return np.asarray(np.sqrt(self.variance / self.count))

    @property
    def variance_stderr(self) -> np.ndarray:
        """Plug-in standard error of the variance: needs a finite fourth moment, reliable with an eighth.

        Var[S^2] = (mu_4 - sigma^4 (n - 3)/(n - 1))/n.
        """
        n = self.count
        with np.errstate(over="ignore", invalid="ignore"):
            spread = self.values[3] / n - self.variance**2 * ((n - 3) / (n - 1))
            return np.asarray(np.sqrt(np.maximum(spread, 0.0) / n))
