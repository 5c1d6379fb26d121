"""Fig. 1: training loss of Adam, Adam with warm-up, Adam-2k, Adam-eps and RAdam on a Transformer.

Post-LayerNorm encoder-decoder, as in the paper, but with two layers of width 32 on German and
English names (Unicode CLDR) for a few hundred steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paper_figures.runs import PAPER_TRANSFORMER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.runs import Runs
    from paper_figures.store import Data

RATES = (1e-2, 3e-2)
STEPS, SEEDS = 250, 3
PAPER = {**PAPER_TRANSFORMER, "frozen_steps": 2000, "seeds": 3}


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Both rates, all arms: curves and end values."""
    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs
    from varlab.tasks.experiments import controls
    from varlab.tasks.experiments.summary import as_dict, curve, end_losses, t_interval

    runs = runs or Runs()
    rates = (runs.options["lr"],) if "lr" in runs.options else RATES
    panels: list[dict[str, Any]] = []
    for lr in rates:
        own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget], "lr": lr}
        data = runs.train(runs.sized(controls, **own), seed, f"lr-{lr:g}")
        ends = end_losses(data)
        arms = {
            str(arm): {"curve": curve(data, str(arm)), "end": as_dict(t_interval(ends[i]))}
            for i, arm in enumerate(data["arm"].values)
        }
        panels.append({"lr": lr, "request": data.attrs["request"], "arms": arms})
    return {"panels": panels}


def draw(data: Data) -> Figure:
    """One panel a rate."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import INTERVALS, asked, draw_curve, here
    from paper_figures.style import BLACK, BLUE, GREEN, ORANGE, PAGE, PURPLE, caption

    looks = {
        "Adam": (ORANGE, "-"),
        "Adam with warm-up": (GREEN, (0, (5, 1.5))),
        "Adam-2k": (PURPLE, (0, (4, 1, 1, 1))),
        "Adam-eps": (BLACK, (0, (1, 1.2))),
        "RAdam": (BLUE, "-"),
    }
    figure, axes = plt.subplots(
        1, len(data["panels"]), figsize=(PAGE, 3.0), sharey=True, squeeze=False
    )
    for ax, panel in zip(axes[0], data["panels"], strict=True):
        for arm, runs in panel["arms"].items():
            color, dashes = looks[arm]
            draw_curve(ax, runs["curve"], color, arm, ls=dashes)
        ax.set_title(f"learning rate {panel['lr']:g}")
        ax.set_xlabel("step")
    axes[0, 0].set_ylabel("training loss")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5)
    request = asked(data["panels"][0]["request"])
    caption(
        figure,
        "Paper: 6+6 layers of width 512, IWSLT'14 De-En, 70,000 steps, lr 3e-4, warm-up 4000, Adam-2k "
        "frozen for 2000; Adam ends near 9.5, Adam-eps near 3.6, the others near 3. "
        f"Here: {here(request)}, warm-up {request['warmup']}, frozen for {request['frozen_steps']}, "
        f"{request['seeds']} seeds. {_no_better_than_adam(data)}Bands: {INTERVALS}.",
    )
    return figure


def _no_better_than_adam(data: Data) -> str:
    """The controls that, unlike the paper's, do not end below Adam."""
    found = []
    for panel in data["panels"]:
        ends = {arm: runs["end"]["mean"] for arm, runs in panel["arms"].items()}
        adam = ends.pop("Adam")
        worse = [a for a, end in ends.items() if end is None or (adam is not None and end >= adam)]
        if worse:
            found.append(f"{' and '.join(worse)} at lr {panel['lr']:g}")
    return f"Unlike the paper's, no better than Adam: {'; '.join(found)}. " if found else ""
