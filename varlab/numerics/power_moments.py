"""Moments E[v^q], q > 0, of a quadratic form from its Laplace transform."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from varlab.numerics.contour import Hyperbola, negligible
from varlab.numerics.inversion import half_axes
from varlab.numerics.quadratic_form import QuadraticForm


def log_power_moment(form: QuadraticForm, q: float) -> float:
    """Logarithm of E[v^q] = Gamma(1+q)/(2 pi i) int M(-zeta) zeta^(-q-1) dzeta, q > 0.

    From v^q = Gamma(1+q)/(2 pi i) int e^(zeta v) zeta^(-q-1) dzeta to the right of 0. The contour runs
    through the saddle between 0 and the abscissa of M, where nothing cancels.
    """
    side = half_axes(form)[1]
    shape = side.value - (q + 1.0) * np.log(-side.zeta)
    at = int(np.argmin(shape))
    centre, peak = side.zeta[at : at + 1], float(shape[at])
    scale = 1.0 / np.sqrt(side.second[at] + (q + 1.0) / centre**2)
    total = 0.0
    # In z = -zeta the power's own cut is the ray to the right of 0, which the contour encloses.
    for z, weight in Hyperbola(centre, np.zeros(1), scale).blocks():
        log_size = form.log_transform(z[0]) - (q + 1.0) * np.log(-z[0]) - peak
        lost = negligible((log_size.real + np.log(np.abs(weight[0]) / scale))[None, :])[0]
        terms = np.exp(np.where(lost, 0.0, log_size)) * np.where(lost, 0.0, weight[0])
        total += float(terms.imag.sum())
        if lost[-1]:
            break
    return peak + math.log(abs(total) / math.pi) + float(special.gammaln(q + 1.0))
