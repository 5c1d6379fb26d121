"""Positive quadratic forms in Gaussians, each known through its Laplace transform.

v = sum_i w_i g_i^2 enters everything that follows through M(z) = E[exp(-z v)] alone (R's vhat_t;
varlab.exact-law). Two forms cover the laws: independent terms (weighted noncentral chi-squares) and
stationary AR(1) gradients.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from varlab.numerics.elementary import Numbers, log1p, log1p_excess
from varlab.numerics.inputs import Array, Complex

# Largest temporary matrix (transform points x terms), to stay inside the cache of a core.
_CHUNK = 1 << 18


class QuadraticForm(ABC):
    """A positive random variable v given by its Laplace transform M(z) = E[exp(-z v)].

    M is analytic off the negative real axis up to ``-abscissa`` and M(z) ~ z^(-rank/2) far out.
    """

    @property
    @abstractmethod
    def mean(self) -> float:
        """E[v] > 0."""

    @property
    @abstractmethod
    def rank(self) -> float:
        """Number of Gaussian terms: P(v < x) ~ x^(rank/2) as x -> 0."""

    @property
    @abstractmethod
    def abscissa(self) -> float:
        """A positive number such that M(z) is finite for real z > -abscissa, close to the largest."""

    @abstractmethod
    def log_transform(self, z: Numbers) -> Numbers:
        """Logarithm of M(z).

        Parameters
        ----------
        z : ndarray, 1-d
            Real > -abscissa, or complex off the negative real axis.
        """

    @abstractmethod
    def log_transform_and_excess(self, z: Array) -> tuple[Array, Array]:
        """Logarithm of M(z), and log M(z) + mean z with its own relative accuracy near z = 0; real z.

        The second is >= 0 for z >= 0 (Jensen). Neither suffers cancellation: where one is small
        against mean z it is still summed from its own terms.
        """


@dataclass(frozen=True, eq=False)
class WeightedChiSquares(QuadraticForm):
    """v = sum_j w_j chi2(n_j; noncentrality n_j mu^2), independent terms; n_j need not be whole."""

    weights: Array
    counts: Array
    mu: float

    @property
    def mean(self) -> float:
        """E[v]."""
        return float(self.counts @ self.weights) * (1.0 + self.mu**2)

    @property
    def rank(self) -> float:
        """Total multiplicity."""
        return float(self.counts.sum())

    @property
    def abscissa(self) -> float:
        """Half the inverse of the largest weight."""
        return 0.5 / float(self.weights.max())

    def log_transform(self, z: Numbers) -> Numbers:
        """Sum over the terms; see :meth:`QuadraticForm.log_transform`."""
        log_m = np.empty_like(z)
        for part in self._chunks(z):
            y = self._scaled(z[part])
            log_m[part] = -0.5 * self._sum(log1p(y))
            if self.mu != 0.0:
                log_m[part] -= 0.5 * self.mu**2 * self._sum(y / (1.0 + y))
        return log_m

    def log_transform_and_excess(self, z: Array) -> tuple[Array, Array]:
        """Sums over the terms; see :meth:`QuadraticForm.log_transform_and_excess`."""
        log_excess = np.empty_like(z)
        for part in self._chunks(z):
            y = self._scaled(z[part])
            log_excess[part] = 0.5 * self._sum(log1p_excess(y))
            if self.mu != 0.0:
                log_excess[part] += 0.5 * self.mu**2 * self._sum(y * (y / (1.0 + y)))
        return self.log_transform(z), log_excess

    def _sum(self, terms: Numbers) -> Numbers:
        # Not a matrix product: that would start threads for a sum of microseconds.
        total: Numbers = np.einsum("ij,j->i", terms, self.counts)
        return total

    def _chunks(self, z: Array | Complex) -> Iterator[slice]:
        rows = max(1, _CHUNK // len(self.weights))
        for first in range(0, len(z), rows):
            yield slice(first, first + rows)

    def _scaled(self, z: Numbers) -> Numbers:
        """2 z w, rows over z and columns over terms."""
        return np.multiply(z[:, None], 2.0 * self.weights, dtype=z.dtype)


@dataclass(frozen=True, eq=False)
class AutoregressiveForm(QuadraticForm):
    """v = sum_i w_i g_i^2 of a stationary Gaussian AR(1) with mean mu, variance 1, coefficient phi.

    det(I + 2z W^(1/2) Sigma W^(1/2))^(-1/2) and its noncentral factor by a Kalman filter: M(z) is,
    up to a constant, the likelihood of observing g_i + noise of variance 1/(2 z w_i) to be 0 at every
    i. One pass over the terms per call, for all z at once; O(len(weights)).
    """

    weights: Array  # oldest first
    phi: float
    mu: float

    @property
    def mean(self) -> float:
        """E[v]."""
        return float(self.weights.sum()) * (1.0 + self.mu**2)

    @property
    def rank(self) -> float:
        """Number of terms."""
        return float(len(self.weights))

    @cached_property
    def abscissa(self) -> float:
        """Half the inverse of the largest eigenvalue of W^(1/2) Sigma W^(1/2), from below."""
        # 1/(2 lambda_max) with w_max <= lambda_max <= the trace; narrowed from a grid three times.
        low, high = 0.5 / float(self.weights.sum()), 0.5 / float(self.weights.max())
        for _ in range(3):
            grid = np.linspace(low, high, 65)
            finite = np.isfinite(self.log_transform(-grid))
            last = int(np.argmin(finite)) - 1 if not finite.all() else len(grid) - 1
            if last < 0:  # the trace is the only eigenvalue: low is the singularity itself
                return low
            low, high = float(grid[last]), float(grid[min(last + 1, len(grid) - 1)])
        return low

    def log_transform(self, z: Numbers) -> Numbers:
        """Log likelihood of the filter; see :meth:`QuadraticForm.log_transform`."""
        log_m = np.zeros_like(z)
        valid = np.ones(z.shape, dtype=np.bool_)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for scaled, _, gain, shift in self._filter(z):
                if not np.iscomplexobj(z):
                    valid &= np.all(gain > -1.0, axis=0)
                log_m -= 0.5 * log1p(gain).sum(axis=0)
                if self.mu != 0.0:
                    log_m -= 0.5 * (scaled * (self.mu - shift) ** 2 / (1.0 + gain)).sum(axis=0)
        log_m[~valid] = np.inf
        return log_m

    def log_transform_and_excess(self, z: Array) -> tuple[Array, Array]:
        """From the same filter; see :meth:`QuadraticForm.log_transform_and_excess`; z >= 0."""
        log_m, log_excess = np.zeros_like(z), np.zeros_like(z)
        mu = self.mu
        for scaled, missing, gain, shift in self._filter(z):
            log_m -= 0.5 * log1p(gain).sum(axis=0)
            log_excess += 0.5 * (scaled * missing + log1p_excess(gain)).sum(axis=0)
            if mu != 0.0:
                # mu^2 - (predicted mean)^2 / (1 + gain), regrouped into terms that do not cancel
                lost = (mu * mu * gain + shift * (2.0 * mu - shift)) / (1.0 + gain)
                log_excess += 0.5 * (scaled * lost).sum(axis=0)
                log_m -= 0.5 * (scaled * (mu - shift) ** 2 / (1.0 + gain)).sum(axis=0)
        return log_m, log_excess

    def _filter(self, z: Numbers) -> Iterator[tuple[Numbers, Numbers, Numbers, Numbers]]:
        """The filter by blocks of steps, rows over steps and columns over z.

        Yields 2 z w_i, 1 - predicted variance, 2 z w_i times predicted variance, and mu - predicted
        mean.
        """
        missing, shift = np.zeros_like(z), np.zeros_like(z)
        rows = max(1, _CHUNK // len(z))
        square, mu, phi = self.phi**2, self.mu, self.phi
        for first in range(0, len(self.weights), rows):
            block = self.weights[first : first + rows]
            scaled = np.multiply((2.0 * block)[:, None], z, dtype=z.dtype)
            missings, gains, shifts = (np.zeros_like(scaled) for _ in range(3))
            for row, factor in enumerate(scaled):
                missings[row] = missing
                gain = factor * (1.0 - missing)
                gains[row] = gain
                inverse = 1.0 / (1.0 + gain)
                if mu != 0.0:
                    shifts[row] = shift
                    shift = phi * (shift + mu * gain) * inverse
                missing = square * (missing + gain) * inverse
            yield scaled, missings, gains, shifts
