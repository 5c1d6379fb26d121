"""The audit as one self-contained HTML page: the answer first, then what it rests on."""

from __future__ import annotations

import io
from collections.abc import Callable
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from varlab import __version__
from varlab.audit.views.plots import draw_budget, draw_forest, draw_log_psi
from varlab.audit.views.text import interval, pvalue, tested_coordinates, two_digits, untested
from varlab.core import shortest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varlab.audit.calibrate import Calibration
    from varlab.audit.layer import AssumptionResult, LayerAudit
    from varlab.audit.result import Audit

# Stands for the page's text colour while Matplotlib draws; replaced by CSS's currentColor.
_INK = "#0a0b0c"


def page(audit: Audit, calibration: Calibration | None = None) -> str:
    """HTML text without any outside resource; every name from the model is escaped."""
    style = files("varlab.audit.views").joinpath("page.css").read_text(encoding="utf-8")
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>varlab audit: {escape(audit.task)}</title><style>{style}</style></head><body>",
        "<header><h1>varlab audit: are the gradients i.i.d. N(0, s²)?</h1>",
        f'<p class="answer">{escape(audit.answer())}</p>{_meta(audit)}</header><main>',
        "<h2>The model</h2>",
        _table(
            (
                "assumption",
                "verdict",
                "effect",
                "value",
                "interval",
                "band",
                "detectable",
                "p",
                "worst layer",
            ),
            [_model_row(a.value, r) for a, r in audit.model.items()],
        ),
        "<h2>What this protocol cannot say</h2><ul>",
        *(f"<li>{escape(limit)}</li>" for limit in audit.limits),
        "</ul>",
        *_figures(audit),
        "<h2>The layers</h2>",
        _table(
            (
                "layer",
                "status",
                "coordinates",
                *(a.value for a in audit.model),
                "variance of vhat / theory",
            ),
            [_layer_row(layer) for layer in audit.layers],
        ),
    ]
    if calibration is not None:
        parts.append(
            "<h2>Calibration</h2>"
            f"{_scrolled(f'<pre>{escape(calibration.summary())}</pre>', 'Calibration')}"
        )
    parts.append("</main></body></html>\n")
    return "\n".join(parts)


def _meta(audit: Audit) -> str:
    facts = [
        f"varlab {__version__}",
        f"protocol {audit.protocol.value}",
        f"{audit.replicas} replicas, {audit.steps} steps",
        f"beta2 {shortest(audit.beta2)}",
        f"level {audit.level:g}",
        f"seed {audit.seed if audit.seed is not None else 'unknown'}",
        f"sampler {audit.sampler}",
        f"recorded: {audit.quantity}",
    ]
    if not audit.complete:
        facts.append("the recording was interrupted")
    command = f"<br><code>{escape(audit.command)}</code>" if audit.command else ""
    return f'<p class="meta">{escape("; ".join(facts))}{command}</p>'


def _table(head: tuple[str, ...], rows: list[str]) -> str:
    cells = "".join(f"<th>{escape(h)}</th>" for h in head)
    table = f"<table><tr>{cells}</tr>{''.join(rows)}</table>"
    return _scrolled(table, f"Table: {head[0]}s")


def _scrolled(inner: str, label: str) -> str:
    """Wider than a phone: scrolled in a region of its own, by keyboard as well."""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">{inner}</div>'
    )


def _row(cells: list[tuple[str, str]]) -> str:
    """A row of (text, class)."""
    inner = "".join(
        f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"
        for text, kind in cells
    )
    return f"<tr>{inner}</tr>"


def _model_row(name: str, result: AssumptionResult) -> str:
    verdict = (result.verdict.value, result.verdict.value)
    if not result.tested:
        return _row([(name, ""), verdict, (result.reason, "")] + [("", "")] * 6)
    return _row(
        [
            (name, ""),
            verdict,
            ("; ".join(filter(None, (result.effect_name, result.reason))), ""),
            (two_digits(result.effect), ""),
            (interval(result.ci), ""),
            (interval(result.band), ""),
            (two_digits(result.minimum_detectable), ""),
            (pvalue(result.pvalue), ""),
            (f"{result.layer}; {result.reason}" if result.reason else result.layer, ""),
        ]
    )


def _layer_row(layer: LayerAudit) -> str:
    status = untested(layer) if layer.fault else layer.status
    cells = [(layer.layer, ""), (status, ""), (tested_coordinates(layer), "")]
    for result in layer.assumptions.values():
        if result.tested:
            text = f"{result.verdict.value} {two_digits(result.effect)} {interval(result.ci)}"
            cells.append((text, result.verdict.value))
        else:
            cells.append((result.reason.split(":")[0], "cannot"))
    budget = layer.budget
    cells.append((f"{two_digits(budget.ratio)} {interval(budget.ratio_ci)}" if budget else "-", ""))
    return _row(cells)


def _figures(audit: Audit) -> list[str]:
    layers = audit.tested_layers
    if not layers:
        return []
    drawings: list[tuple[str, str, Callable[[Audit, Axes], None], float]] = [
        (
            "Effects and their bands",
            "A column an assumption; effects in half widths of their bands: inside the grey one it "
            "holds. Linear up to 1, logarithmic beyond.",
            draw_forest,
            len(layers) + 3,
        )
    ]
    if any(layer.budget is not None for layer in layers):
        drawings += [
            (
                "Measured over theoretical variance",
                "Var[log psi_t] against trigamma(n_t/2)/4 along the steps; 1 is the theory.",
                draw_log_psi,
                12,
            ),
            (
                "Violation budget",
                "Shares of the variance of vhat, in multiples of the theory's; they add up exactly.",
                draw_budget,
                len(layers) + 3,
            ),
        ]
    return [
        f"<h2>{title}</h2><figure>{_scrolled(_svg(audit, draw, rows, title), title)}"
        f"<figcaption>{caption}</figcaption></figure>"
        for title, caption, draw, rows in drawings
    ]


def _svg(audit: Audit, draw: Callable[[Audit, Axes], None], rows: float, name: str) -> str:
    """An inline picture whose ink follows the page's; ids are salted so that pictures do not clash."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    inked = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    settings: dict[Any, Any] = dict.fromkeys(inked, _INK)
    settings |= {"svg.hashsalt": name, "svg.fonttype": "none"}
    settings |= {"axes.facecolor": "none", "legend.facecolor": "none"}
    with mpl.rc_context(settings):
        # An inch per six rows keeps labels of 7 points apart.
        figure = Figure(figsize=(8.5, 1.5 + max(rows, 6) / 6), layout="constrained")
        FigureCanvasSVG(figure)
        draw(audit, figure.add_subplot())
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :].replace(_INK, "currentColor")
