"""Violation budget: how much of the variance of vhat comes from which broken assumption, by layer.

Ensembles of the built-in tasks from their first step; bars are multiples of the theory's variance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from varlab.core.json_numbers import json_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from paper_figures.store import Data

# What the README's table audits as well (tests/audit/measure_tasks.py): label, task, its options.
TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "mlp": ("mlp", {}),
    "lenet": ("lenet", {}),
    "resnet20 (depth 8)": ("resnet20", {"depth": 8, "width": 8}),
    "lstm-lm": ("lstm-lm", {}),
    "transformer-lm, LayerNorm after": ("transformer-lm", {"norm": "post"}),
    "transformer-lm, LayerNorm before": ("transformer-lm", {"norm": "pre"}),
    "transformer-mt": ("transformer-mt", {}),
    "mlp-mixer": ("mlp-mixer", {}),
}
STEPS, COORDINATES = 20, 32
REPLICAS = {"fast": 48, "full": 128}
SHOWN = 4  # layers a task, from the largest ratio to the smallest


def generate(budget: str, seed: int) -> Data:
    """Shares of every layer that the audit could test."""
    from varlab.audit.assess import assess
    from varlab.tasks import builtin
    from varlab.tasks.training import one_thread

    tasks = {}
    for label, (name, options) in TASKS.items():
        with one_thread():
            audit = assess(
                builtin(name, **options),
                protocol="ensemble",
                replicas=REPLICAS[budget],
                steps=STEPS,
                coordinates=COORDINATES,
                seed=seed,
                task=label,
            )
        frame = audit.budget_frame().sort_values("ratio", ascending=False)
        layers = frame if len(frame) <= SHOWN else frame.iloc[_spread(len(frame), SHOWN)]
        tasks[label] = {
            str(layer): {key: json_number(float(f"{row[key]:.4g}")) for key in KEPT}
            for layer, row in layers.iterrows()
        }
    return {
        "shares": list(SHARES),
        "tasks": tasks,
        "replicas": REPLICAS[budget],
        "steps": STEPS,
        "coordinates": COORDINATES,
    }


SHARES = ("normal-iid", "mean", "kurtosis", "drift", "dependence")
KEPT = (*SHARES, "total", "ratio", "ratio_low", "ratio_high")


def draw(data: Data) -> Figure:
    """Stacked bars by layer, one panel a task."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    from paper_figures.style import BLACK, GREY, ORANGE, PAGE, PURPLE, SKY, YELLOW, caption

    colors = dict(zip(data["shares"], (GREY, SKY, YELLOW, PURPLE, ORANGE), strict=True))
    heights = [len(layers) for layers in data["tasks"].values()]
    figure, axes = plt.subplots(
        len(heights),
        1,
        figsize=(PAGE, 0.19 * sum(heights) + 1.4),
        sharex=True,
        height_ratios=heights,
    )
    for ax, (task, layers) in zip(axes, data["tasks"].items(), strict=True):
        for place, row in enumerate(layers.values()):
            right = left = 0.0
            for share in data["shares"]:
                width = row[share] / row["normal-iid"]
                start = right if width >= 0 else left
                ax.barh(place, width, left=start, color=colors[share], height=0.7)
                right, left = right + max(width, 0.0), left + min(width, 0.0)
            draw_total(ax, place, row)
        ax.axvline(1, color=BLACK, lw=0.6, ls=(0, (4, 2)))
        ax.set_yticks(range(len(layers)), list(layers), fontsize=6)
        ax.invert_yaxis()
        ax.set_title(task)
    axes[-1].set_xlabel("Var of vhat / theory's")
    handles = [Patch(color=c) for c in colors.values()]
    figure.legend(handles, list(colors), loc="outside upper center", ncols=5)
    shown = max(heights)
    caption(
        figure,
        f"{data['replicas']} replicas, the first {data['steps']} steps of Adam with beta2 = 0.999, "
        f"{data['coordinates']} coordinates a layer; of each task {shown} layers from the largest to the "
        "smallest total. Bars: shares; black: total with its 95% jackknife interval; dashed: the theory.",
    )
    return figure


def draw_total(ax: Axes, place: float, row: dict[str, Any]) -> None:
    """The total as a tick, with its interval where there is one."""
    from paper_figures.style import BLACK

    ratio, low, high = (row[key] for key in ("ratio", "ratio_low", "ratio_high"))
    ax.plot([ratio, ratio], [place - 0.42, place + 0.42], color=BLACK, lw=1.5)
    if low is not None and high is not None:
        ax.plot([low, high], [place, place], color=BLACK, lw=0.8)
        for end in (low, high):
            ax.plot([end, end], [place - 0.15, place + 0.15], color=BLACK, lw=0.8)


def _spread(count: int, wanted: int) -> list[int]:
    return [round(i * (count - 1) / (wanted - 1)) for i in range(wanted)]
