"""Hyperbolic contours for the inversion of a Laplace transform, through a saddle on the real axis."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from varlab.numerics.inputs import Array, Complex

# Angle by which the contour's arms lean away from the vertical. Moved by Im tau = 0.7 to the right they
# are vertical, where e^(zeta x) no longer falls; by pi/2 - 0.7 to the left they meet the ray of
# singularities, everywhere at once. Below pi/4 a nearly Gaussian integrand falls along the arms.
_LEAN = 0.7
# Trapezoidal rule in tau: error exp(-2 pi 0.7/h) = 8e-20; on the scale of the saddle, where a pole may
# lie at one scale, exp(-2 pi/h) = 6e-19.
_STEP = 0.1
_STEP_PER_SCALE = 0.15
_BLOCK = 32
_LAST_BLOCK = 64
# An arm is given up once the integrand is below this share of its value at the saddle.
_LOG_NEGLIGIBLE = math.log(1e-19)


@dataclass(frozen=True, eq=False)
class Hyperbola:
    """zeta(tau) = centre - m sin(0.7) (cosh tau - 1) + i m cos(0.7) sinh tau, one for each entry.

    Parameters
    ----------
    centre : ndarray
        Saddle points on the real axis, where the contours cross it.
    end : ndarray
        Ends of the rays of singularities that the contours enclose, to the left or right of them:
        m = (centre - end)/(1 - sin 0.7).
    scale : ndarray
        Widths of the saddles along the contour, 1/sqrt(second derivative of the log integrand).
    """

    centre: Array
    end: Array
    scale: Array

    def blocks(self) -> Iterator[tuple[Complex, Complex]]:
        """Points of the upper halves and the weights dzeta of the trapezoidal rule, (entry, node)."""
        size = (self.centre - self.end) / (1.0 - math.sin(_LEAN))
        width = np.abs(size) * math.cos(_LEAN)
        step = np.minimum(_STEP, _STEP_PER_SCALE * self.scale / width)[:, None]
        for index in range(0, _BLOCK * _LAST_BLOCK, _BLOCK):
            tau = step * np.arange(index, index + _BLOCK)
            rise, sway = np.sinh(tau), 2.0 * np.sinh(0.5 * tau) ** 2
            arm = size[:, None] * (1j * math.cos(_LEAN) * rise - math.sin(_LEAN) * sway)
            slope = size[:, None] * (1j * math.cos(_LEAN) * np.cosh(tau) - math.sin(_LEAN) * rise)
            weight = slope * step
            if index == 0:  # the saddle belongs to both halves
                weight[:, 0] *= 0.5
            yield self.centre[:, None] + arm, weight


def negligible(log_size: Array) -> Array:
    """Mask of (entry, node): from the first node on whose log size, against the saddle, is nothing."""
    return np.logical_or.accumulate(log_size < _LOG_NEGLIGIBLE, axis=1)
