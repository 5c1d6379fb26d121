"""The exact law of psi_t for exchangeable Gaussian gradients: each run has a mean of its own, drawn once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from varlab.core.errors import require
from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.numerics.elementary import Numbers, log1p, log1p_excess
from varlab.numerics.ema_law import ema_form
from varlab.numerics.inputs import Array, number
from varlab.numerics.quadratic_form import QuadraticForm, WeightedChiSquares

# log tau^2 = 138: the law is tabulated (varlab.numerics.inversion) down to e^-150 of E[vhat_t].
LARGEST_SPREAD = 1e30
# Halvings that leave an eigenvalue to rounding.
_HALVINGS = 60


@dataclass(frozen=True)
class ExchangeableRate(AdaptiveRate):
    """psi_t for g_i = mu + sigma (tau m + z_i), m and z_i independent standard normals, m shared by all steps.

    Parameters
    ----------
    t, beta2, mu, sigma : float
        As for :class:`AdaptiveRate`.
    ar1 : float
        Must be 0: the noise is independent.
    tau : float
        Spread of the shared mean in units of sigma, in [0, 1e30].

    Raises
    ------
    DomainError
        For a parameter outside its domain.

    Examples
    --------
    >>> law = ExchangeableRate(5, 0.999, tau=0.5)
    >>> round(law.var(), 4), ExchangeableRate(5, 0.999).var() == AdaptiveRate(5, 0.999).var()
    (0.2209, True)
    """

    tau: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.ar1 == 0.0, "ar1", "be 0 beside a shared mean", self.ar1)
        domain = f"lie in [0, {LARGEST_SPREAD:g}]"
        tau = number("tau", self.tau, domain, lambda x: (x >= 0) & (x <= LARGEST_SPREAD))
        object.__setattr__(self, "tau", tau)

    def _form(self, order: float = 2.0) -> QuadraticForm:
        return _form(self.t, self.beta2, self.mu / self.sigma, self.tau, order)

    def _centre(self, shape: tuple[int, ...], rng: np.random.Generator) -> float | Array:
        return self.mu + self.sigma * self.tau * rng.standard_normal(shape)


@lru_cache(maxsize=256)
def _form(t: float, beta2: float, mu: float, tau: float, order: float) -> QuadraticForm:
    independent = ema_form(t, beta2, mu, 0.0, order)
    if tau == 0.0 or not isinstance(independent, WeightedChiSquares):
        return independent
    return ExchangeableForm(independent.weights, independent.counts, mu, tau)


@dataclass(frozen=True, eq=False)
class ExchangeableForm(WeightedChiSquares):
    """v = sum_i w_i (mu + tau m + z_i)^2, m and z_i independent standard normals.

    The covariance I + tau^2 1 1' is the identity but for rank one. With y_i = 2 z w_i and
    S = sum_i y_i/(1 + y_i), the matrix determinant lemma and Sherman and Morrison's formula give

        log M(z) = -1/2 sum_i log(1 + y_i) - 1/2 log(1 + tau^2 S) - 1/2 mu^2 S/(1 + tau^2 S).

    For z in the upper half plane S lies there too, so the principal logarithms are the right ones.
    """

    tau: float

    @property
    def mean(self) -> float:
        """E[v]."""
        return float(self.counts @ self.weights) * (1.0 + self.tau**2 + self.mu**2)

    @cached_property
    def abscissa(self) -> float:
        """Half the inverse of the largest eigenvalue, from below.

        It solves tau^2 sum_i w_i/(lambda - w_i) = 1 between the largest weight and that plus
        tau^2 sum_i w_i.
        """
        low = float(self.weights.max())
        high = low + self.tau**2 * float(self.counts @ self.weights)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            with np.errstate(divide="ignore"):
                trace = self.tau**2 * float(self.counts @ (self.weights / (middle - self.weights)))
            low, high = (middle, high) if trace > 1.0 else (low, middle)
        return 0.5 / high

    def log_transform(self, z: Numbers) -> Numbers:
        """See :meth:`QuadraticForm.log_transform`."""
        log_m = np.empty_like(z)
        for part in self._chunks(z):
            y = self._scaled(z[part])
            share = self._sum(y / (1.0 + y))
            gain = self.tau**2 * share
            log_m[part] = -0.5 * (self._sum(log1p(y)) + log1p(gain))
            if self.mu != 0.0:
                log_m[part] -= 0.5 * self.mu**2 * share / (1.0 + gain)
        return log_m

    def log_transform_and_excess(self, z: Array) -> tuple[Array, Array]:
        """See :meth:`QuadraticForm.log_transform_and_excess`; z >= 0.

        mean z is half of sum_i y_i (1 + tau^2 + mu^2), and sum_i y_i is S + sum_i y_i^2/(1 + y_i).
        """
        log_excess = np.empty_like(z)
        for part in self._chunks(z):
            y = self._scaled(z[part])
            share, lost = self._sum(y / (1.0 + y)), self._sum(y * (y / (1.0 + y)))
            gain = self.tau**2 * share
            log_excess[part] = self._sum(log1p_excess(y))
            log_excess[part] += self.tau**2 * lost + log1p_excess(gain)
            log_excess[part] += self.mu**2 * (lost + share * (gain / (1.0 + gain)))
        return self.log_transform(z), 0.5 * log_excess
