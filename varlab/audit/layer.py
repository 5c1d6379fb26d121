"""What an audit says about one layer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlab.audit.cost.log_psi import LogPsi
from varlab.audit.cost.violation_budget import SHARES, Budget
from varlab.audit.protocol import Assumption
from varlab.audit.recorder.statuses import OK
from varlab.audit.verdicts import AuditVerdict, Effect
from varlab.core.json_numbers import json_number

Array = NDArray[np.float64]

# How the reason for no verdict begins: the status is not ok; the protocol or the recording has none.
UNTESTED, CANNOT = "not tested: ", "cannot: "
NAN = math.nan


@dataclass(frozen=True)
class AssumptionResult:
    """Verdict on one assumption, for a layer or the model.

    Attributes
    ----------
    verdict : AuditVerdict
    pvalue : float
        Layer: Simes over coordinates, against the point null. Model: Holm over layers and
        assumptions. NaN where nothing was tested. It does not make the verdict.
    effect, ci, band, minimum_detectable
        Of the effect that made the verdict, called ``effect_name``; the interval's level is
        corrected for the number of effects looked at.
    effect_name : str
    reason : str
        Why there is no verdict, where there is none; ``cannot: ...`` if the protocol cannot give one.
    discoveries : int
        Coordinates that Benjamini-Hochberg singles out (exploratory).
    outside : float
        One-sided p-value against "inside the band", Bonferroni over the effects.
    layer : str
        For the model: the layer that decided.
    details : dict
        Layer: further numbers that decide nothing (``excess_kurtosis`` with its 95% interval, ...).
        Model: how many layers hold, are violated, undecided, or were not tested.
    """

    verdict: AuditVerdict
    pvalue: float = NAN
    effect: float = NAN
    ci: tuple[float, float] = (NAN, NAN)
    band: tuple[float, float] = (NAN, NAN)
    minimum_detectable: float = NAN
    effect_name: str = ""
    reason: str = ""
    discoveries: int = 0
    outside: float = 1.0
    layer: str = ""
    details: dict[str, float] = field(default_factory=dict)
    deciding: Effect | None = None

    @property
    def tested(self) -> bool:
        """Whether data speak here at all."""
        return self.deciding is not None

    def to_dict(self) -> dict[str, Any]:
        """For JSON; NaN as None."""
        entry: dict[str, Any] = {
            "verdict": self.verdict.value,
            "pvalue": json_number(self.pvalue),
            "effect": json_number(self.effect),
            "ci": [json_number(v) for v in self.ci],
            "band": [json_number(v) for v in self.band],
            "minimum_detectable": json_number(self.minimum_detectable),
            "effect_name": self.effect_name,
        }
        if self.reason:
            entry["reason"] = self.reason
        if self.layer:
            entry["layer"] = self.layer
        if self.details:
            entry["details"] = {name: json_number(value) for name, value in self.details.items()}
        return entry


@dataclass(frozen=True)
class LayerAudit:
    """One layer.

    Attributes
    ----------
    layer : str
    status : str
        ``ok``, ``constant``, ``too-few-samples``, ``nonfinite(step)``, ``sparse``, ``no-gradient``,
        ``empty`` (no elements), ``late(step)`` (first updated after recording began).
        Only ``ok`` layers are tested.
    coordinates : int
        Tested ones.
    excluded : int
        Constant coordinates of an ``ok`` layer, which nothing can be said about.
    n : int
        Independent units: replicas, draws, or the steps of the one run.
    assumptions : dict
    log_psi : LogPsi or None
    budget : Budget or None
    pvalues, effects : dict of ndarray, shape (coordinate,)
        Coordinates one by one, where tested.
    """

    layer: str
    status: str
    coordinates: int
    excluded: int
    n: int
    assumptions: dict[Assumption, AssumptionResult]
    log_psi: LogPsi | None = None
    budget: Budget | None = None
    pvalues: dict[Assumption, Array] = field(default_factory=dict)
    effects: dict[Assumption, Array] = field(default_factory=dict)

    @property
    def fault(self) -> str:
        """Why the layer was not tested: its status, in more words where there are any; empty if ok."""
        if self.status == OK:
            return ""
        reasons = {result.reason.removeprefix(UNTESTED) for result in self.assumptions.values()}
        return ", ".join(sorted(reasons))

    def to_dict(self) -> dict[str, Any]:
        """An entry of ``layers`` in ``audit --json``."""
        log_psi, budget = self.log_psi, self.budget
        return {
            "layer": self.layer,
            "status": self.status,
            "coordinates": self.coordinates,
            "excluded": self.excluded,
            "n": self.n,
            "assumptions": {a.value: r.to_dict() for a, r in self.assumptions.items()},
            "log_psi_variance": {
                "measured": json_number(log_psi.measured[-1]) if log_psi else None,
                "ci": [json_number(log_psi.low[-1]), json_number(log_psi.high[-1])]
                if log_psi
                else [None, None],
                "theory": json_number(log_psi.theory[-1]) if log_psi else None,
                "step": int(log_psi.steps[-1]) if log_psi else None,
            },
            "violation_budget": {
                **{name: json_number(budget.shares[name]) if budget else None for name in SHARES},
                "total": json_number(budget.total) if budget else None,
                "ratio": json_number(budget.ratio) if budget else None,
                "ratio_ci": [json_number(v) for v in budget.ratio_ci] if budget else [None, None],
                **({"dependence_split": budget.split} if budget and budget.split else {}),
            },
        }
