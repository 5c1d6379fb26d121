"""The law of psi that the paper assumes: psi^2 ~ Scale-inv-chi2(rho, tau^2) (R section 3, Eq. 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from varlab.numerics.elementary import (
    STIRLING_FROM,
    log1p_excess,
    log_gamma_ratio,
    log_minus_digamma,
    stirling_remainder,
)
from varlab.numerics.inputs import Array, number, positive
from varlab.numerics.inverse_chi import log_psi_variance, psi_mean, psi_variance
from varlab.numerics.law import RateLaw


@dataclass(frozen=True)
class ScaledInverseChi(RateLaw):
    """psi = tau sqrt(rho / chi2_rho), the scaled inverse chi law.

    Parameters
    ----------
    rho : float
        Degrees of freedom, finite and > 0.
    tau : float
        Scale, finite and > 0: 1/sigma for gradients of standard deviation sigma.

    Raises
    ------
    DomainError
        For rho or tau outside their domain.

    Examples
    --------
    >>> law = ScaledInverseChi(5)
    >>> round(law.var(), 4), law.moment(5), round(float(law.cdf(law.ppf(0.9))), 12)
    (0.252, inf, 0.9)
    """

    rho: float
    tau: float = 1.0

    def __post_init__(self) -> None:
        for name in ("rho", "tau"):
            value = number(name, getattr(self, name), "be finite and > 0", positive)
            object.__setattr__(self, name, value)

    def mean(self) -> float:
        """E[psi] (R Eq. 7); infinite for rho <= 1."""
        return self.tau * float(psi_mean(self.rho))

    def var(self) -> float:
        """Var[psi] (R Eq. 2); infinite for rho <= 2."""
        return self.tau * (self.tau * float(psi_variance(self.rho)))

    def log_mean(self) -> float:
        """E[log psi] = log tau + (log(rho/2) - digamma(rho/2))/2; finite for every rho > 0."""
        return math.log(self.tau) + 0.5 * float(log_minus_digamma(np.asarray(0.5 * self.rho)))

    def log_var(self) -> float:
        """Var[log psi] = trigamma(rho/2)/4; finite for every rho > 0, and free of tau."""
        return float(log_psi_variance(self.rho))

    def _moment(self, k: float) -> float:
        if k >= self.rho:
            return math.inf
        with np.errstate(over="ignore"):
            log_ratio = log_gamma_ratio(0.5 * self.rho, 0.5 * k)
            return float(np.exp(log_ratio + k * math.log(self.tau)))

    def _chi_square_half(self, x: Array) -> Array:
        """Half the chi-square value that psi = x stands for: rho tau^2 / (2 x^2)."""
        with np.errstate(over="ignore", under="ignore"):
            return 0.5 * self.rho * (self.tau / x) ** 2

    def _pdf(self, x: Array) -> Array:
        half, y = 0.5 * self.rho, self._chi_square_half(x)
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            if half < STIRLING_FROM:
                log_gamma_density = half * np.log(y) - y - special.gammaln(half)
            else:  # y^half e^-y / Gamma(half) about its peak y = half
                remainder = float(stirling_remainder(np.asarray(half)))
                bulk = -half * log1p_excess(np.atleast_1d(y / half - 1.0))
                log_gamma_density = bulk + 0.5 * math.log(half / (2.0 * math.pi)) - remainder
            density = np.exp(log_gamma_density) * 2.0 / x
        return np.where((y > 0.0) & np.isfinite(y), density, 0.0)

    def _cdf(self, x: Array) -> Array:
        return np.asarray(special.gammaincc(0.5 * self.rho, self._chi_square_half(x)))

    def _sf(self, x: Array) -> Array:
        return np.asarray(special.gammainc(0.5 * self.rho, self._chi_square_half(x)))

    def _ppf(self, q: Array) -> Array:
        with np.errstate(divide="ignore"):
            y = special.gammainccinv(0.5 * self.rho, q)
            return np.asarray(self.tau * np.sqrt(0.5 * self.rho / y))

    def _rvs(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return self.tau * np.sqrt(self.rho / rng.chisquare(self.rho, shape))
