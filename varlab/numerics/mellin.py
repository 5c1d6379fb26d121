r"""Moments of v^(-1/2) from the Laplace transform of v, as Mellin integrals without cancellation.

With E[v] = 1 (scaled so) and the gap D(z) = M(z) - e^-z >= 0, which is O(z^2) at 0,

    E[v^-p]      = 1 + 1/Gamma(p) int_0^oo z^(p-1) D(z) dz                             (p > 0)
    Var[v^-1/2]  = int_0^oo (1 - 2/sqrt(pi z)) D(z) dz - (1/sqrt(pi) int_0^oo z^(-1/2) D(z) dz)^2
    E[log v]     = -int_0^oo D(z) dz/z
    Var[log v]   = 2 int_0^oo (gamma + log z) D(z) dz/z - (int_0^oo D(z) dz/z)^2

The subtraction of e^-z, the transform of the constant 1, is what keeps small variances: all four are
of the size of Var[v], and what is left of cancellation is a factor below 10. The integrals are taken by the
trapezoidal rule in log z, which converges exponentially: the integrands are analytic for
|arg z| < pi/2 at least.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from varlab.numerics.inputs import Array
from varlab.numerics.quadratic_form import QuadraticForm

# Step of the trapezoidal rule in log z at small p. Its error is |Gamma(p + 2 + 2 pi i/h)| relative
# to Gamma(p + 2): 2e-18 at h = 0.2, p = 1. The step shrinks with the width 1/sqrt(p) of the peak.
_STEP = 0.2
# Nodes are evaluated in blocks until a whole block adds less than this share.
_BLOCK = 36
_NEGLIGIBLE = 1e-18
# On the left the integrand falls like z^(p+2): e^-42 = 6e-19.
_LEFT_EXPONENT = 42.0
# The far transform counts as a pure power z^(-rank/2) when its log slope is this close to it.
_POWER_SLOPE_ERROR = 1e-13


@dataclass(frozen=True)
class GapNodes:
    """Nodes of the trapezoidal rule: log z, log D(z), the step, and the exponent of a power tail.

    ``tail_rank`` is None where the nodes reach the end of the integrand; else D ~ z^(-tail_rank/2)
    beyond the last node.
    """

    log_z: Array
    log_gap: Array
    step: float
    tail_rank: float | None

    def mellin(self, p: float, log_scale: float = 0.0) -> float:
        """exp(-log_scale) int_0^oo z^(p-1) D(z) dz."""
        with np.errstate(over="ignore", under="ignore"):
            terms = np.exp(self.log_gap + p * self.log_z - log_scale)
        total = float(terms.sum())
        if self.tail_rank is not None:  # the trapezoidal rule continued: a geometric series
            total += float(terms[-1]) / math.expm1(self.step * (0.5 * self.tail_rank - p))
        return self.step * total


def gap_nodes(form: QuadraticForm, p: float, lowest: float) -> GapNodes:
    """Evaluate D on the nodes that integrals of z^(p-1) D(z), and of p down to ``lowest``, need.

    Parameters
    ----------
    form : QuadraticForm
        Scaled so that its mean is 1 by the change of variable z -> z/mean.
    p : float
        The largest exponent, < rank/2.
    lowest : float
        The smallest, >= 0.
    """
    step = _STEP / math.sqrt(1.0 + p / 8.0)
    start = -_LEFT_EXPONENT / (lowest + 2.0)
    logs, gaps = [], []
    largest = -math.inf
    tail = None
    for log_z in _blocks(start, step):
        z = np.exp(log_z)
        log_gap, log_m = _log_gap(form, z)
        logs.append(log_z)
        gaps.append(log_gap)
        with np.errstate(invalid="ignore"):
            sizes = log_gap + p * log_z
        largest = max(largest, float(sizes.max()))
        if log_z[0] > math.log1p(p) and sizes.max() < largest + math.log(_NEGLIGIBLE):
            break
        slope = (log_m[-1] - log_m[0]) / (log_z[-1] - log_z[0])
        if p > 0 and abs(slope + 0.5 * form.rank) < _POWER_SLOPE_ERROR * form.rank:
            tail = form.rank
            break
    return GapNodes(np.concatenate(logs), np.concatenate(gaps), step, tail)


def _blocks(start: float, step: float) -> Iterator[Array]:
    index = 0
    while True:
        yield start + step * np.arange(index, index + _BLOCK, dtype=np.float64)
        index += _BLOCK


def _log_gap(form: QuadraticForm, z: Array) -> tuple[Array, Array]:
    """Logarithms of D(z) and M(z), z in units of 1/mean."""
    direct, excess = form.log_transform_and_excess(z / form.mean)
    # Where the excess is small against z, z cancels less in excess - z than log M loses by summing.
    log_m = np.where(excess < 0.5 * z, excess - z, direct)
    with np.errstate(divide="ignore", over="ignore"):
        near = np.log(np.expm1(np.minimum(excess, 1.0))) - z
        far = log_m + np.log(-np.expm1(-np.maximum(excess, 1.0)))
    return np.where(excess < 1.0, near, far), log_m


def log_inverse_moment(form: QuadraticForm, p: float) -> float:
    """Logarithm of E[v^-p], 0 < p < rank/2; infinite where the moment exceeds the range of float64 by far."""
    nodes = gap_nodes(form, p, p)
    return math.log1p(nodes.mellin(p, float(special.gammaln(p)))) - p * math.log(form.mean)


def root_variance(form: QuadraticForm) -> float:
    """Var[v^(-1/2)], rank > 2."""
    nodes = gap_nodes(form, 1.0, 0.5)
    half = nodes.mellin(0.5) / math.sqrt(math.pi)
    return (nodes.mellin(1.0) - 2.0 * half - half * half) / form.mean


def log_moments(form: QuadraticForm) -> tuple[float, float]:
    """E[log v] and Var[log v]; both exist for every form."""
    nodes = gap_nodes(form, 0.0, 0.0)
    gap = np.exp(nodes.log_gap) * nodes.step
    first = float(gap.sum())
    second = float(gap @ (np.euler_gamma + nodes.log_z))
    return math.log(form.mean) - first, 2.0 * second - first * first
