"""The audit's three pictures, each on given Axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from varlab.audit.protocol import Assumption
from varlab.audit.verdicts import AuditVerdict
from varlab.audit.violation_budget import SHARES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varlab.audit.result import Audit

# Colours that stay apart for colour-blind readers (Okabe & Ito 2008), on light and dark.
VERDICT_COLOURS = {
    AuditVerdict.HOLDS: "#009e73",
    AuditVerdict.VIOLATED: "#d55e00",
    AuditVerdict.UNDECIDED: "#7f7f7f",
}
SHARE_COLOURS = dict(
    zip(SHARES, ("#7f7f7f", "#56b4e9", "#e69f00", "#cc79a7", "#d55e00"), strict=True)
)
MARKERS = dict(zip(Assumption, ("o", "s", "D", "^"), strict=True))


def _shown(name: str) -> str:
    """A label that Matplotlib prints as it is: no mathematics, no hidden leading underscore."""
    return ("\u200a" + name if name.startswith("_") else name).replace("$", r"\$")


def draw_forest(audit: Audit, ax: Axes) -> None:
    """Effects with intervals in half widths of their bands: inside +-1 is "holds"."""
    labels, row = [], 0
    for layer in audit.tested_layers:
        for assumption, result in layer.assumptions.items():
            if not result.tested:
                continue
            half = result.band[1]
            low, high = (v / half for v in result.ci)
            colour = VERDICT_COLOURS[result.verdict]
            ax.plot([low, high], [row, row], color=colour, lw=1.5)
            ax.plot([result.effect / half], [row], MARKERS[assumption], color=colour, ms=4)
            labels.append(_shown(f"{layer.layer}  {assumption.value}"))
            row += 1
    ax.axvspan(-1, 1, color="#7f7f7f", alpha=0.15, lw=0, label="band")
    ax.axvline(0, color="#7f7f7f", lw=0.5)
    ax.set_yticks(range(row), labels, fontsize=7)
    ax.set_ylim(row - 0.4, -0.6)
    ax.set_xscale("symlog", linthresh=1.0)
    ax.set_xlabel("effect / half width of its equivalence band")
    for verdict, colour in VERDICT_COLOURS.items():
        ax.plot([], [], color=colour, label=verdict.value)
    ax.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)


def draw_log_psi(audit: Audit, ax: Axes) -> None:
    """Measured over theoretical Var[log psi_t] along the steps, with intervals."""
    for layer in audit.tested_layers:
        path = layer.log_psi
        if path is None or not np.isfinite(path.measured).any():
            continue
        (line,) = ax.plot(
            path.steps, path.measured / path.theory, lw=1.2, label=_shown(layer.layer)
        )
        ax.fill_between(
            path.steps,
            path.low / path.theory,
            path.high / path.theory,
            color=line.get_color(),
            alpha=0.15,
            lw=0,
        )
    ax.axhline(1.0, color="#7f7f7f", lw=0.8, ls="--")
    ax.set_yscale("log")
    ax.set_xlabel("step")
    ax.set_ylabel("measured / theoretical Var[log psi_t]")
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize=6)


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
    ax.axvline(1.0, color="#7f7f7f", lw=0.8, ls="--")
    ax.set_yticks(rows, [_shown(layer.layer) for layer in layers], fontsize=7)
    ax.invert_yaxis()
    ax.set_xlabel("variance of vhat / theory's (bars: shares; line: total)")
    if layers:
        ax.legend(fontsize=7)
