"""The EMA's weights, and the same weights compressed by Gauss quadrature over the lags."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from varlab.core.memory import require_memory
from varlab.numerics.degrees_of_freedom import decay_rate
from varlab.numerics.inputs import Array, below_one, number, whole_from_one

# A panel spans this range of log weight and gets this many nodes. A function of log weight that is
# analytic up to distance pi (as log(1 + 2 z w) is for z > 0) then has a relative error below
# (pi/2 + sqrt(1 + pi^2/4))^(-2 * 16) = 1e-17 per panel.
_PANEL_SPAN = 4.0
_PANEL_NODES = 16
# Up to here the terms are kept one by one.
_DIRECT = 64
# Weights below this are left out whatever the depth: the transform's argument must reach their inverse.
_SMALLEST = 1e-280


def ema_weights(t: int, beta2: float) -> Array:
    """Bias-corrected weights w_i = (1-beta2) beta2^(t-i) / (1-beta2^t), i = 1..t (R section 3).

    Parameters
    ----------
    t : int
        Step, >= 1.
    beta2 : float
        EMA decay in [0, 1).

    Returns
    -------
    ndarray, shape (t,)
        Oldest gradient first; sums to 1. Weights below 1e-308 come out as 0.

    Raises
    ------
    DomainError
        For t < 1 or not whole, beta2 outside [0, 1).

    Examples
    --------
    >>> ema_weights(3, 0.5).round(4).tolist()
    [0.1429, 0.2857, 0.5714]
    """
    steps = number("t", t, "be an integer >= 1", whole_from_one)
    b = number("beta2", beta2, "lie in [0, 1)", below_one)
    require_memory(24 * steps, f"an average over {steps:g} steps", "take a smaller t")
    return lag_weights(np.arange(int(steps))[::-1].astype(np.float64), steps, b)


def lag_weights(lags: Array, t: float, beta2: float) -> Array:
    """Weights at the given lags t - i; ``t`` may be infinite, lags need not be whole."""
    if beta2 == 0.0:
        return np.where(lags == 0, 1.0, 0.0)
    rate = float(decay_rate(np.asarray(beta2)))
    return np.exp(-rate * lags) * ((1.0 - beta2) / -math.expm1(-rate * t))


def bias_correction(t: ArrayLike, beta: float) -> Array:
    """1 - beta^t, the sum of the plain average's weights, without cancellation (A section 3).

    ``t`` of any shape, >= 0; ``beta`` in [0, 1); the result has the shape of ``t``.
    """
    if beta == 0:
        return np.ones(np.shape(t))
    return np.asarray(-np.expm1(np.asarray(t) * math.log(beta)))


def kept_terms(t: float, beta2: float, depth: float) -> int:
    """How many of the newest terms have weight above e^-depth of the newest one's."""
    if beta2 == 0.0:
        return 1
    return int(min(t, math.ceil(depth / float(decay_rate(np.asarray(beta2))))))


@lru_cache(maxsize=4096)
def lattice_gauss(length: int) -> tuple[Array, Array]:
    """Gauss nodes and weights for the sum over the lattice 0, 1, ..., length-1.

    Exact for polynomials of degree below 32; the weights are positive and sum to ``length``
    (Golub-Welsch on the recurrence of the discrete Chebyshev polynomials,
    b_k = k^2 (length^2 - k^2) / (4 (4 k^2 - 1))).
    """
    n = float(length)
    k = np.arange(1.0, _PANEL_NODES)
    off_diagonal = np.sqrt(k**2 * (1.0 - (k / n) ** 2) / (4.0 * k**2 - 1.0))  # unit: n/2
    nodes, vectors = np.linalg.eigh(np.diag(off_diagonal, -1), UPLO="L")
    weights = vectors[0] ** 2
    return 0.5 * (n - 1.0) + 0.5 * n * nodes, n * weights / weights.sum()


def ema_atoms(t: float, beta2: float, depth: float) -> tuple[Array, Array]:
    """Weights and multiplicities that stand for the EMA's terms in sums of smooth functions.

    Parameters
    ----------
    t : float
        Step, >= 1 or infinite.
    beta2 : float
        In [0, 1).
    depth : float
        Terms whose weight lies below e^-depth of the newest one's are left out: a share of the
        total weight of e^-depth.

    Returns
    -------
    weights, multiplicities : ndarray
        At most about ``4 depth`` of each. sum_j multiplicity_j f(weight_j) equals
        sum_i f(w_i) over the kept terms, exactly where the terms are few or fall fast, else to
        1e-16 of its size for f analytic in log w (see ``_PANEL_SPAN``).
    """
    terms = kept_terms(t, beta2, depth)
    panel = int(_PANEL_SPAN / float(decay_rate(np.asarray(beta2)))) if beta2 > 0 else 0
    # Terms are dealt evenly, so a panel may come out half as long as asked for: it must still be
    # longer than a rule has nodes.
    if terms <= _DIRECT or panel <= 2 * _PANEL_NODES:
        weights = lag_weights(np.arange(float(terms)), t, beta2)
        weights = weights[weights > _SMALLEST]
        return weights, np.ones(len(weights))
    panels = -(-terms // panel)
    short, longer = divmod(terms, panels)
    lags, multiplicities = [], []
    start = 0
    for index in range(panels):
        length = short + (index < longer)
        nodes, counts = lattice_gauss(length)
        lags.append(start + nodes)
        multiplicities.append(counts)
        start += length
    return lag_weights(np.concatenate(lags), t, beta2), np.concatenate(multiplicities)
