"""The model's four verdicts from its layers': Holm over layers and assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from varlab.audit.assumptions.multiplicity import holm
from varlab.audit.layer import CANNOT, AssumptionResult, LayerAudit
from varlab.audit.protocol import Assumption, Protocol
from varlab.audit.recorder.statuses import OK
from varlab.audit.verdicts import AuditVerdict

# Such layers put nothing into v_t that could depart from the theory. A gradient that comes late, is
# sparse, or is not finite does.
NOTHING_TO_TEST = ("constant", "empty", "no-gradient")


def model_results(
    layers: Sequence[LayerAudit], protocol: Protocol, level: float, sampler: str
) -> dict[Assumption, AssumptionResult]:
    """One verdict per assumption.

    Violated if any layer lies outside its band after Holm's correction over all layers and
    assumptions (each at ``level / 2``, one side of an interval); holds if every layer holds (an
    intersection-union test, which needs no correction), where only layers without any gradient to
    speak of need no test; undecided else. The p-value is the smallest of the layers', Holm-adjusted
    over all layers and assumptions.
    """
    cells = [
        (layer.layer, a, layer.assumptions[a])
        for layer in layers
        if layer.status == OK
        for a in Assumption
        if layer.assumptions[a].tested
    ]
    adjusted = holm(np.array([cell.pvalue for _, _, cell in cells]))
    outside = holm(np.array([cell.outside for _, _, cell in cells]))
    untested = [layer for layer in layers if layer.status != OK]
    silent = [layer.status for layer in untested if layer.status not in NOTHING_TO_TEST]
    results = {}
    for assumption in Assumption:
        mine = [i for i, (_, a, _) in enumerate(cells) if a is assumption]
        if not mine:
            results[assumption] = _nothing(layers, assumption, protocol, sampler)
            continue
        verdicts = [cells[i][2].verdict for i in mine]
        violated = [i for i in mine if outside[i] <= level / 2]
        if violated:
            final, candidates = AuditVerdict.VIOLATED, violated
        elif all(v is AuditVerdict.HOLDS for v in verdicts):
            final = AuditVerdict.UNDECIDED if silent else AuditVerdict.HOLDS
            candidates = mine
        else:
            final = AuditVerdict.UNDECIDED
            candidates = [i for i in mine if cells[i][2].verdict is not AuditVerdict.HOLDS]
        reason = ""
        if final is AuditVerdict.UNDECIDED and candidates is mine:
            reason = f"all tested layers hold; {len(silent)} of {len(layers)} were not tested"
        worst = max(candidates, key=lambda i: _strain(cells[i][2]))
        name, _, cell = cells[worst]
        reason = cell.reason
        if final is AuditVerdict.UNDECIDED and candidates is mine:
            reason = f"all tested layers hold; {len(silent)} of {len(layers)} were not tested"
        known = adjusted[mine][np.isfinite(adjusted[mine])]
        results[assumption] = replace(
            cell,
            verdict=final,
            pvalue=float(known.min()) if known.size else float("nan"),
            layer=name,
            reason=reason,
            discoveries=sum(cells[i][2].discoveries for i in mine),
            details={
                **{v.value: float(verdicts.count(v)) for v in AuditVerdict},
                "not tested": float(len(untested)),
            },
        )
    return results


def _strain(cell: AssumptionResult) -> float:
    return cell.deciding.strain if cell.deciding is not None else -np.inf


def _nothing(
    layers: Sequence[LayerAudit], assumption: Assumption, protocol: Protocol, sampler: str
) -> AssumptionResult:
    reasons = {layer.assumptions[assumption].reason for layer in layers}
    cannot = protocol.cannot(assumption, sampler)
    reason = f"{CANNOT}{cannot}" if cannot else "; ".join(sorted(reasons)) or "no layer was tested"
    return AssumptionResult(AuditVerdict.UNDECIDED, reason=reason)
