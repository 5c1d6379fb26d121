"""Finite or infinite moments of psi seen in numbers: what each decade near g = 0 adds.

psi is large where the chi variable q = sqrt(rho)/psi is small, and E[psi^p] collects q^(rho-p-1) dq
there. Each decade [eps/10, eps] then adds 10^(p - rho) times what the decade before it added: the
sum converges if that ratio is below 1.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
from scipy import integrate, stats

DECADES = (1e-3, 1e-4, 1e-5, 1e-6)
# The ratio between two decades near 0 differs from its limit by O(eps) at eps = 1e-3 at most; the
# claims' moments are at least 0.1 of an order away from the border, where the ratio is 1.
MARGIN = 0.01


def decade_ratio(density: Callable[[float], float], order: float) -> float:
    """How the shares of E[q^-order] from successive decades grow (q > 0 with ``density``)."""
    shares = []
    for start in DECADES:
        share, _ = integrate.quad(
            lambda u: density(np.exp(u)) * np.exp((1.0 - order) * u),
            np.log(start / 10.0),
            np.log(start),
        )
        shares.append(share)
    return float(shares[-1] / shares[-2])


def grows(ratio: float) -> bool:
    """Whether shares with this ratio sum to infinity (a ratio of 1 is logarithmic growth)."""
    return ratio > 1.0 - MARGIN


def psi_moment_ratio(rho: float, order: float) -> float:
    """:func:`decade_ratio` of E[psi^order] for rho degrees of freedom, by SciPy's chi law."""
    law = stats.chi(rho, scale=1.0 / sqrt(rho))
    return decade_ratio(lambda q: float(law.pdf(q)), order)


# Far out, where each factor of the transform is its power z^(-1/2) up to O(1/z).
OUTER = (1e6, 1e7)


def transform_decade_ratio(transform: Callable[[float], float], order: float) -> float:
    """How the shares of E[psi^order] from successive decades of its Mellin integral grow.

    E[psi^k] = 1/Gamma(k/2) int z^(k/2-1) M(z) dz with M(z) = E[exp(-z vhat)]; psi is large where
    vhat is small, which M shows at large z. The sum of the decades converges below a ratio of 1.
    """
    shares = []
    for start in OUTER:
        share, _ = integrate.quad(
            lambda u: transform(np.exp(u)) * np.exp(u * order / 2.0),
            np.log(start),
            np.log(10.0 * start),
        )
        shares.append(share)
    return float(shares[1] / shares[0])
