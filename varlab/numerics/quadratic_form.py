"""Positive quadratic forms in Gaussians, each known through its Laplace transform.

v = sum_i w_i g_i^2 enters everything that follows through M(z) = E[exp(-z v)] alone (R's vhat_t;
varlab.exact-law). Two forms cover the laws: independent terms (weighted noncentral chi-squares) and
stationary AR(1) gradients.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from varlab.numerics.elementary import Numbers, log1p_excess
from varlab.numerics.inputs import Array

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
    def log_transform(self, z: Numbers) -> tuple[Numbers, Numbers]:
        """Logarithm of M(z), and log M(z) + mean z with its own relative accuracy near z = 0.

        Parameters
        ----------
        z : ndarray, 1-d, real > -abscissa or complex off the negative real axis

        Returns
        -------
        log_m, log_excess : ndarray
            The second is >= 0 for real z >= 0 (Jensen). Neither suffers cancellation: where one is
            small against mean z it is still summed from its own terms.
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

    def log_transform(self, z: Numbers) -> tuple[Numbers, Numbers]:
        """Sums over the terms; see :meth:`QuadraticForm.log_transform`."""
        log_m, log_excess = np.empty_like(z), np.empty_like(z)
        rows = max(1, _CHUNK // len(self.weights))
        for first in range(0, len(z), rows):
            part = slice(first, first + rows)
            y = 2.0 * np.multiply.outer(z[part], self.weights)
            log_m[part] = -0.5 * (np.log1p(y) @ self.counts)
            log_excess[part] = 0.5 * (log1p_excess(y) @ self.counts)
            if self.mu != 0.0:
                damped = y / (1.0 + y)
                half = 0.5 * self.mu**2
                log_m[part] -= half * (damped @ self.counts)
                log_excess[part] += half * ((y * damped) @ self.counts)
        return log_m, log_excess


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

    @property
    def abscissa(self) -> float:
        """Half the inverse of the largest eigenvalue of W^(1/2) Sigma W^(1/2), from below."""
        # 1/(2 lambda_max) with w_max <= lambda_max <= the trace; narrowed from a grid three times.
        low, high = 0.5 / float(self.weights.sum()), 0.5 / float(self.weights.max())
        for _ in range(3):
            grid = np.linspace(low, high, 65)
            finite = np.isfinite(self.log_transform(-grid)[0])
            last = int(np.argmin(finite)) - 1 if not finite.all() else len(grid) - 1
            if last < 0:  # the trace is the only eigenvalue: low is the singularity itself
                return low
            low, high = float(grid[last]), float(grid[min(last + 1, len(grid) - 1)])
        return low

    def log_transform(self, z: Numbers) -> tuple[Numbers, Numbers]:
        """One pass of the filter; see :meth:`QuadraticForm.log_transform`."""
        log_m, log_excess = np.zeros_like(z), np.zeros_like(z)
        missing = np.zeros_like(z)  # 1 - predicted variance
        shift = np.zeros_like(z)  # mu - predicted mean
        valid = np.ones(z.shape, dtype=np.bool_)
        mu, phi = self.mu, self.phi
        rows = max(1, _CHUNK // len(z))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for first in range(0, len(self.weights), rows):
                block = self.weights[first : first + rows]
                gathered = np.empty((len(block), len(z)), dtype=z.dtype)
                for row, weight in zip(gathered, block, strict=True):
                    scaled = (2.0 * weight) * z
                    q = scaled * (1.0 - missing)
                    row[:] = q
                    gain = 1.0 + q
                    log_excess += 0.5 * scaled * missing
                    if mu != 0.0:
                        half = 0.5 * scaled / gain
                        log_m -= half * (mu - shift) ** 2
                        log_excess += half * (mu * mu * q + shift * (2.0 * mu - shift))
                        shift = phi * (shift + mu * q) / gain
                    missing = phi * phi * (missing + q) / gain
                if not np.iscomplexobj(z):
                    valid &= np.all(gathered > -1.0, axis=0)
                log_m -= 0.5 * np.log1p(gathered).sum(axis=0)
                log_excess += 0.5 * log1p_excess(gathered).sum(axis=0)
        log_m[~valid] = log_excess[~valid] = np.inf
        return log_m, log_excess
