"""The exact law of Adam's update for i.i.d. N(0, s^2) gradients, eps = 0.

abs(u_t) > c means g^T (a a^T - c^2 diag(w)) g > 0: a quadratic form in normals with one positive
eigenvalue, whose sign probability is Imhof's (1961) integral. Free of s.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, optimize, stats

from varlab.core import require
from varlab.numerics import ema_weights

Array = NDArray[np.float64]


def exceedance(c: float, t: int, beta1: float, beta2: float) -> float:
    """P(abs(u_t) > c), t >= 2, by Imhof's integral; c > 0.

    P(Q > 0) = 1/2 + 1/pi * integral over u > 0 of sin(sum atan(l u)/2) / (u prod (1+l^2 u^2)^(1/4))
    with the eigenvalues l of Q, here with u = tan(x), x in (0, pi/2).
    """
    require(t >= 2, "t", "be at least 2 (at t = 1 the update is +-1)", t)
    require(c > 0, "c", "be positive", c)
    first, second = ema_weights(t, beta1), ema_weights(t, beta2)
    # Gradients whose weight in mhat is below rounding are not coupled to the others.
    near = first > np.finfo(float).eps * first.max()
    block = np.outer(first[near], first[near]) - c**2 * np.diag(second[near])
    eigenvalues = np.concatenate([np.linalg.eigvalsh(block), -(c**2) * second[~near]])
    eigenvalues = eigenvalues / np.abs(eigenvalues).max()

    def integrand(logarithm: float) -> float:
        # u = e^x: du/u = dx, and the integrand decays at both ends.
        u = eigenvalues * np.exp(logarithm)
        phase = 0.5 * np.arctan(u).sum()
        return float(np.sin(phase) * np.exp(-0.25 * np.log1p(u * u).sum()))

    # Below e^-40 the phase, above e^60 the modulus (at most u^(-1/2) for t >= 2), is negligible.
    integral, _ = integrate.quad(integrand, -40.0, 60.0, limit=400, epsabs=1e-11, epsrel=1e-10)
    return float(0.5 + integral / np.pi)


def median_size(t: int, beta1: float, beta2: float) -> float:
    """Median of abs(u_t): exactly 1 at t = 1, then the root of exceedance = 1/2."""
    if t == 1:
        return 1.0
    return float(
        optimize.brentq(lambda c: exceedance(c, t, beta1, beta2) - 0.5, 1e-3, 3.0, xtol=1e-9)
    )


def equal_weights_median(t: float, beta1: float) -> float:
    """Median of abs(u_t) in the limit beta2 -> 1, t >= 2: u^2 ~ t sum a_i^2 Beta(1/2, (t-1)/2).

    Under equal weights u = sqrt(t) times the projection of a uniform direction on a; at t = inf it
    is normal with variance sum a_i^2 = (1-beta1)/(1+beta1).
    """
    require(t >= 2, "t", "be at least 2 (at t = 1 the update is +-1)", t)
    if math.isinf(t):
        return float(stats.halfnorm.median() * math.sqrt((1 - beta1) / (1 + beta1)))
    t = int(t)
    squares = float(np.sum(ema_weights(t, beta1) ** 2))
    return float(np.sqrt(t * squares * stats.beta.median(0.5, (t - 1) / 2)))


def sample_sizes(t: int, beta1: float, beta2: float, count: int, rng: np.random.Generator) -> Array:
    """Seeded sample of abs(u_t), shape (count,)."""
    gradients = rng.standard_normal((count, t))
    mean = gradients @ ema_weights(t, beta1)
    square = (gradients**2) @ ema_weights(t, beta2)
    return np.asarray(np.abs(mean) / np.sqrt(square))
