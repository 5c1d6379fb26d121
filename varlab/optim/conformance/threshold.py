"""From the first adaptive steps over the grid to the threshold on rho_t."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varlab.optim.conformance.factor import view_of
from varlab.optim.conformance.precision import UNIT_ROUNDOFF, Arithmetic, rho_error
from varlab.optim.conformance.recover import Recovery
from varlab.optim.conformance.suspects import RIGHT, Suspect


@dataclass(frozen=True)
class Threshold:
    """The thresholds c for which "adaptive if and only if rho_t > c" explains the whole grid.

    Attributes
    ----------
    low, high : float
        low <= c < high; no threshold does unless low < high.

    Notes
    -----
    "rho_t >= c" and "rho_t > c" are one rule at c = 4 and c = 5: no float has a step with
    rho_t = c and beta2 > 1/2. It would be a root p/2^n (p odd) of sum_{k<=t} (2k - 1 - c) beta2^(k-1),
    by the rational root theorem p divides c - 1, and 2^n the leading coefficient 2t - 1 - c: odd for
    c = 4, so n = 0; for c = 5 half of everything cancels, p divides 2, and beta2 = 2^-n <= 1/2.
    """

    low: float
    high: float

    @property
    def known(self) -> int | None:
        """4 or 5 if that is the threshold, None otherwise."""
        return next((c for c in (5, 4) if self.low <= c < self.high), None)

    @property
    def explains(self) -> bool:
        """Whether any threshold does."""
        return self.low < self.high


def find_threshold(
    recoveries: Sequence[Recovery], suspect: Suspect | None, arithmetic: Arithmetic
) -> Threshold:
    """Intersect what every beta2 allows.

    The branch opens at the first step that is adaptive, NaN or raises: a threshold of 3 leads to
    the square root of a negative number. rho_t is the suspect's, so that a wrong rho_inf or a
    shift is not reported again as a wrong threshold.
    """
    unit = UNIT_ROUNDOFF["float64" if arithmetic is not Arithmetic.FLOAT32 else "float32"]
    low, high = -np.inf, np.inf
    for recovery in recoveries:
        view = view_of(recovery)
        rho = (suspect or RIGHT).rho(view)
        slack = rho_error(recovery.beta2, recovery.steps, view.rho_inf, unit)
        if view.rho_inf <= 4 and recovery.opened != recovery.first_adaptive:
            continue  # what raises or is NaN here need not come from an open branch
        opened = recovery.opened
        closed = (rho - slack)[: recovery.steps if opened is None else opened - 1]
        if closed.size and not np.isnan(closed).all():
            low = max(low, float(np.nanmax(closed)))
        if opened is not None:
            high = min(high, float(rho[opened - 1] + slack[opened - 1]))
    return Threshold(low, high)
