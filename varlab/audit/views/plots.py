"""The audit's three pictures, each on given Axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from varlab.audit.cost.violation_budget import SHARES
from varlab.audit.protocol import Assumption
from varlab.audit.verdicts import AuditVerdict
from varlab.core.palette import BLUE, GREEN, NEUTRAL, ORANGE, PURPLE, SKY, YELLOW

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varlab.audit.result import Audit

VERDICT_COLOURS = {
    AuditVerdict.HOLDS: GREEN,
    AuditVerdict.VIOLATED: ORANGE,
    AuditVerdict.UNDECIDED: NEUTRAL,
}
SHARE_COLOURS = dict(zip(SHARES, (NEUTRAL, SKY, YELLOW, PURPLE, ORANGE), strict=True))
CURVE_COLOURS = (ORANGE, YELLOW, PURPLE, GREEN, SKY, BLUE)


def _shown(name: str) -> str:
    """A label that Matplotlib prints as it is: no mathematics, no hidden leading underscore."""
    return ("\u200a" + name if name.startswith("_") else name).replace("$", r"\$")


def draw_forest(audit: Audit, ax: Axes) -> None:
    """Effects with intervals in half widths of their bands, a column an assumption, a row a layer.

    Inside +-1 an assumption holds; the axis is linear there and logarithmic beyond.
    """
    ax.axis("off")
    tested = [a for a in Assumption if any(x.assumptions[a].tested for x in audit.tested_layers)]
    width = 1 / max(len(tested), 1)
    for column, assumption in enumerate(tested):
        panel = ax.inset_axes((column * width, 0.0, 0.94 * width, 1.0))
        draw_effects(audit, assumption, panel)
        if column:
            panel.set_yticklabels([])
    for verdict, colour in VERDICT_COLOURS.items():
        ax.plot([], [], "o-", color=colour, ms=4, label=verdict.value)
    ax.fill_between([], [], color=NEUTRAL, alpha=0.15, lw=0, label="band")
    ax.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.05), ncols=4, frameon=False)


def draw_effects(audit: Audit, assumption: Assumption, ax: Axes) -> None:
    """One assumption's effects with intervals, in half widths of its band, layer by layer."""
    layers = audit.tested_layers
    for row, layer in enumerate(layers):
        result = layer.assumptions[assumption]
        if not result.tested:
            continue
        half = result.band[1]
        low, high = (v / half for v in result.ci)
        colour = VERDICT_COLOURS[result.verdict]
        ax.plot([low, high], [row, row], color=colour, lw=1.5)
        ax.plot([result.effect / half], [row], "o", color=colour, ms=3.5)
    ax.axvspan(-1, 1, color=NEUTRAL, alpha=0.15, lw=0)
    ax.axvline(0, color=NEUTRAL, lw=0.5)
    ax.set_yticks(range(len(layers)), [_shown(layer.layer) for layer in layers], fontsize=7)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(layers) - 0.4, -0.6)
    ax.set_xscale("symlog", linthresh=1.0)
    ax.margins(x=0.08)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.tick_params(axis="x", labelsize=7)
    ax.set_title(assumption.value, fontsize=8)
    ax.set_xlabel("effect / band", fontsize=7)


NAMED = 6  # curves that can be told apart by their colours


def draw_log_psi(audit: Audit, ax: Axes) -> None:
    """Measured over theoretical Var[log psi_t] along the steps.

    A few layers, spread from the largest to the smallest at the end, have a colour, an interval and a
    name; the others are grey.
    """
    paths = {
        layer.layer: layer.log_psi
        for layer in audit.tested_layers
        if layer.log_psi is not None and np.isfinite(layer.log_psi.measured).any()
    }
    ratios = {name: path.measured / path.theory for name, path in paths.items()}
    ordered = sorted(ratios, key=lambda name: -float(ratios[name][np.isfinite(ratios[name])][-1]))
    places = np.unique(np.linspace(0, len(ordered) - 1, min(NAMED, len(ordered))).round())
    named = {ordered[int(place)] for place in places}
    for name in (n for n in ordered if n not in named):
        ax.plot(paths[name].steps, ratios[name], color=NEUTRAL, lw=0.6, alpha=0.6)
    for name, colour in zip((n for n in ordered if n in named), CURVE_COLOURS, strict=False):
        path = paths[name]
        ax.plot(path.steps, ratios[name], lw=1.4, color=colour, label=_shown(name))
        low, high = path.low / path.theory, path.high / path.theory
        ax.fill_between(path.steps, low, high, color=colour, alpha=0.15, lw=0)
    ax.axhline(1.0, color=NEUTRAL, lw=0.8, ls="--")
    ax.set_yscale("log")
    ax.locator_params(axis="x", integer=True)
    ax.set_xlabel("step")
    ax.set_ylabel("measured / theoretical\nVar[log psi_t]", fontsize=8)
    handles, labels = ax.get_legend_handles_labels()
    if len(ratios) > len(named):
        (grey,) = ax.plot([], [], color=NEUTRAL, lw=0.6)
        handles, labels = [*handles, grey], [*labels, f"{len(ratios) - len(named)} other layers"]
    if labels:
        ax.legend(handles, labels, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


def draw_budget(audit: Audit, ax: Axes) -> None:
    """Shares of the variance of vhat per layer, in multiples of the theory's."""
    layers = [layer for layer in audit.tested_layers if layer.budget is not None]
    rows = np.arange(len(layers))
    left, right = np.zeros(len(layers)), np.zeros(len(layers))
    for share in SHARES:
        widths = np.array(
            [x.budget.shares[share] / x.budget.shares["normal-iid"] for x in layers if x.budget]
        )
        starts = np.where(widths >= 0, right, left)
        ax.barh(rows, widths, left=starts, color=SHARE_COLOURS[share], label=share, height=0.7)
        right = right + np.maximum(widths, 0.0)
        left = left + np.minimum(widths, 0.0)
    ink = ax.xaxis.label.get_color()
    for row, layer in enumerate(layers):
        if layer.budget is not None and math.isfinite(layer.budget.ratio):
            ax.plot([layer.budget.ratio] * 2, [row - 0.4, row + 0.4], color=ink, lw=1.5)
    ax.axvline(1.0, color=NEUTRAL, lw=0.8, ls="--")
    ax.set_yticks(rows, [_shown(layer.layer) for layer in layers], fontsize=7)
    ax.invert_yaxis()
    ax.set_xlabel("variance of vhat / theory's (bars: shares; line: total)")
    if layers:
        ax.legend(fontsize=7)
