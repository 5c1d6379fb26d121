"""The audit on a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from varlab.audit.protocol import Assumption
from varlab.core import shortest

if TYPE_CHECKING:
    from varlab.audit.layer import AssumptionResult, LayerAudit
    from varlab.audit.result import Audit

USUAL_WIDTH = 36  # characters of a layer's name, unless shortened names coincide
PLAIN_BELOW = 1e6  # larger numbers are written with an exponent


def two_digits(value: float) -> str:
    """Two significant digits, whatever the size; a dash for what does not exist.

    The ledger's :func:`varlab.report.text.number` writes 1234 in full, and other powers of ten.
    """
    if not math.isfinite(value):
        return "-"
    rounded = float(f"{value:.2g}")
    return f"{rounded:g}" if abs(rounded) < PLAIN_BELOW else f"{value:.1e}"


def interval(pair: tuple[float, float]) -> str:
    """``[low, high]``; an end that the data do not bound is infinite, a missing interval is said to be."""
    if any(math.isnan(end) for end in pair):
        return "(no interval)"
    low, high = (f"{end}" if math.isinf(end) else two_digits(end) for end in pair)
    return f"[{low}, {high}]"


def pvalue(value: float) -> str:
    """Two digits, or a bound."""
    if not math.isfinite(value):
        return "-"
    return "<1e-4" if value < 1e-4 else f"{value:.2g}"


def short_name(layer: str, width: int) -> str:
    """The name within ``width`` characters, its middle left out."""
    if len(layer) <= width:
        return layer
    end = (width - 2) // 2
    return f"{layer[: width - 2 - end]}..{layer[-end:]}"


def name_width(layers: Sequence[str]) -> int:
    """The width at which shortened names still tell all layers apart."""
    longest = max(map(len, layers))
    return next(
        width
        for width in range(min(USUAL_WIDTH, longest), longest + 1)
        if len({short_name(layer, width) for layer in layers}) == len(set(layers))
    )


def tested_coordinates(layer: LayerAudit) -> str:
    """``1 of 64``: coordinates that were tested, and those that there are."""
    everything = layer.coordinates + layer.excluded
    return f"{layer.coordinates} of {everything}" if layer.excluded else f"{everything}"


def untested(layer: LayerAudit) -> str:
    """``sparse: not tested``, with more words where there are any."""
    more = f" ({layer.fault})" if layer.fault != layer.status else ""
    return f"{layer.status}: not tested{more}"


def _model_line(assumption: Assumption, result: AssumptionResult) -> str:
    if not result.tested:
        return f"  {assumption.value:13} {result.verdict.value:10} {result.reason}"
    return (
        f"  {assumption.value:13} {result.verdict.value:10} {result.effect_name} "
        f"{two_digits(result.effect)} {interval(result.ci)}, band {interval(result.band)}, detectable "
        f"{two_digits(result.minimum_detectable)}, p {pvalue(result.pvalue)} (worst: {result.layer})"
        + (f"; {result.reason}" if result.reason else "")
    )


def _layer_line(layer: LayerAudit, width: int) -> str:
    name = short_name(layer.layer, width)
    if layer.status != "ok":
        return f"  {name:{width}} {untested(layer)}"
    cells = " ".join(
        f"{r.verdict.value if r.tested else 'cannot':10}" for r in layer.assumptions.values()
    )
    budget = layer.budget
    ratio = f"{two_digits(budget.ratio)} {interval(budget.ratio_ci)}" if budget else "-"
    part = f"; {tested_coordinates(layer)} coordinates vary" if layer.excluded else ""
    return f"  {name:{width}} {cells} {ratio}{part}"


def summary(audit: Audit) -> str:
    """Answer, model, layers, what the protocol cannot say, and how to repeat it."""
    header = " ".join(f"{a.value:10}"[:12] for a in Assumption)
    unit = {"ensemble": "replicas", "run": "run", "frozen": "parameter point"}[audit.protocol]
    width = name_width([layer.layer for layer in audit.layers])
    lines = [
        audit.answer(),
        f"protocol {audit.protocol.value}: {audit.replicas} {unit}, {audit.steps} steps, beta2 "
        f"{shortest(audit.beta2)}, level {audit.level:g}, sampler {audit.sampler}"
        + ("" if audit.complete else "; the recording was interrupted"),
        f"recorded: {audit.quantity}",
        "model",
        *(_model_line(a, r) for a, r in audit.model.items()),
        f"  {'layer':{width}} {header} variance of vhat / theory",
        *(_layer_line(layer, width) for layer in audit.layers),
        "what this protocol cannot say",
        *(f"  {limit}" for limit in audit.limits),
    ]
    if audit.command:
        lines.append(f"repeat: {audit.command}")
    return "\n".join(lines)
