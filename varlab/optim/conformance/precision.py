"""How far a textbook r_t may be off in float64 and in float32.

rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t) subtracts two numbers near rho_inf, the second of which
divides by 1 - beta2^t: a rounding of relative size u in beta2^t moves rho_t by about
u rho_inf / (1 - beta2^t). Where beta2 itself is rounded to float32 that moves the subtracted term by
another u 2 t^2 beta2^t / (1 - beta2^t)^2, about u rho_inf^2 / 2 for small t. Carried through r_t this
is the condition number below; the textbook formula of Algorithm 2 is allowed a small multiple of
u times it, and no better formula needs more.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from varlab.optim.conformance.averages import corrections
from varlab.optim.conformance.reference import Reference
from varlab.optim.conformance.scenario import FloatArray

UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24}

# Roundings that the textbook formula makes between beta2 and r_t: the power (up to 2 units), its
# product with 2 t, the two differences, the quotient, then six operations under the root.
ROUNDINGS = 8


class Arithmetic(StrEnum):
    """What a target computes r_t in, as far as its steps show."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"
    WRONG = "wrong"


def rho_error(beta2: float, steps: int, rho_inf: float, unit: float) -> FloatArray:
    """Allowed absolute error of rho_t, t = 1..steps, in arithmetic of unit roundoff ``unit``."""
    t = np.arange(1, steps + 1, dtype=np.float64)
    correction = corrections(steps, beta2)
    formula = ROUNDINGS * unit * abs(rho_inf) / correction
    return np.asarray(formula + _rounding_of_beta2(unit) * 2 * t**2 * beta2**t / correction**2)


def _rounding_of_beta2(unit: float) -> float:
    """beta2 is given in float64 and exact there."""
    return 0.0 if unit == UNIT_ROUNDOFF["float64"] else unit


def factor_error(found: Reference, steps: int, arithmetic: str, state: str) -> FloatArray:
    """Allowed relative error of a recovered r_t, t = 1..steps.

    Parameters
    ----------
    found : Reference
        rho_t and rho_inf.
    steps : int
    arithmetic : {"float64", "float32"}
        In which r_t is computed.
    state : {"float64", "float32"}
        In which m, v and the update are computed: every step rounds each average once, and the
        averages remember min(t, 1 / (1 - beta2)) steps.

    Returns
    -------
    ndarray
        Infinite where the error of rho_t reaches half-way down to 4, so that such arithmetic says
        nothing about r_t; NaN where rho_t <= 4 beyond that error, so that there is no r_t.
    """
    rho, _ = found.window(0, steps)
    unit = UNIT_ROUNDOFF[arithmetic]
    with np.errstate(divide="ignore", invalid="ignore"):
        # d log r / d rho
        sensitivity = 0.5 * (1 / (rho - 4) + 1 / (rho - 2) - 1 / rho)
    t = np.arange(1, steps + 1)
    memory = np.minimum(t, 1 / (1 - found.beta2))
    correction = corrections(steps, found.beta2)
    off = rho_error(found.beta2, steps, found.rho_inf, unit)
    from_rho = np.where(
        rho - 4 > 2 * off, off * sensitivity, np.where(rho + off > 4, np.inf, np.nan)
    )
    # sqrt(1 - beta2^t) in the same arithmetic
    from_correction = (
        ROUNDINGS * unit + _rounding_of_beta2(unit) * t * found.beta2**t
    ) / correction
    from_state = ROUNDINGS * UNIT_ROUNDOFF[state] * memory
    return np.asarray(from_rho + from_correction + from_state)
