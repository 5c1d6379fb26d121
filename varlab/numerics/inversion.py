r"""Distribution of a quadratic form by numerical inversion of its Laplace transform.

    P(v < x) = 1/(2 pi i) int e^(zeta x) M(zeta) dzeta / zeta       to the right of 0,
    P(v > x) = the same integral with the opposite sign              between the singularities and 0,

along a hyperbola through the saddle point of the integrand on the real axis (saddle point: Rice 1980,
Helstrom 1996; hyperbola: Weideman & Trefethen 2007; Imhof 1961 is the same integral along the imaginary
axis). At the saddle the integrand is as small as the tail itself, so both tails keep relative accuracy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from varlab.numerics.contour import Hyperbola, negligible
from varlab.numerics.inputs import Array
from varlab.numerics.quadratic_form import QuadraticForm

# Real points where log M is tabulated: in log zeta for zeta > 0, in logit(-zeta/abscissa) below 0. The
# spline through them, of this degree, is searched on a grid finer by the refinement.
_SPACING = 0.25
_FIRST_LOG, _LAST_LOG = -8.0, 160.0  # of zeta in units of 1/mean
_LAST_LOGIT = 16.0
_DEGREE = 5
_REFINEMENT = 8
_POINTS_AT_ONCE = 128
_LARGEST_LOG_SIZE = 10.0
# Below this share of the mean the law is continued as the power x^(rank/2) that it is there.
_POWER_LAW_BELOW = math.exp(-150.0)


@dataclass(frozen=True)
class Law:
    """At each x: probabilities below and above, and the density; the smaller tail is relatively accurate."""

    below: Array
    above: Array
    density: Array


@dataclass(frozen=True, eq=False)
class HalfAxis:
    """Candidate saddles on one side of 0: zeta, K = log M and K'' there."""

    zeta: Array
    value: Array
    second: Array


def invert(form: QuadraticForm, x: Array) -> Law:
    """P(v < x), P(v > x) and the density of v at x > 0 (1-d, finite)."""
    floor = _POWER_LAW_BELOW * form.mean
    law = _invert(form, np.maximum(x, floor))
    with np.errstate(under="ignore"):
        shrunk = (np.minimum(x, floor) / floor) ** (0.5 * form.rank)
        density = law.density * shrunk * np.where(x < floor, floor / x, 1.0)
        above = np.where(x < floor, 1.0, law.above)
        return Law(law.below * shrunk, above, density)


def _invert(form: QuadraticForm, x: Array) -> Law:
    below, above, density = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    positive, negative = half_axes(form)
    for side, here in ((positive, x < form.mean), (negative, x >= form.mean)):
        index = np.flatnonzero(here)
        for first in range(0, len(index), _POINTS_AT_ONCE):
            part = index[first : first + _POINTS_AT_ONCE]
            tail, density[part] = _saddle_integrals(form, side, x[part])
            small, large = (below, above) if side is positive else (above, below)
            small[part], large[part] = tail, 1.0 - tail
    return Law(below, above, density)


def _saddle_integrals(form: QuadraticForm, side: HalfAxis, x: Array) -> tuple[Array, Array]:
    """The tail on the side's own end, and the density."""
    # e^(zeta x) M(zeta)/zeta is convex in its logarithm on each half-axis.
    exponent = np.multiply.outer(x, side.zeta) + (side.value - np.log(np.abs(side.zeta)))
    saddle = np.argmin(exponent, axis=1)
    centre = side.zeta[saddle]
    scale = 1.0 / np.sqrt(side.second[saddle] + centre**-2.0)
    # The singularities on the left: the pole at 0 first, or those of M.
    end = np.zeros_like(centre) if side.zeta[0] > 0 else np.full_like(centre, -form.abscissa)
    log_peak = (side.value[saddle] + centre * x)[:, None]
    density, tail = np.zeros_like(x), np.zeros_like(x)
    for path, weight in Hyperbola(centre, end, scale).blocks():
        log_m = form.log_transform(path.ravel()).reshape(path.shape)
        log_size = log_m + path * x[:, None] - log_peak
        # On the contour nothing exceeds the saddle; where log_m is so large that its rounding does, the
        # tail itself has underflowed.
        log_size.real = np.minimum(log_size.real, _LARGEST_LOG_SIZE)
        lost = negligible(log_size.real + np.log(np.abs(weight) / scale[:, None]))
        integrand = np.exp(np.where(lost, 0.0, log_size)) * np.where(lost, 0.0, weight)
        density += integrand.imag.sum(axis=1)
        tail += (integrand / path).imag.sum(axis=1)
        if lost[:, -1].all():
            break
    # The lower half of the contour is the conjugate of the upper: 2/(2 pi).
    with np.errstate(under="ignore", over="ignore"):
        factor = np.exp(log_peak[:, 0]) / math.pi
        return np.clip(np.abs(tail) * factor, 0.0, 1.0), np.maximum(density * factor, 0.0)


@lru_cache(maxsize=64)
def half_axes(form: QuadraticForm) -> tuple[HalfAxis, HalfAxis]:
    """Tables for zeta > 0 and zeta < 0, from one evaluation of log M."""
    logs = np.arange(_FIRST_LOG, _LAST_LOG, _SPACING) - math.log(form.mean)
    first = min(_FIRST_LOG, logs[0] - math.log(form.abscissa))
    logits = np.arange(first, _LAST_LOGIT, _SPACING)
    ends = len(logs)
    zeta = np.concatenate([np.exp(logs), -form.abscissa / (1.0 + np.exp(-logits))])
    value = form.log_transform(zeta)
    u = np.linspace(logs[0], logs[-1], _REFINEMENT * ends)
    z = np.exp(u)
    positive = _half_axis(logs, value[:ends], u, (z, z, z))
    u = np.linspace(logits[0], logits[-1], _REFINEMENT * len(logits))
    share = 1.0 / (1.0 + np.exp(-u))
    z = -form.abscissa * share
    slope = z * (1.0 - share)
    return positive, _half_axis(logits, value[ends:], u, (z, slope, slope * (1.0 - 2.0 * share)))


def _half_axis(knots: Array, value: Array, u: Array, jet: tuple[Array, Array, Array]) -> HalfAxis:
    """Refine K over u; ``jet`` is zeta(u) with its first two derivatives, for the chain rule."""
    from scipy.interpolate import make_interp_spline  # a third of the layer's import time

    spline = make_interp_spline(knots, value, k=_DEGREE)
    zeta, z1, z2 = jet
    first = spline(u, 1) / z1
    second = (spline(u, 2) - first * z2) / z1**2
    return HalfAxis(zeta, spline(u), np.maximum(second, 0.0))
