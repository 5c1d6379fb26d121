"""The exact law of psi_t, slowly: mp.quad over the product, or determinant, that defines it.

Companion of :mod:`varlab.numerics.oracle`, under the same rules. ``sigma`` is 1 throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath as mp

Real: TypeAlias = Any  # mpmath's mpf carries no types
Transform: TypeAlias = Callable[[Real], Real]

# Up to this many steps the product is a plain loop.
_LOOPED = 100
# Digits carried. mp.quad stops between 20 and 45 correct ones here, which leaves a variance of 1e-8 of
# the second moment, the smallest compared, good to 1e-12 and better.
DIGITS = 50


def independent(t: int, beta2: float, mu: float = 0.0) -> Transform:
    """M(z) = prod_i (1 + 2 z w_i)^(-1/2) exp(-z mu^2 w_i/(1 + 2 z w_i)), as a loop."""
    b, m2 = mp.mpf(beta2), mp.mpf(mu) ** 2
    weights = [(1 - b) * b**k / (1 - b**t) for k in range(t)]

    def transform(z: Real) -> Real:
        product, exponent = mp.mpf(1), mp.mpf(0)
        for w in weights:
            factor = 1 + 2 * z * w
            # Roots are taken factor by factor: the root of a complex product changes branch.
            product *= mp.sqrt(factor) if isinstance(z, mp.mpc) else factor
            if m2:
                exponent += w / factor
        return mp.exp(-z * m2 * exponent) / (product if isinstance(z, mp.mpc) else mp.sqrt(product))

    return transform


def independent_long(t: int, beta2: float, mu: float = 0.0) -> Transform:
    """The same for thousands of steps: newest factors as a loop, the rest by cumulants; z > 0.

    Once 2 z w < 1/4, sum_i log(1 + 2 z w_i) = -sum_j (-2z)^j/j p_j with the power sums
    p_j = sum_i w_i^j of geometric weights, and sum_i w_i/(1 + 2 z w_i) = sum_j (-2z)^(j-1) p_j.
    """
    b, m2 = mp.mpf(beta2), mp.mpf(mu) ** 2
    newest = (1 - b) / (1 - b**t)

    def transform(z: Real) -> Real:
        log_product, exponent, w, k = mp.mpf(0), mp.mpf(0), newest, 0
        while k < t and 2 * z * w >= mp.mpf(1) / 4:
            log_product += mp.log(1 + 2 * z * w)
            exponent += w / (1 + 2 * z * w)
            w, k = w * b, k + 1
        power, j = -2 * z * w, 1
        while k < t and abs(power) > mp.eps:
            size = power * (1 - b ** (j * (t - k))) / (1 - b**j)
            log_product -= size / j
            exponent -= size / (2 * z)
            power, j = power * (-2 * z * w), j + 1
        return mp.exp(-log_product / 2 - z * m2 * exponent)

    return transform


def covariance(t: int, ar1: float) -> Real:
    """Sigma_ij = phi^|i-j|, as an mpmath matrix."""
    phi, sigma = mp.mpf(ar1), mp.matrix(t, t)
    for i in range(t):
        for j in range(t):
            sigma[i, j] = phi ** abs(i - j)
    return sigma


def autoregressive(t: int, beta2: float, mu: float, ar1: float) -> Transform:
    """det(I + 2z W^(1/2) Sigma W^(1/2))^(-1/2) and its noncentral factor, by the eigenvalues."""
    b, m = mp.mpf(beta2), mp.mpf(mu)
    roots = [mp.sqrt((1 - b) * b ** (t - 1 - i) / (1 - b**t)) for i in range(t)]
    eigenvalues, vectors = mp.eigsy(mp.diag(roots) * covariance(t, ar1) * mp.diag(roots))
    shifts = m * (vectors.T * mp.matrix(roots))

    def transform(z: Real) -> Real:
        product, exponent = mp.mpf(1), mp.mpf(0)
        for value, shift in zip(eigenvalues, shifts, strict=True):
            product *= mp.sqrt(1 + 2 * z * value)
            exponent += shift**2 / (1 + 2 * z * value)
        return mp.exp(-z * exponent) / product

    return transform


def autoregressive_by_determinant(t: int, beta2: float, mu: float, ar1: float) -> Transform:
    """The same by matrix algebra, z > 0: det(I + 2z Sigma W), 1' W (I + 2z Sigma W)^(-1) 1."""
    b, m, sigma, ones = mp.mpf(beta2), mp.mpf(mu), covariance(t, ar1), mp.ones(t, 1)
    w = mp.diag([(1 - b) * b ** (t - 1 - i) / (1 - b**t) for i in range(t)])

    def transform(z: Real) -> Real:
        matrix = mp.eye(t) + 2 * z * sigma * w
        quadratic = (ones.T * w * mp.lu_solve(matrix, ones))[0]
        return mp.exp(-z * m**2 * quadratic) / mp.sqrt(mp.det(matrix))

    return transform


def _integral(function: Callable[[Real], Real], mean: Real) -> Real:
    """Over (0, inf), in pieces on the scale 1/E[vhat_t] that mp.quad resolves."""
    return mp.quad(function, [0, 1 / mean, 8 / mean, 64 / mean, mp.inf])


@dataclass(frozen=True)
class OracleLaw:
    """psi_t given by the transform of vhat_t and its mean 1 + mu^2; quadratures carry ``digits``."""

    transform: Transform
    mean_vhat: float
    digits: int

    def moment(self, k: float) -> Real:
        """E[psi^k] = 1/Gamma(k/2) int z^(k/2-1) M(z) dz, for 0 < k < t."""
        with mp.workdps(self.digits):
            p, mean = mp.mpf(k) / 2, mp.mpf(self.mean_vhat)
            if p < 0.5:  # u = z^p takes the singular end away from mp.quad
                return _integral(lambda u: self.transform(u ** (1 / p)), mean) / mp.gamma(p + 1)
            return _integral(lambda z: z ** (p - 1) * self.transform(z), mean) / mp.gamma(p)

    def variance(self) -> Real:
        """Var[psi_t] = E[psi_t^2] - E[psi_t]^2, by subtraction."""
        with mp.workdps(self.digits):
            return self.moment(2) - self.moment(1) ** 2

    def root_vhat_mean(self) -> Real:
        """E[1/psi_t] = E[sqrt(vhat_t)] = 1/(2 sqrt(pi)) int z^(-3/2) (1 - M(z)) dz."""
        with mp.workdps(self.digits):
            mean = mp.mpf(self.mean_vhat)
            part = _integral(lambda z: z ** mp.mpf(-1.5) * (1 - self.transform(z)), mean)
            return part / (2 * mp.sqrt(mp.pi))

    def log_moments(self) -> tuple[Real, Real]:
        """E[log psi_t] and Var[log psi_t].

        From int z^(p-1) (M(z) - [z < 1]) dz = Gamma(p) E[v^-p] - 1/p at p = 0 and in its derivative:
        -gamma - E[log v], and gamma^2/2 + pi^2/12 + gamma E[log v] + E[log(v)^2]/2.
        """
        with mp.workdps(self.digits):

            def integral(weight: Callable[[Real], Real]) -> Real:
                near = mp.quad(lambda z: weight(z) * (self.transform(z) - 1) / z, [0, 0.1, 1])
                return near + mp.quad(lambda z: weight(z) * self.transform(z) / z, [1, 8, mp.inf])

            first = -mp.euler - integral(lambda z: mp.mpf(1))
            constant = mp.euler**2 / 2 + mp.pi**2 / 12 + mp.euler * first
            second = 2 * (integral(mp.log) - constant)
            return -first / 2, (second - first**2) / 4

    def distribution(self, x: float) -> Real:
        """P(psi_t <= x) = 1 - P(vhat_t < 1/x^2), by Talbot's inversion of M(z)/z."""
        with mp.workdps(self.digits):
            below = mp.invertlaplace(
                lambda z: self.transform(z) / z, mp.mpf(x) ** -2, method="talbot"
            )
            return 1 - below


def oracle_law(
    t: int, beta2: float, mu: float = 0.0, ar1: float = 0.0, digits: int = DIGITS
) -> OracleLaw:
    """The twin of ``AdaptiveRate(t, beta2, mu, 1, ar1)``."""
    with mp.workdps(digits):
        if ar1 != 0.0:
            transform = autoregressive(t, beta2, mu, ar1)
        else:
            transform = (independent if t <= _LOOPED else independent_long)(t, beta2, mu)
    return OracleLaw(transform, 1.0 + mu**2, digits)
