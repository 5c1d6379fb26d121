"""The quadratic form vhat_t of Adam's second moment, for independent or AR(1) Gaussian gradients."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from varlab.core.errors import require
from varlab.core.memory import require_memory
from varlab.numerics.degrees_of_freedom import decay_rate
from varlab.numerics.quadratic_form import AutoregressiveForm, QuadraticForm, WeightedChiSquares
from varlab.numerics.weights import ema_atoms, kept_terms, lag_weights

# Weights below e^-50 = 2e-22 of the newest cannot be seen in double precision where the transform is
# needed up to z = 1 only.
_DEPTH = 50.0
# ... and 1e-18 of the integrand lies beyond this many standard deviations of its log, see `depth`.
_SIGMAS = 9.2
# beta2^2, the third weight, and its inverse must stay in the range of float64 with room to spare.
_SMALLEST_DECAY = 1e-100


def depth(beta2: float, order: float) -> float:
    """How far down in log weight the terms of vhat_t matter for E[psi^order].

    M(e^s) falls like exp(-s^2/(4 a)), a = -log(beta2), once e^s has passed the newest weight (s/a terms
    are then active), so the integrand of E[psi^k], e^(k s/2) M(e^s), has its peak at s = k a with
    width sqrt(2 a); a term matters while z w is not negligible there.
    """
    rate = float(decay_rate(np.asarray(beta2)))
    return _DEPTH + max(order, 0.0) * rate + _SIGMAS * math.sqrt(2.0 * rate)


def require_decay_in_range(beta2: float) -> None:
    """Refuse 0 < beta2 < 1e-100: the weights that decide the moments leave the range of float64."""
    require(
        beta2 == 0.0 or beta2 >= _SMALLEST_DECAY,
        "beta2",
        f"be 0 or at least {_SMALLEST_DECAY:g} for the exact law",
        beta2,
        "use 0",
    )


@lru_cache(maxsize=256)
def ema_form(t: float, beta2: float, mu: float, ar1: float, order: float = 2.0) -> QuadraticForm:
    """vhat_t for g of unit variance, ready for moments E[psi^k] with k <= order.

    Parameters
    ----------
    t : float
        Step, whole and >= 1, or infinite.
    beta2 : float
        In [0, 1).
    mu : float
        Mean over standard deviation of the gradients.
    ar1 : float
        Their AR(1) coefficient, in (-1, 1).
    order : float
        Largest k needed.

    Raises
    ------
    DomainError
        For 0 < beta2 < 1e-100: the weights that decide the moments leave the range of float64.
    """
    require_decay_in_range(beta2)
    reach = depth(beta2, order) if beta2 > 0.0 else _DEPTH
    if ar1 == 0.0:
        weights, counts = ema_atoms(t, beta2, reach)
        return WeightedChiSquares(weights, counts, mu)
    terms = kept_terms(t, beta2, reach)
    require_memory(24 * terms, f"an AR(1) law over {terms:g} steps", "take a smaller t or beta2")
    # The oldest terms left out, those kept are the same stationary process: nothing else changes.
    return AutoregressiveForm(lag_weights(np.arange(terms - 1.0, -1.0, -1.0), t, beta2), ar1, mu)
