"""The upper end of an interval for a mean square, from its law at the effect that is asked about.

A sample whose mean happens to come out small shows a small standard error with it (the error of a
square is proportional to its root), so an estimate plus its own error lies inside a band too often
when the truth lies on the edge. The upper end is therefore the largest effect under which an estimate
as small as this one is not improbable. The law under an effect q: of the coordinates' noise, with
principal variances lambda_1 >= lambda_2 >= ..., the mean square is

    lambda_1 (Z + sqrt(q / lambda_1))^2 + B,    B = sum over k >= 2 of lambda_k Z_k^2,

where the effect lies along the first principal direction. Nothing is known about its direction, and
this one makes small estimates most probable. Z is a Student t because lambda_1 is estimated, which
makes a single coordinate's test the two one-sided t-tests (Schuirmann 1987); B is taken for a gamma
variable of its mean and variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, special

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)


@dataclass(frozen=True)
class EdgeLaw:
    """Law of an unbiased estimate of a mean square, whatever its true value.

    Attributes
    ----------
    top : float
        Largest principal variance of the noise in the mean square, > 0.
    rest, rest_variance : float
        Mean and variance of the noise's remaining part, >= 0.
    df : float
        Degrees of freedom with which the noise was measured.
    """

    top: float
    rest: float
    rest_variance: float
    df: float

    @classmethod
    def of_units(cls, gram: Array) -> EdgeLaw | None:
        """For the mean of independent units; None where they do not vary.

        Parameters
        ----------
        gram : ndarray, shape (unit, unit)
            ``gram[i, j]`` is the mean over coordinates of the product of units i and j.
        """
        units = len(gram)
        means = gram.mean(axis=1)
        centred = gram - means[:, None] - means[None, :] + means.mean()
        largest, trace, squares = _spectrum(centred, units - 1)
        if trace == 0:
            return None
        top, rest = largest / units, (trace - largest) / units
        variance = 2 * max(squares - largest**2, 0.0) / units**2
        return cls(top, rest, variance, units - 1)

    @classmethod
    def of_noise(cls, noise: Array, rows: int, variance: float | None = None) -> EdgeLaw | None:
        """For the sum over ``rows`` rows of a signal; None where there is no noise.

        Parameters
        ----------
        noise : ndarray, shape (J, coordinate)
            Replicates of the noise in each row.
        rows : int
        variance : float, optional
            Known noise variance of the entries; measured when None.
        """
        count = len(noise)
        largest, trace, squares = _spectrum(noise @ noise.T / noise.shape[1], count)
        if trace == 0:
            return None
        scale = 1.0 if variance is None else variance / trace
        # All the signal in one row makes small estimates most probable.
        rest = rows * trace - largest
        own = 2 * max(rows * squares - largest**2, 0.0)
        level = 0.0 if variance is not None else 2 * squares / count * (rest / trace) ** 2
        return cls(scale * largest, scale * rest, scale**2 * (own + level), count)

    def lower_tail(self, estimate: float, effect: float) -> float:
        """Probability of an estimate this small or smaller where the mean square is ``effect``."""
        total = estimate + self.top + self.rest
        if total <= 0:
            return 0.0
        reach, shift = math.sqrt(total / self.top), math.sqrt(effect / self.top)
        low, high = special.stdtr(self.df, np.array([-reach - shift, reach - shift]))
        half = (high - low) / 2
        if half == 0:
            return 0.0
        t = special.stdtrit(self.df, low + half * (1 + _NODES))
        left = np.maximum(total - self.top * (t + shift) ** 2, 0.0)
        return float(half * np.sum(_WEIGHTS * self._rest_below(left)))

    def _rest_below(self, value: Array) -> Array:
        if self.rest_variance <= 0 or self.rest <= 0:
            return np.asarray(value >= self.rest, dtype=np.float64)
        shape = self.rest**2 / self.rest_variance
        return np.asarray(special.gammainc(shape, value * self.rest / self.rest_variance))

    def upper(self, estimate: float, level: float) -> float:
        """Largest effect whose :meth:`lower_tail` is at least ``level``; 0 where none is."""
        if self.lower_tail(estimate, 0.0) <= level:
            return 0.0
        high = max(estimate, self.top)
        while self.lower_tail(estimate, high) > level:
            high *= 2
        root = optimize.brentq(
            lambda effect: self.lower_tail(estimate, effect) - level, 0.0, high, rtol=1e-6
        )
        return float(root)


def _spectrum(gram: Array, df: int) -> tuple[float, float, float]:
    """Largest eigenvalue, trace, and trace of the square of a covariance, from its sample's Gram.

    With fewer units than coordinates the sample's largest eigenvalue holds a share of all others,
    which is taken off (Yata & Aoshima 2012, noise reduction); so is tr(S)^2/df off tr(S^2)
    (Srivastava 2005). No largest eigenvalue is below tr(S^2)/tr(S).
    """
    last = len(gram) - 1
    trace = float(np.trace(gram)) / df
    if not trace > 0:
        return 0.0, 0.0, 0.0
    seen = float(linalg.eigvalsh(gram, subset_by_index=[last, last])[0]) / df
    squares = max(float(np.sum(gram**2)) / df**2 - trace**2 / df, 0.0)
    largest = max(seen - (trace - seen) / (df - 1), squares / trace)
    return min(largest, trace), trace, squares
