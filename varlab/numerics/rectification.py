"""Rectification factors r_t = sqrt(C_var / Var[psi_t]): the paper's, Kish's and the exact one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from varlab.core.errors import among, require
from varlab.numerics.degrees_of_freedom import (
    kish_degrees,
    rho_inf_excess,
    sma_degrees,
    sma_excess,
    sma_limit,
)
from varlab.numerics.inputs import Array, decay, scalar_or_array, steps
from varlab.numerics.inverse_chi import psi_variance
from varlab.numerics.path import exact_psi_variance, exact_psi_variances

RectificationKind = Literal["radam", "kish", "exact"]


def radam_factor(t: Array, beta2: Array) -> Array:
    """R section 4.2 on checked arrays; see :func:`rectification`."""
    excess, limit_excess = sma_excess(t, beta2, 4.0), rho_inf_excess(beta2, 4.0)
    adaptive = (excess > 0) & (limit_excess > 0)
    rho, limit = sma_degrees(t, beta2), sma_limit(beta2)
    # No factor there: rho_inf - 2 vanishes at beta2 = 1/3.
    limit_excess = np.where(adaptive, limit_excess, 1.0)
    # rho - 2 from rho - 4, so that both factors see the same rho.
    first = np.where(adaptive, excess / limit_excess, np.nan)
    return np.sqrt(first * ((excess + 2.0) / (limit_excess + 2.0)) * (limit / rho))


def kish_factor(t: Array, beta2: Array) -> Array:
    """sqrt(Var[psi_inf] / Var[psi_t]) through Kish's degrees of freedom, on checked arrays."""
    return factor_of_degrees(kish_degrees(t, beta2), beta2)


def factor_of_degrees(degrees: Array | float, beta2: Array | float) -> Array:
    """sqrt(Var[psi_inf] / Var[psi]) at any degrees of freedom; NaN up to 2, where Var[psi] is infinite."""
    finite = np.greater(degrees, 2.0)
    limit = np.where(finite, sma_limit(np.asarray(beta2)), 3.0)
    ratio = psi_variance(limit) / psi_variance(np.where(finite, degrees, 3.0))
    return np.where(finite, np.sqrt(ratio), np.nan)


def exact_factor(t: Array, beta2: Array) -> Array:
    """sqrt(Var[psi_inf] / Var[psi_t]) from the exact law of the EMA, on checked arrays."""
    factor = np.full(t.shape, np.nan)
    for b in np.unique(beta2[(t > 2) & (beta2 > 0)]):
        here = (beta2 == b) & (t > 2)
        limit = exact_psi_variance(np.inf, float(b))
        factor[here] = np.sqrt(limit / exact_psi_variances(t[here], float(b)))
    return factor


_FACTORS: dict[str, Callable[[Array, Array], Array]] = {
    "radam": radam_factor,
    "kish": kish_factor,
    "exact": exact_factor,
}


def rectification(t: ArrayLike, beta2: ArrayLike, kind: RectificationKind = "radam") -> Array:
    """Factor r_t that gives r_t psi_t the variance that psi has in the limit of many steps.

    Parameters
    ----------
    t : array_like of int
        Step, >= 1.
    beta2 : array_like
        EMA decay in [0, 1); broadcast against ``t``.
    kind : {"radam", "kish", "exact"}
        ``"radam"``: sqrt((rho_t-4)(rho_t-2) rho_inf / ((rho_inf-4)(rho_inf-2) rho_t)), from the
        first-order Eq. 5 (R section 4.2); NaN where rho_t <= 4. ``"kish"``: from Var[psi] of the
        scaled inverse chi law at Kish's n_t and its limit; NaN where n_t <= 2, the variance being
        infinite there. ``"exact"``: from Var[psi_t] of the exact law of the EMA of i.i.d. zero-mean
        normal gradients and its limit, the law with weights (1-beta2) beta2^k, k = 0, 1, ...; NaN
        for t <= 2 and beta2 = 0. Free of sigma, all three.

    Returns
    -------
    ndarray
        In (0, 1]. Relative error below 1e-13 ("exact": 1e-11), except for ``"radam"`` within about
        1e-2 of its threshold, where it grows like 1e-15 / (rho_t - 4): the conditioning of
        rho_t - 4 itself.

    Raises
    ------
    DomainError
        For t < 1 or not whole, beta2 outside [0, 1), an unknown kind.

    Examples
    --------
    >>> np.round(rectification([4, 5, 6000], 0.999), 4).tolist()
    [nan, 0.0173, 0.9925]
    """
    require(among(kind, get_args(RectificationKind)), "kind", "be 'radam', 'kish' or 'exact'", kind)
    t_, beta2_ = np.broadcast_arrays(steps(t), decay(beta2))
    return scalar_or_array(_FACTORS[kind](t_, beta2_))
