"""Moments E[v^q], q > 0, of a quadratic form from its Laplace transform."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from varlab.numerics.inversion import half_axes
from varlab.numerics.quadratic_form import QuadraticForm

# Trapezoidal rule in tau, Im(z) = scale sinh(tau), blocks of nodes until one adds nothing. The
# algebraic fall of the integrand is exponential in tau.
_STEP = 0.1
_BLOCK = 32
_LOG_NEGLIGIBLE = math.log(1e-19)


def power_moment(form: QuadraticForm, q: float) -> float:
    """E[v^q] = Gamma(1+q)/(2 pi i) int M(-zeta) zeta^(-q-1) dzeta, q > 0.

    From v^q = Gamma(1+q)/(2 pi i) int e^(zeta v) zeta^(-q-1) dzeta to the right of 0. The contour runs
    through the saddle between 0 and the abscissa of M, where nothing cancels; infinite where the
    moment exceeds the range of float64.
    """
    side = half_axes(form)[1]
    shape = side.value - (q + 1.0) * np.log(-side.zeta)
    at = int(np.argmin(shape))
    centre = float(side.zeta[at])
    curvature = float(side.second[at]) + (q + 1.0) / centre**2
    third = float(side.third[at]) - 2.0 * (q + 1.0) / centre**3
    scale = 1.0 / math.sqrt(curvature)
    bend = max(third, 0.0) / curvature**1.5 / 6.0  # steepest descent, away from the singularities
    peak = float(shape[at])
    total, first = 0.0, 0
    while True:
        tau = _STEP * np.arange(first, first + _BLOCK, dtype=np.float64)
        height = np.sinh(tau)
        z = centre + scale * height * (1j + bend * height)
        slope = scale * np.cosh(tau) * (1j + 2.0 * bend * height)
        log_m = form.log_transform(z)[0]
        terms = np.exp(log_m - (q + 1.0) * np.log(-z) - peak) * slope
        if first == 0:
            terms[0] *= 0.5
        total += float(terms.imag.sum())
        if np.max(np.abs(terms)) < math.exp(_LOG_NEGLIGIBLE) * scale:
            break
        first += _BLOCK
    with np.errstate(over="ignore"):
        log_moment = peak + math.log(total * _STEP / math.pi) + float(special.gammaln(q + 1.0))
        return float(np.exp(log_moment))
