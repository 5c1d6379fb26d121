"""The audit as a result: printed, tabulated, drawn, written as JSON or as one HTML page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from varlab.audit.cost.violation_budget import SHARES
from varlab.audit.layer import CANNOT, AssumptionResult, LayerAudit
from varlab.audit.protocol import Assumption, Protocol
from varlab.audit.recorder.statuses import OK
from varlab.audit.verdicts import AuditVerdict, Bands
from varlab.audit.views.text import summary, two_digits
from varlab.core import Result
from varlab.core.json_numbers import json_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varlab.audit.calibrate import Calibration

SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Audit(Result):
    """Does the i.i.d. N(0, s^2) assumption hold, layer by layer, and what does its failure cost?

    Attributes
    ----------
    protocol : Protocol
    task : str
    layers : tuple of LayerAudit
    model : dict
        :class:`AssumptionResult` per assumption, over all layers.
    level : float
        Error rate of intervals and procedures.
    bands : Bands
    replicas, steps : int
    beta2 : float
    seed : int or None
    quantity, sampler : str
        What was recorded, and how minibatches were drawn.
    complete : bool
        Whether the recording ran to its end.
    independent : int or None
        Replicas that share neither initialisation nor data order, where known: the four verdicts
        speak of these.
    command : str
    """

    protocol: Protocol
    task: str
    layers: tuple[LayerAudit, ...]
    model: dict[Assumption, AssumptionResult]
    level: float
    bands: Bands
    replicas: int
    steps: int
    beta2: float
    seed: int | None = None
    quantity: str = ""
    sampler: str = ""
    complete: bool = True
    independent: int | None = None
    command: str = ""

    @property
    def decided(self) -> bool:
        """Whether every assumption that the protocol can decide was decided for the model."""
        return all(
            result.verdict is not AuditVerdict.UNDECIDED
            for assumption, result in self.model.items()
            if self.protocol.cannot(assumption, self.sampler) is None
        )

    def answer(self) -> str:
        """The answer in one sentence."""
        by_verdict = {
            v: [a.value for a, r in self.model.items() if r.verdict is v and r.tested]
            for v in AuditVerdict
        }
        parts = [
            f"{', '.join(names)} {verb}"
            for names, verb in (
                (by_verdict[AuditVerdict.VIOLATED], "violated"),
                (by_verdict[AuditVerdict.HOLDS], "within the band"),
                (by_verdict[AuditVerdict.UNDECIDED], "undecided"),
            )
            if names
        ]
        ratios = [(x.budget.ratio, x.layer) for x in self.layers if x.budget is not None]
        cost = ""
        if ratios:
            (low, low_layer), (high, high_layer) = min(ratios), max(ratios)
            cost = (
                f"; vhat has {two_digits(low)} ({low_layer}) to {two_digits(high)} ({high_layer}) times the "
                "theory's variance"
                if len(ratios) > 1
                else f"; vhat has {two_digits(high)} times the theory's variance"
            )
        if by_verdict[AuditVerdict.VIOLATED]:
            verdict = "does not hold"
        elif len(by_verdict[AuditVerdict.HOLDS]) == len(Assumption):
            verdict = "holds within the bands"
        else:
            verdict = "is not refuted, and not shown either"
        found = "; ".join(parts) or self._no_verdict()
        return f"On {self.task}, i.i.d. N(0, s^2) {verdict}: {found}{self._untested()}{cost}."

    def _no_verdict(self) -> str:
        """Why nothing was tested anywhere."""
        if not self.tested_layers:
            return "no layer could be tested"
        reasons = {result.reason.removeprefix(CANNOT) for result in self.model.values()}
        return "; ".join(sorted(reasons))

    def _untested(self) -> str:
        """``; 2 of 7 layers not tested (nonfinite(3), sparse)``: an answer must not pass over them."""
        faults = [layer.fault for layer in self.layers if layer.fault]
        if not faults:
            return ""
        reasons = ", ".join(dict.fromkeys(faults))
        return f"; {len(faults)} of {len(self.layers)} layers not tested ({reasons})"

    @property
    def limits(self) -> tuple[str, ...]:
        """What a reader must not conclude from this report."""
        limits = self.protocol.limits(self.sampler)
        if self.independent is None or self.independent == self.replicas:
            return limits
        shared = (
            f"Replicas share initialisations or data orders. Verdicts use the {self.independent} that "
            f"share neither; Var[log psi_t] and the violation budget use all {self.replicas}, with "
            "intervals over initialisations and orders (none below three of either)."
        )
        return (*limits, shared)

    def summary(self) -> str:
        """Answer, model, layers, and what the protocol cannot say."""
        return summary(self)

    def to_frame(self) -> pd.DataFrame:
        """One row per layer and assumption (untested ones included)."""
        rows = []
        for layer in self.layers:
            for assumption, result in layer.assumptions.items():
                rows.append(
                    {
                        "layer": layer.layer,
                        "status": layer.status,
                        "assumption": assumption.value,
                        "verdict": result.verdict.value,
                        "effect_name": result.effect_name,
                        "effect": result.effect,
                        "ci_low": result.ci[0],
                        "ci_high": result.ci[1],
                        "band_low": result.band[0],
                        "band_high": result.band[1],
                        "minimum_detectable": result.minimum_detectable,
                        "pvalue": result.pvalue,
                        "discoveries": result.discoveries,
                        "coordinates": layer.coordinates,
                        "n": layer.n,
                        "reason": result.reason,
                        **{f"detail_{k}": v for k, v in result.details.items()},
                    }
                )
        return pd.DataFrame(rows)

    def budget_frame(self) -> pd.DataFrame:
        """One row per layer: the shares, their total, the headline ratio and its interval."""
        rows = {
            x.layer: {
                **x.budget.shares,
                "total": x.budget.total,
                "ratio": x.budget.ratio,
                "ratio_low": x.budget.ratio_ci[0],
                "ratio_high": x.budget.ratio_ci[1],
                **x.budget.split,
            }
            for x in self.layers
            if x.budget is not None
        }
        frame = pd.DataFrame.from_dict(rows, orient="index")
        return frame if rows else pd.DataFrame(columns=[*SHARES, "total", "ratio"])

    def coordinates_frame(self) -> pd.DataFrame:
        """One row per tested coordinate and assumption: exploratory p-values and effects."""
        frames = [
            pd.DataFrame(
                {
                    "layer": x.layer,
                    "coordinate": range(len(p)),
                    "assumption": a.value,
                    "pvalue": p,
                    "effect": x.effects[a],
                }
            )
            for x in self.layers
            for a, p in x.pvalues.items()
        ]
        columns = ["layer", "coordinate", "assumption", "pvalue", "effect"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """What :meth:`to_json` writes."""
        return {
            "schema": SCHEMA,
            "protocol": self.protocol.value,
            "task": self.task,
            "answer": self.answer(),
            "level": self.level,
            "replicas": self.replicas,
            "independent_replicas": self.independent,
            "steps": self.steps,
            "beta2": self.beta2,
            "seed": json_number(self.seed) if isinstance(self.seed, float) else self.seed,
            "quantity": self.quantity,
            "sampler": self.sampler,
            "complete": self.complete,
            "command": self.command,
            "limits": list(self.limits),
            "layers": [layer.to_dict() for layer in self.layers],
            "model": {a.value: r.to_dict() for a, r in self.model.items()},
        }

    def to_json(self) -> str:
        """JSON text; see the contract of ``audit --json``. Numbers that do not exist are null."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_html(self, path: str | Path, calibration: Calibration | None = None) -> None:
        """One self-contained page at ``path``, with a calibration if given; written beside and renamed."""
        from varlab.audit.views.page import page
        from varlab.core.files import write_atomic

        write_atomic(Path(path), page(self, calibration))

    def _draw(self, ax: Axes) -> None:
        from varlab.audit.views.plots import draw_forest

        draw_forest(self, ax)

    def plot_log_psi(self, ax: Axes | None = None) -> Axes:
        """Measured over theoretical Var[log psi_t] along the steps, one line per layer.

        On ``ax``, or on new Axes; they are returned.
        """
        from varlab.audit.views.plots import draw_log_psi
        from varlab.core.result import axes_or_new

        ax = axes_or_new(ax)
        draw_log_psi(self, ax)
        return ax

    def plot_budget(self, ax: Axes | None = None) -> Axes:
        """Stacked violation budget per layer, in multiples of the theory's variance.

        On ``ax``, or on new Axes; they are returned.
        """
        from varlab.audit.views.plots import draw_budget
        from varlab.core.result import axes_or_new

        ax = axes_or_new(ax)
        draw_budget(self, ax)
        return ax

    @property
    def tested_layers(self) -> tuple[LayerAudit, ...]:
        """Layers whose status is ok."""
        return tuple(layer for layer in self.layers if layer.status == OK)
