r"""Distribution of a quadratic form by numerical inversion of its Laplace transform.

    P(v < x) = 1/(2 pi i) int e^(zeta x) M(zeta) dzeta / zeta       to the right of 0,
    P(v > x) = the same integral with the opposite sign              between the singularities and 0,

along a parabola through the saddle point of the integrand on the real axis, bent the way of steepest
descent (Rice 1980, Helstrom 1996; Imhof 1961 is the same integral along the imaginary axis). At the
saddle the integrand is as small as the tail itself, so both tails keep relative accuracy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import make_interp_spline

from varlab.numerics.inputs import Array
from varlab.numerics.quadratic_form import QuadraticForm

# Real points where log M is tabulated: in log zeta for zeta > 0, in logit(-zeta/abscissa) below 0. The
# spline through them, of this degree, is searched on a grid finer by the refinement.
_SPACING = 0.25
_UPPER_LOGS = (-8.0, 160.0)
_LOWER_LOGITS = (-16.0, 16.0)
_DEGREE = 5
_REFINEMENT = 8
# Trapezoidal rule in tau, Im(zeta) = scale sinh(tau): the nearest singularity lies about 0.7 scale
# away, at Im tau = 0.78, so the error is about exp(-2 pi 0.78/h) = 5e-22 at h = 0.1.
_STEP = 0.1
_HEIGHTS = np.sinh(np.arange(0.0, 5.0, _STEP))
_SLOPES = np.cosh(np.arange(0.0, 5.0, _STEP))
# Beyond the first node below this share of the peak the contour has left the saddle's descent.
_LOG_NEGLIGIBLE = math.log(1e-19)
# Steepest descent bends by skewness/6; one chi-square has 2.8.
_LARGEST_SKEWNESS = 3.0
_POINTS_AT_ONCE = 128
# Below this share of the mean the law is continued as the power x^(rank/2) that it is there.
_POWER_LAW_BELOW = math.exp(-150.0)


@dataclass(frozen=True)
class Law:
    """At each x: probabilities below and above, and the density; the smaller tail is relatively accurate."""

    below: Array
    above: Array
    density: Array


@dataclass(frozen=True, eq=False)
class _HalfAxis:
    """Candidate saddles on one side of 0: zeta, K = log M there, and K'', K''' in zeta."""

    zeta: Array
    value: Array
    second: Array
    third: Array


def invert(form: QuadraticForm, x: Array) -> Law:
    """P(v < x), P(v > x) and the density of v at x > 0 (1-d, finite)."""
    floor = _POWER_LAW_BELOW * form.mean
    law = _invert(form, np.maximum(x, floor))
    with np.errstate(under="ignore"):
        shrunk = (np.minimum(x, floor) / floor) ** (0.5 * form.rank)
        density = law.density * shrunk * np.maximum(floor / x, 1.0)
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


def _saddle_integrals(form: QuadraticForm, side: _HalfAxis, x: Array) -> tuple[Array, Array]:
    """The tail on the side's own end, and the density."""
    zeta = side.zeta
    # e^(zeta x) M(zeta)/zeta is convex in its logarithm on each half-axis.
    exponent = np.multiply.outer(x, zeta) + (side.value - np.log(np.abs(zeta)))
    saddle = np.argmin(exponent, axis=1)
    centre = zeta[saddle]
    curvature = side.second[saddle] + centre**-2.0
    skewness = np.clip(-side.third[saddle] / curvature**1.5, 0.0, _LARGEST_SKEWNESS)
    scale = 1.0 / np.sqrt(curvature)
    bend = np.multiply.outer(skewness / 6.0, _HEIGHTS)
    path = centre[:, None] + scale[:, None] * (1j - bend) * _HEIGHTS
    slope = scale[:, None] * (1j - 2.0 * bend) * _SLOPES
    log_m = form.log_transform(path.ravel())[0].reshape(path.shape)
    log_integrand = log_m + path * x[:, None]
    peak = log_integrand[:, :1].real
    size = log_integrand.real - peak + np.log(np.abs(slope / slope[:, :1]))
    lost = np.logical_or.accumulate(size < _LOG_NEGLIGIBLE, axis=1)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        integrand = np.where(lost, 0.0, np.exp(np.where(lost, 0.0, log_integrand - peak)) * slope)
        integrand[:, 0] *= 0.5
        # By symmetry the lower half of the contour is the conjugate of the upper.
        factor = np.exp(peak[:, 0]) * (_STEP / math.pi)
        density = factor * integrand.imag.sum(axis=1)
        tail = factor * (integrand / path).imag.sum(axis=1)
    tail = np.abs(tail)
    return np.clip(tail, 0.0, 1.0), np.maximum(density, 0.0)


@lru_cache(maxsize=64)
def half_axes(form: QuadraticForm) -> tuple[_HalfAxis, _HalfAxis]:
    """Tables for zeta > 0 and zeta < 0, from one evaluation of log M."""
    logs = np.arange(*_UPPER_LOGS, _SPACING) - math.log(form.mean)
    logits = np.arange(*_LOWER_LOGITS, _SPACING)
    ends = len(logs)
    zeta = np.concatenate([np.exp(logs), -form.abscissa / (1.0 + np.exp(-logits))])
    value = form.log_transform(zeta)[0]
    fine = np.linspace(logs[0], logs[-1], _REFINEMENT * len(logs))
    z = np.exp(fine)
    positive = _half_axis(logs, value[:ends], fine, (z, z, z, z))
    usable = np.isfinite(value[ends:])  # the abscissa of an AR(1) form is approximate
    logits = logits[usable]
    fine = np.linspace(logits[0], logits[-1], _REFINEMENT * len(logits))
    share = 1.0 / (1.0 + np.exp(-fine))
    first = share * (1.0 - share)
    second = first * (1.0 - 2.0 * share)
    third = first * (1.0 - 6.0 * first)
    jet = (share, first, second, third)
    scaled = tuple(-form.abscissa * entry for entry in jet)
    negative = _half_axis(
        logits, value[ends:][usable], fine, (scaled[0], scaled[1], scaled[2], scaled[3])
    )
    return positive, negative


def _half_axis(
    knots: Array, value: Array, u: Array, jet: tuple[Array, Array, Array, Array]
) -> _HalfAxis:
    """Refine K over u; ``jet`` is zeta(u) with its first three derivatives, for the chain rule."""
    spline = make_interp_spline(knots, value, k=_DEGREE)
    zeta, z1, z2, z3 = jet
    first = spline(u, 1) / z1
    second = (spline(u, 2) - first * z2) / z1**2
    third = (spline(u, 3) - 3.0 * second * z1 * z2 - first * z3) / z1**3
    return _HalfAxis(zeta, spline(u), np.maximum(second, 0.0), third)
