"""Moments of psi_t at t = 2 and 3 by integrating against the Gaussian density itself.

The slow, obvious twin of :mod:`varlab.theory.exact_law`: no transform, no Mellin integral. In polar
coordinates g = r u the density of N(m, Sigma) is integrated over the radius and over directions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mpmath as mp
import sympy as sp

from varlab.core import require
from varlab.theory.exact_law import as_mpf
from varlab.theory.moving_average import ema_weight


def direct_moment(
    order: int,
    t: int,
    b2: sp.Rational,
    *,
    s: sp.Rational = sp.S.One,
    phi: sp.Rational = sp.S.Zero,
    digits: int = 50,
) -> mp.mpf:
    """E[psi_t^order] for zero-mean AR(1) gradients (i.i.d. for phi = 0), t in {2, 3}, t > order.

    Raises
    ------
    DomainError
        For another t, or an infinite moment.
    """
    require(t in (2, 3), "t", "be 2 or 3", t, "use exact_law.moment")
    require(t > order, "t", f"exceed {order}, the order of the moment", t)
    with mp.workdps(digits + 10):
        weights, precision, norm = _setting(t, b2, s, phi)

        def on_direction(u: Sequence[mp.mpf]) -> mp.mpf:
            # The radial integral of r^(t-1-k) exp(-r^2 Q/2) is Q^(-(t-k)/2) times that of Q = 1.
            quadratic = mp.fdot(u, precision * mp.matrix(u))
            mean_square = mp.fdot(weights, [e * e for e in u])
            return quadratic ** (-mp.mpf(t - order) / 2) * mean_square ** (-mp.mpf(order) / 2)

        radial = mp.quad(lambda r: r ** (t - 1 - order) * mp.exp(-r * r / 2), [0, 2, 6, 20])
        return norm * radial * _over_sphere(on_direction, t)


def direct_moment_with_mean(
    order: int,
    b2: sp.Rational,
    mu: sp.Rational,
    s: sp.Rational = sp.S.One,
    digits: int = 20,
    phi: sp.Rational = sp.S.Zero,
) -> mp.mpf:
    """E[psi_2^order], order < 2, for AR(1) gradients with mean mu: radius and angle do not separate.

    I.i.d. for phi = 0.
    """
    require(order < 2, "order", "be below 2, the step", order)
    with mp.workdps(digits + 4):
        weights, precision, norm = _setting(2, b2, s, phi)
        mean = as_mpf(mu)
        reach = (abs(mean) * 2 + 12) * as_mpf(s)

        def integrand(r: mp.mpf, angle: mp.mpf) -> mp.mpf:
            u = mp.cos_sin(angle)
            a, b = (r * e - mean for e in u)
            distance = precision[0, 0] * (a * a + b * b) + 2 * precision[0, 1] * a * b
            mean_square = mp.fdot(weights, [e * e for e in u])
            return r ** (1 - order) * mp.exp(-distance / 2) * mean_square ** (-mp.mpf(order) / 2)

        radii = mp.linspace(0, reach, 4)
        angles = mp.linspace(0, 2 * mp.pi, 5)
        return norm * mp.quad(integrand, radii, angles, method="gauss-legendre", maxdegree=5)


def _setting(
    t: int, b2: sp.Rational, s: sp.Rational, phi: sp.Rational
) -> tuple[list[mp.mpf], mp.matrix, mp.mpf]:
    weights = [as_mpf(ema_weight(sp.Integer(j), sp.Integer(t), b2)) for j in range(1, t + 1)]
    scale, lag = as_mpf(s) ** 2, as_mpf(phi)
    covariance = mp.matrix(t, t)
    for row in range(t):
        for column in range(t):
            covariance[row, column] = scale * lag ** abs(row - column)
    norm = 1 / mp.sqrt((2 * mp.pi) ** t * mp.det(covariance))
    return weights, mp.inverse(covariance), norm


def _over_sphere(function: Callable[[Sequence[mp.mpf]], mp.mpf], t: int) -> mp.mpf:
    if t == 2:
        quarters = mp.linspace(0, 2 * mp.pi, 9)
        return mp.quad(lambda a: function(mp.cos_sin(a)), quarters, method="gauss-legendre")

    def at(height: mp.mpf, angle: mp.mpf) -> mp.mpf:
        across = mp.sqrt(1 - height * height)
        cos, sin = mp.cos_sin(angle)
        return function((across * cos, across * sin, height))

    return mp.quad(
        at, [-1, 0, 1], mp.linspace(0, 2 * mp.pi, 5), method="gauss-legendre", maxdegree=5
    )
