"""The factor on Adam's learning rate at each step number, r_t of :mod:`varlab.numerics`, looked up cheaply."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np

from varlab.core import among, real, require
from varlab.numerics import first_adaptive_step, rectification

Rectifier = Literal["radam", "exact"]
SMALLEST_THRESHOLD = 4.0  # r_t is imaginary or NaN at rho_t <= 4 (R Sec. 4.2)

# Step numbers are looked up in blocks: one array call of varlab.numerics each.
_BLOCK = 256


def check_rectifier(rectify: Any, threshold: Any) -> None:
    """Check the two options of RAdam that choose its factor.

    Raises
    ------
    DomainError
        An unknown ``rectify``; a ``threshold`` below 4 or not finite, or one given with
        ``rectify="exact"``, which has none.
    """
    require(among(rectify, get_args(Rectifier)), "rectify", "be 'radam' or 'exact'", rectify)
    real(
        "threshold",
        threshold,
        "be a finite number >= 4",
        lambda x: SMALLEST_THRESHOLD <= x < math.inf,
        "r_t does not exist below; 4 is the paper's, 5 the authors' code's",
    )
    require(
        rectify == "radam" or threshold == SMALLEST_THRESHOLD,
        "threshold",
        "be left at 4 with rectify='exact'",
        threshold,
        "the exact factor exists from t = 3, whatever rho_t",
    )


def rectification_at(
    t: int, beta2: float, rectify: Rectifier = "radam", threshold: float = SMALLEST_THRESHOLD
) -> float | None:
    """The factor on the learning rate at step ``t``, or None in the early phase.

    Parameters
    ----------
    t : int
        Step number, from 1.
    beta2 : float
        In [0, 1).
    rectify : {"radam", "exact"}
        R's r_t, defined where rho_t > 4, or sqrt(Var[psi_inf]/Var[psi_t]) of the exact law, defined
        from t = 3.
    threshold : float
        For ``"radam"``: the early phase lasts while rho_t <= threshold.

    Notes
    -----
    A pure function of all its arguments: nothing is shared between different beta2 or thresholds.
    """
    block, offset = divmod(t - 1, _BLOCK)
    return _block(block, float(beta2), rectify, float(threshold))[offset]


@lru_cache(maxsize=1024)
def _block(
    block: int, beta2: float, rectify: Rectifier, threshold: float
) -> tuple[float | None, ...]:
    t = np.arange(block * _BLOCK + 1, (block + 1) * _BLOCK + 1)
    factors = np.asarray(rectification(t, beta2, kind=rectify), dtype=np.float64)
    adaptive = np.isfinite(factors)
    if rectify == "radam":
        first = first_adaptive_step(beta2, threshold)  # rho_t rises with t
        adaptive &= t >= (math.inf if first is None else first)
    return tuple(float(r) if a else None for r, a in zip(factors, adaptive, strict=True))
