"""From a recording to an audit: every layer, every assumption that the protocol can decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlab.audit.assumptions import identical, independence, normality, zero_mean
from varlab.audit.assumptions.crossing import Crossing
from varlab.audit.assumptions.memory import within_memory
from varlab.audit.assumptions.multiplicity import discoveries, simes
from varlab.audit.assumptions.outcome import Outcome
from varlab.audit.cost import log_psi, violation_budget
from varlab.audit.layer import CANNOT, UNTESTED, AssumptionResult, LayerAudit
from varlab.audit.model import model_results
from varlab.audit.protocol import Assumption, Protocol
from varlab.audit.recorder.independent import independent_replicas
from varlab.audit.recorder.recording import Recording
from varlab.audit.recorder.statuses import OK
from varlab.audit.result import Audit
from varlab.audit.verdicts import AuditVerdict, Bands, decide
from varlab.core import InputError, real

TOO_FEW = "too-few-samples"

Array = NDArray[np.float64]
Test = Callable[[Array, Bands], Outcome]

TESTS: dict[Protocol, dict[Assumption, Test]] = {
    Protocol.FROZEN: {
        Assumption.ZERO_MEAN: zero_mean.frozen,
        Assumption.NORMALITY: normality.frozen,
    },
    Protocol.RUN: {
        Assumption.ZERO_MEAN: zero_mean.run,
        Assumption.NORMALITY: normality.run,
        Assumption.IDENTICAL: identical.run,
        Assumption.INDEPENDENCE: independence.run,
    },
    Protocol.ENSEMBLE: {
        Assumption.ZERO_MEAN: zero_mean.ensemble,
        Assumption.NORMALITY: normality.ensemble,
        Assumption.IDENTICAL: identical.ensemble,
        Assumption.INDEPENDENCE: independence.ensemble,
    },
}


def assess_recording(
    recording: Recording,
    *,
    protocol: str | None = None,
    bands: Bands | None = None,
    level: float = 0.05,
    command: str = "",
) -> Audit:
    """Decide the four assumptions on a recording.

    Parameters
    ----------
    recording : Recording
    protocol : str, optional
        The recording's own; ``run`` also for an ensemble of one replica.
    bands : Bands, optional
        Largest effects that count as "holds".
    level : float
        In (0, 0.5]: error rate of intervals and procedures.
    command : str
        What to type to repeat the audit; printed in the report.

    Returns
    -------
    Audit

    Raises
    ------
    InputError, DomainError
        For an unknown protocol, one that the recording cannot serve, or a level outside (0, 0.5].
    """
    recording = Recording(recording.dataset)  # a live one is copied once, not at every look
    chosen = recording.protocol if protocol is None else Protocol.parse(protocol)
    limits, level = checked_limits(bands, level)
    replicas = recording.dataset.sizes["replica"]
    chosen.require_recorded_as(recording.protocol)
    if chosen is not Protocol.ENSEMBLE and replicas != 1:
        raise InputError(
            f"protocol {chosen.value} takes one replica; got {replicas}; choose one with "
            "recording.replica(i)"
        )
    attrs = recording.dataset.attrs
    sampler = str(attrs["sampler"])
    apart = independent_replicas(recording.inits, recording.orders, replicas)
    layers = tuple(
        _layer(recording, name, chosen, limits, level, apart) for name in recording.layers
    )
    return Audit(
        protocol=chosen,
        task=str(attrs["task"]),
        layers=layers,
        model=model_results(layers, chosen, level, sampler),
        level=level,
        bands=limits,
        replicas=replicas,
        steps=len(recording.steps),
        beta2=recording.beta2,
        seed=attrs.get("seed"),
        quantity=str(attrs["quantity"]),
        sampler=sampler,
        complete=bool(attrs["complete"]),
        independent=len(apart),
        command=command,
    )


def checked_limits(bands: Bands | None, level: float) -> tuple[Bands, float]:
    """Bands and level as an audit takes them, before any work is done.

    Raises
    ------
    InputError, DomainError
    """
    limits = Bands() if bands is None else bands
    if not isinstance(limits, Bands):
        raise InputError(f"bands must be varlab.audit.verdicts.Bands; got {type(bands).__name__}")
    return limits, real("level", level, "lie in (0, 0.5]", lambda p: 0 < p <= 0.5)


def layer_status(recording: Recording, name: str, protocol: Protocol) -> str:
    """``ok``, or what is wrong with a layer's data; the recorder's word comes first."""
    noted = recording.statuses.get(name, OK)
    if noted != OK:
        return noted
    x = recording.layer(name)
    if x.shape[2] == 0:
        return "no-gradient"
    bad = ~np.isfinite(x).all(axis=(0, 2))
    if bad.any():
        return f"nonfinite({int(recording.steps[np.argmax(bad)])})"
    units = x.shape[0] if protocol is Protocol.ENSEMBLE else x.shape[1]
    if units < protocol.fewest:
        return TOO_FEW
    if not np.any(np.ptp(x, axis=(0, 1)) > 0):
        return "constant"
    return OK


def _layer(
    recording: Recording,
    name: str,
    protocol: Protocol,
    bands: Bands,
    level: float,
    apart: NDArray[np.int64],
) -> LayerAudit:
    """``apart``: replicas that share neither initialisation nor data order, which alone are tested."""
    status = layer_status(recording, name, protocol)
    x = recording.layer(name)
    units = len(apart) if protocol is Protocol.ENSEMBLE else x.shape[1]
    if status != OK:
        reason = UNTESTED + ((status == TOO_FEW and protocol.shortfall(units)) or status)
        nothing = {a: AssumptionResult(AuditVerdict.UNDECIDED, reason=reason) for a in Assumption}
        return LayerAudit(name, status, x.shape[2], 0, units, nothing)
    varied = np.ptp(x, axis=(0, 1)) > 0
    x = x[:, :, varied]
    # Nothing below depends on a coordinate's scale; unit scale keeps powers in range.
    x = x / np.max(np.abs(x), axis=(0, 1))
    data = x[apart] if protocol is Protocol.ENSEMBLE else x[0]
    reasons = {a: _untestable(a, protocol, x.shape, units, recording) for a in Assumption}
    outcomes = {a: test(data, bands) for a, test in TESTS[protocol].items() if reasons[a] is None}
    if protocol is Protocol.RUN:
        outcomes = within_memory(outcomes, data)
    results = {
        a: _decided(outcomes[a], level)
        if a in outcomes
        else AssumptionResult(AuditVerdict.UNDECIDED, reason=f"{CANNOT}{reasons[a]}")
        for a in Assumption
    }
    measured: dict[str, Any] = {}
    beta2, steps = recording.beta2, recording.steps
    if protocol is Protocol.ENSEMBLE:
        labels = recording.inits, recording.orders
        measured["log_psi"] = log_psi.ensemble(x, steps, beta2, level, Crossing.of(*labels))
        measured["budget"] = violation_budget.ensemble(x, steps, beta2, level, *labels)
    elif protocol is Protocol.FROZEN:
        measured["log_psi"] = log_psi.frozen(data, beta2, level)
        measured["budget"] = violation_budget.frozen(data, beta2, level)
    else:
        measured["log_psi"] = log_psi.unmeasured(steps, beta2)
    return LayerAudit(
        name,
        status,
        x.shape[2],
        int(np.sum(~varied)),
        units,
        results,
        pvalues={a: o.pvalues for a, o in outcomes.items()},
        effects={a: o.coordinate_effects for a, o in outcomes.items()},
        **measured,
    )


def _untestable(
    assumption: Assumption,
    protocol: Protocol,
    shape: tuple[int, ...],
    units: int,
    recording: Recording,
) -> str | None:
    """Why ``assumption`` cannot be decided here, if it cannot."""
    about_steps = assumption in (Assumption.IDENTICAL, Assumption.INDEPENDENCE)
    if protocol is Protocol.ENSEMBLE and about_steps and shape[1] < 2:
        return "one step was recorded, and this compares steps"
    if units < protocol.fewest:
        return (
            f"replicas share initialisations or data orders; {units} of {shape[0]} share neither, "
            f"and a verdict needs {protocol.fewest}"
        )
    return protocol.cannot(assumption, str(recording.dataset.attrs["sampler"]))


def _decided(outcome: Outcome, level: float) -> AssumptionResult:
    decision = decide(outcome.effects, level)
    effect = decision.effect
    outside = min(1.0, len(outcome.effects) * min(e.pvalue_outside() for e in outcome.effects))
    return AssumptionResult(
        verdict=decision.verdict,
        pvalue=float(simes(outcome.pvalues)),
        effect=effect.value,
        ci=effect.ci(decision.level),
        band=effect.band,
        minimum_detectable=effect.minimum_detectable(decision.level),
        effect_name=effect.name,
        reason=outcome.reason,
        discoveries=int(np.sum(discoveries(outcome.pvalues, level))),
        outside=outside,
        details=outcome.details,
        deciding=effect,
    )
