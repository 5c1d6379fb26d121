"""Violation budget: how much of the variance of vhat comes from which broken assumption, by layer.

Ensembles of the built-in tasks from their first step; bars are multiples of the theory's variance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.store import Data

TASKS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "lenet": {},
    "resnet20": {"depth": 8, "width": 8},
    "lstm-lm": {},
    "transformer-lm": {},
}
STEPS, COORDINATES = 12, 16
REPLICAS = {"fast": 48, "full": 128}
SHOWN = 6  # layers a task, of the largest and the smallest ratio


def generate(budget: str, seed: int) -> Data:
    """Shares of every layer that the audit could test."""
    from varlab.audit.assess import assess
    from varlab.tasks import builtin
    from varlab.tasks.training import one_thread

    tasks = {}
    for name, options in TASKS.items():
        with one_thread():
            audit = assess(
                builtin(name, **options),
                protocol="ensemble",
                replicas=REPLICAS[budget],
                steps=STEPS,
                coordinates=COORDINATES,
                seed=seed,
                task=name,
            )
        frame = audit.budget_frame().sort_values("ratio", ascending=False)
        layers = frame if len(frame) <= SHOWN else frame.iloc[_spread(len(frame), SHOWN)]
        tasks[name] = {
            str(layer): {key: float(f"{row[key]:.4g}") for key in (*SHARES, "total", "ratio")}
            for layer, row in layers.iterrows()
        }
    return {
        "shares": list(SHARES),
        "tasks": tasks,
        "caption": f"{REPLICAS[budget]} replicas, {STEPS} steps of Adam, {COORDINATES} coordinates a "
        f"layer; of each task {SHOWN} layers from the largest to the smallest total. beta2 = 0.999.",
    }


SHARES = ("normal-iid", "mean", "kurtosis", "drift", "dependence")


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
            ax.plot([row["ratio"]] * 2, [place - 0.42, place + 0.42], color=BLACK, lw=1.5)
        ax.axvline(1, color=BLACK, lw=0.6, ls=(0, (4, 2)))
        ax.set_yticks(range(len(layers)), list(layers), fontsize=6)
        ax.invert_yaxis()
        ax.set_title(task)
    axes[-1].set_xlabel("Var of vhat / theory's (bars: shares; black: total; dashed: the theory)")
    handles = [Patch(color=c) for c in colors.values()]
    figure.legend(handles, list(colors), loc="outside upper center", ncols=5)
    caption(figure, data["caption"])
    return figure


def _spread(count: int, wanted: int) -> list[int]:
    return [round(i * (count - 1) / (wanted - 1)) for i in range(wanted)]
