"""What the theory says about one beta2: when RAdam becomes adaptive, r_t, and the warm-up it is worth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from varlab.core import Result, shortest
from varlab.core.json_numbers import json_number
from varlab.numerics.degrees_of_freedom import degrees_of_freedom, first_adaptive_step, rho_inf
from varlab.numerics.inputs import below_one, number
from varlab.numerics.rectification import rectification
from varlab.numerics.warmup import (
    effective_warmup_period,
    exponential_warmup_multiplier,
    linear_warmup_multiplier,
)

# The table ends where little is left of any warm-up: after this many averaging lengths 1/(1-beta2).
LENGTHS = 5.0
# R's Algorithm 2 compares with 4; the authors' code and torch with 5.
THRESHOLDS = (4.0, 5.0)


@dataclass(frozen=True)
class AdviceRow:
    """One step of the table; ``r_t`` and ``exact`` are None before they are defined."""

    t: int
    rho_t: float
    kish: float
    r_t: float | None
    exact: float | None
    linear: float
    exponential: float


@dataclass(frozen=True)
class Advice(Result):
    """The theory's numbers for one beta2.

    Attributes
    ----------
    beta2 : float
    rho_inf : float
    first_adaptive_step : dict
        Threshold of rho_t -> first step above it; None if never.
    effective_period : dict
        Rule -> sum of (1 - multiplier) over all steps (U section 5); infinite for RAdam where it
        never becomes adaptive.
    equivalent_linear_warmup : int or None
        T_w of min(t, T_w)/T_w with the effective period of r_t.
    rows : tuple of AdviceRow
    """

    beta2: float
    rho_inf: float
    first_adaptive_step: dict[float, int | None]
    effective_period: dict[str, float]
    equivalent_linear_warmup: int | None
    rows: tuple[AdviceRow, ...]

    def summary(self) -> str:
        """The answer in sentences."""
        first, later = (self.first_adaptive_step[h] for h in THRESHOLDS)
        lines = [f"beta2 = {shortest(self.beta2)}: rho_inf = {self.rho_inf:.6g}"]
        if first is None:
            lines.append(
                "rho_t never exceeds 4: RAdam is SGD with momentum throughout (R §4.2). Use a larger "
                "beta2, or Adam."
            )
        else:
            late = "never" if later is None else f"from t = {later}"
            lines.append(
                f"RAdam is adaptive from t = {first} (rho_t > 4, Algorithm 2); code that asks for "
                f"rho_t > 5: {late}."
            )
            lines.append(
                f"Its warm-up costs {self.effective_period['radam']:.4g} steps, as much as a linear "
                f"warm-up over T_w = {self.equivalent_linear_warmup} steps; untuned rules: linear "
                f"{self.effective_period['linear']:.4g}, exponential "
                f"{self.effective_period['exponential']:.4g} (Ma & Yarats)."
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; infinities are None."""
        data = asdict(self)
        data["first_adaptive_step"] = {f"{k:g}": v for k, v in self.first_adaptive_step.items()}
        data["effective_period"] = {k: json_number(v) for k, v in self.effective_period.items()}
        return {"schema": 1, **data}


def advise(beta2: float) -> Advice:
    """The theory's numbers for ``beta2``.

    Parameters
    ----------
    beta2 : float
        In [0, 1).

    Raises
    ------
    DomainError
        Outside its domain.
    """
    b = number("beta2", beta2, "lie in [0, 1)", below_one)
    periods = {
        "radam": effective_warmup_period(b, "radam"),
        "linear": effective_warmup_period(b, "linear"),
        "exponential": effective_warmup_period(b, "exponential"),
    }
    adaptive = {h: first_adaptive_step(b, h) for h in THRESHOLDS}
    worth = periods["radam"]
    return Advice(
        beta2=b,
        rho_inf=float(rho_inf(b)),
        first_adaptive_step=adaptive,
        effective_period=periods,
        # (T_w - 1)/2 is the effective period of min(t, T_w)/T_w.
        equivalent_linear_warmup=round(2 * worth + 1) if np.isfinite(worth) else None,
        rows=tuple(_row(t, b) for t in _shown_steps(b, adaptive[THRESHOLDS[0]])),
    )


def _shown_steps(beta2: float, first: int | None) -> list[int]:
    last = max(10.0, LENGTHS / (1.0 - beta2))
    shown = {1, 2, 3, 4, first or 5}
    power = 10
    while power <= last:
        shown |= {power, 2 * power, 5 * power}
        power *= 10
    return sorted(t for t in shown if t <= last)


def _row(t: int, beta2: float) -> AdviceRow:
    return AdviceRow(
        t=t,
        rho_t=float(degrees_of_freedom(t, beta2)),
        kish=float(degrees_of_freedom(t, beta2, "kish")),
        r_t=json_number(rectification(t, beta2)),
        exact=json_number(rectification(t, beta2, "exact")),
        linear=float(linear_warmup_multiplier(t, beta2)),
        exponential=float(exponential_warmup_multiplier(t, beta2)),
    )
