"""What a conformance check says of a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from varlab.core import Result
from varlab.core.json_numbers import json_number
from varlab.optim.conformance.finding import Finding, Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varlab.optim.conformance.scenario import FloatArray


class Verdict(StrEnum):
    """Is this RAdam RAdam?"""

    CONFORMS = "conforms"
    CONFORMS_FLOAT32 = "conforms-float32"
    DIFFERS = "differs"
    NOT_RADAM = "not-radam"
    ERROR = "error"


@dataclass(frozen=True)
class Conformance(Result):
    """A target's verdict and what it rests on.

    Attributes
    ----------
    target, version : str
        As the user wrote it; version of its distribution, or empty.
    verdict : Verdict
        ``conforms-float32``: r_t is right up to the rounding of a rho_t computed in float32.
    threshold : int or None
        4 or 5; None for any other.
    first_adaptive_step : mapping of float to (int or None)
        beta2 -> first adaptive step; None: none among the steps made.
    max_relative_error : mapping of float to (float or None)
        beta2 -> largest relative error of the recovered factor over the adaptive steps that have
        an r_t (rho_t > 4); None without such steps.
    early_phase : {"momentum", "none", "other"}
    shift : int or None
        k if the factor is r_(t+k), 0 if it is r_t, None if it is neither.
    eps_placement : str
        A formula of the denominator, "ignored", "fixed", "unknown" or "other".
    weight_decay : {"l2", "decoupled", "none", "other"}
    findings : tuple of Finding
    factors : mapping of float to ndarray, shape (steps,)
        beta2 -> the recovered factor, NaN where not adaptive.
    """

    target: str
    version: str
    verdict: Verdict
    threshold: int | None = None
    first_adaptive_step: Mapping[float, int | None] = field(default_factory=dict)
    max_relative_error: Mapping[float, float | None] = field(default_factory=dict)
    early_phase: str = "other"
    shift: int | None = None
    eps_placement: str = "unknown"
    weight_decay: str = "other"
    findings: tuple[Finding, ...] = ()
    factors: Mapping[float, FloatArray] = field(default_factory=dict, repr=False, compare=False)

    @property
    def conforms(self) -> bool:
        """Whether the target is RAdam, in float64 or in float32."""
        return self.verdict in (Verdict.CONFORMS, Verdict.CONFORMS_FLOAT32)

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that make it differ."""
        return tuple(f for f in self.findings if f.grade is Grade.FAULT)

    def summary(self) -> str:
        """The verdict, what was measured, and the findings, for a terminal."""
        lines = [f"{self.target} {self.version}".rstrip() + f": {self.verdict}"]
        if self.first_adaptive_step:
            lines += [
                f"  threshold {self.threshold or 'other'}, early phase {self.early_phase}, shift "
                f"{'other' if self.shift is None else self.shift}, eps {self.eps_placement}, "
                f"weight decay {self.weight_decay}",
                "  beta2                " + "".join(f"{b:>9g}" for b in self.first_adaptive_step),
                "  first adaptive step  "
                + "".join(
                    f"{'-' if t is None else t:>9}" for t in self.first_adaptive_step.values()
                ),
                "  max relative error   "
                + "".join(f"{_short(e):>9}" for e in self.max_relative_error.values()),
            ]
        lines += [f"  {finding}" for finding in self.findings]
        return "\n".join(lines)

    def to_json_dict(self) -> dict[str, Any]:
        """The target's object in ``conform --json``; numbers that are not finite become null."""
        return {
            "target": self.target,
            "version": self.version,
            "verdict": str(self.verdict),
            "threshold": "other" if self.threshold is None else self.threshold,
            "first_adaptive_step": {f"{b:g}": t for b, t in self.first_adaptive_step.items()},
            "max_relative_error": {
                f"{b:g}": json_number(e) for b, e in self.max_relative_error.items()
            },
            "early_phase": self.early_phase,
            "shift": self.shift,
            "eps_placement": self.eps_placement,
            "weight_decay": self.weight_decay,
            "findings": [str(f) for f in self.findings],
        }

    def _draw(self, ax: Axes) -> None:
        for beta2, factor in self.factors.items():
            ax.plot(np.arange(1, len(factor) + 1), factor, label=rf"$\beta_2 = {beta2:g}$")
        ax.set(xlabel="$t$", ylabel="recovered factor", xscale="log", title=self.target)
        ax.legend(fontsize="small")


def _short(error: float | None) -> str:
    return "-" if error is None else f"{error:.1e}"
