"""The exact law of Adam's adaptive learning rate psi_t, with no moving-average approximation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from varlab.core.errors import require
from varlab.core.memory import require_memory
from varlab.numerics.ema_law import ema_form
from varlab.numerics.inputs import (
    Array,
    below_one,
    mean_and_scale,
    number,
    whole_or_infinite,
)
from varlab.numerics.inversion import invert
from varlab.numerics.law import RateLaw
from varlab.numerics.mellin import log_inverse_moment, log_moments, root_variance
from varlab.numerics.power_moments import log_power_moment
from varlab.numerics.quadratic_form import QuadraticForm
from varlab.numerics.weights import kept_terms, lag_weights

# Weights below e^-45 = 3e-20 of the newest change no draw of vhat_t in double precision.
_SAMPLING_DEPTH = 45.0
# Newton's iteration for quantiles, on normal scores against log psi, where the law is nearly straight.
_NEWTON_STEPS = 60
# The iteration is quadratic: after a step of this share of the standard deviation, the next one
# would be of rounding size.
_CONVERGED = 1e-8
# E[vhat^q] for larger q = -k/2 is not resolved by the contour's fixed angle.
_LOWEST_ORDER = -1e6


@dataclass(frozen=True)
class AdaptiveRate(RateLaw):
    """psi_t = 1/sqrt(vhat_t), vhat_t = sum_i w_i g_i^2, w_i = (1-beta2) beta2^(t-i)/(1-beta2^t).

    Everything follows from the Laplace transform of vhat_t (varlab.exact-law):
    E[exp(-z vhat_t)] = prod_i (1 + 2 z s^2 w_i)^(-1/2), times
    exp(-z mu^2 sum_i w_i/(1 + 2 z s^2 w_i)) for a mean mu; for AR(1) gradients the determinant
    det(I + 2z W^(1/2) Sigma W^(1/2))^(-1/2) and its noncentral factor.

    Parameters
    ----------
    t : int
        Step, >= 1; ``math.inf`` gives the stationary law, weights (1-beta2) beta2^k.
    beta2 : float
        EMA decay in [0, 1). At 0 psi_t has the law of the first step at every t.
    mu, sigma : float
        Mean (finite) and standard deviation (finite, > 0) of the gradients' normal law.
    ar1 : float
        0: independent gradients. Else stationary Gaussian AR(1) with this coefficient, in (-1, 1),
        and marginal variance sigma^2; each evaluation then costs a pass over the min(t, 50/(1-beta2))
        newest steps.

    Raises
    ------
    DomainError
        For a parameter outside its domain, abs(mu)/sigma above 1e70; from the methods also for
        0 < beta2 < 1e-100, from moment(k) for k < -1e6.

    Notes
    -----
    Relative error below 1e-13 for mean, variance, log moments and E[psi^k]. Probabilities and density
    have 1e-13 in both tails, or 1e-15 E[vhat_t]/sd[vhat_t] where that is larger. E[psi^k] is finite
    exactly for k < t (beta2 > 0).

    Examples
    --------
    >>> law = AdaptiveRate(4, 0.999)
    >>> round(law.var(), 4), AdaptiveRate(2, 0.999).var(), round(float(law.cdf(1.0)), 4)
    (0.4292, inf, 0.406)
    """

    t: float
    beta2: float
    mu: float = 0.0
    sigma: float = 1.0
    ar1: float = 0.0

    def __post_init__(self) -> None:
        domains = {
            "t": ("be an integer >= 1 or inf", whole_or_infinite),
            "beta2": ("lie in [0, 1)", below_one),
            "ar1": ("lie in (-1, 1)", lambda x: np.abs(x) < 1),
        }
        for name, (domain, inside) in domains.items():
            object.__setattr__(self, name, number(name, getattr(self, name), domain, inside))
        for name, value in zip(("mu", "sigma"), mean_and_scale(self.mu, self.sigma), strict=True):
            object.__setattr__(self, name, value)
        if math.isfinite(self.t):
            object.__setattr__(self, "t", int(self.t))

    def _form(self, order: float = 2.0) -> QuadraticForm:
        """vhat_t / sigma^2, for moments of psi up to the given order."""
        return ema_form(self.t, self.beta2, self.mu / self.sigma, self.ar1, order)

    @property
    def _terms(self) -> float:
        """Number of squared gradients in vhat_t."""
        return self.t if self.beta2 > 0.0 else 1.0

    def mean(self) -> float:
        """E[psi_t]; infinite at t = 1."""
        return self.moment(1.0)

    def var(self) -> float:
        """Var[psi_t]; infinite for t <= 2."""
        if self._terms <= 2:
            return math.inf
        return root_variance(self._form()) / self.sigma**2

    def log_mean(self) -> float:
        """E[log psi_t], finite for every t."""
        return -0.5 * log_moments(self._form())[0] - math.log(self.sigma)

    def log_var(self) -> float:
        """Var[log psi_t], finite for every t and free of sigma at fixed mu/sigma."""
        return 0.25 * log_moments(self._form())[1]

    def _moment(self, k: float) -> float:
        domain = f"be at least {_LOWEST_ORDER:g} for the exact law"
        require(k >= _LOWEST_ORDER, "k", domain, k, "take logarithms: log_mean and log_var")
        if k >= self._terms:
            return math.inf
        form = self._form(max(k, 2.0))
        if k >= form.rank:  # weights out of the range of float64 decide it, and so is the moment
            return math.inf
        log_moment = (
            log_inverse_moment(form, 0.5 * k) if k > 0 else log_power_moment(form, -0.5 * k)
        )
        with np.errstate(over="ignore", under="ignore"):
            return float(np.exp(log_moment - k * math.log(self.sigma)))

    def _vhat(self, x: Array) -> Array:
        """The value of vhat_t / sigma^2 that psi_t = x stands for."""
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            squared = (self.sigma * x) ** -2.0
        # Beyond the range of float64 the law has no mass that a float64 could show.
        return np.clip(squared, np.finfo(np.float64).tiny, _LARGEST)

    def _pdf(self, x: Array) -> Array:
        v = self._vhat(x)
        with np.errstate(over="ignore", under="ignore"):
            return invert(self._form(), v).density * v * 2.0 / x

    def _cdf(self, x: Array) -> Array:
        return invert(self._form(), self._vhat(x)).above

    def _sf(self, x: Array) -> Array:
        return invert(self._form(), self._vhat(x)).below

    def _ppf(self, q: Array) -> Array:
        """Safeguarded Newton in u = log psi on ndtri(P(psi <= e^u)) - ndtri(q), which rises with u."""
        spread = math.sqrt(self.log_var())
        score = np.asarray(special.ndtri(q))
        u = self.log_mean() + spread * score
        low, high = np.full_like(u, -np.inf), np.full_like(u, np.inf)
        open_ = np.arange(len(u))
        for _ in range(_NEWTON_STEPS):
            at = u[open_]
            step, above = self._newton(at, score[open_], spread)
            high[open_] = np.where(above, at, high[open_])
            low[open_] = np.where(above, low[open_], at)
            proposed = at - step
            done = np.abs(step) <= _CONVERGED * spread
            outside = ~done & ((proposed <= low[open_]) | (proposed >= high[open_]))
            with np.errstate(invalid="ignore"):
                middle = 0.5 * (low[open_] + high[open_])
            u[open_] = np.where(outside & np.isfinite(middle), middle, proposed)
            open_ = open_[~done]
            if len(open_) == 0:
                break
        return np.asarray(np.exp(u))

    def _newton(self, u: Array, score: Array, spread: float) -> tuple[Array, NDArray[np.bool_]]:
        """Newton step of every entry, and whether it lies above its root."""
        v = self._vhat(np.exp(u))
        law = invert(self._form(), v)
        upper = law.below < law.above  # psi large is vhat small
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            reached = np.where(upper, -special.ndtri(law.below), special.ndtri(law.above))
            normal = np.exp(-0.5 * reached**2) / math.sqrt(2.0 * math.pi)
            step = (reached - score) / (law.density * v * 2.0 / normal)
        above = np.asarray(reached > score)
        # Where the density has underflowed: back towards the bulk, by a standard deviation.
        return np.where(np.isfinite(step), step, np.where(above, spread, -spread)), above

    def _rvs(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """By simulating the gradients, oldest first."""
        terms = kept_terms(self.t, self.beta2, _SAMPLING_DEPTH)
        require_memory(8 * terms, f"a draw from {terms:g} steps", "take a smaller t or beta2")
        weights = lag_weights(np.arange(terms - 1.0, -1.0, -1.0), self.t, self.beta2)
        innovation = math.sqrt(1.0 - self.ar1**2)
        centre = self._centre(shape, rng)
        noise = rng.standard_normal(shape)
        vhat = np.zeros(shape)
        for index, weight in enumerate(weights):
            if index > 0:
                fresh = rng.standard_normal(shape)
                noise = self.ar1 * noise + innovation * fresh if self.ar1 != 0.0 else fresh
            vhat += weight * (centre + self.sigma * noise) ** 2
        return 1.0 / np.sqrt(vhat)

    def _centre(self, shape: tuple[int, ...], rng: np.random.Generator) -> float | Array:
        """What the gradients of a run vary about."""
        del shape, rng
        return self.mu


_LARGEST = 1e300  # of vhat_t / sigma^2: psi_t = 1e-150 / sigma
