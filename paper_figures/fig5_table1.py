"""Fig. 5 and Table 1: SGD, Adam and RAdam on an image classifier, the rate cut twice.

ResNet-8 of width 8 on scikit-learn's 8 x 8 digits in place of ResNet-20 on CIFAR-10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_figures.runs import PAPER_RESNET

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.runs import Runs
    from paper_figures.store import Data

STEPS, SEEDS = 300, 5
PAPER = {**PAPER_RESNET, "seeds": 5}
# Table 1's test accuracies in percent: CIFAR-10, ImageNet.
TABLE1 = {"SGD": (91.51, 69.86), "Adam": (90.54, 66.54), "RAdam": (91.38, 67.62)}


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Training curves and held-out accuracies."""
    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs
    from varlab.tasks.experiments import image
    from varlab.tasks.experiments.summary import accuracies, as_dict, curve, t_interval

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget]}
    data = runs.train(runs.sized(image, **own), seed)
    scores = 100 * accuracies(data)
    arms = {
        str(arm): {
            "curve": curve(data, str(arm), logarithmic=True),
            "accuracy": as_dict(t_interval(scores[i])),
        }
        for i, arm in enumerate(data["arm"].values)
    }
    return {
        "request": data.attrs["request"],
        "arms": arms,
        "radam_minus_adam": as_dict(t_interval(scores[2] - scores[1])),
    }


def draw(data: Data) -> Figure:
    """Training loss, and accuracy with intervals; below, Table 1 beside the paper's."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import (
        INTERVALS,
        asked,
        draw_curve,
        draw_interval,
        here,
        within_percent,
        written,
    )
    from paper_figures.style import BLUE, GREEN, ORANGE, PAGE, caption, draw_table

    figure, axes = plt.subplot_mosaic(
        [["loss", "accuracy"], ["table", "table"]],
        figsize=(PAGE, 3.8),
        width_ratios=(3, 2),
        height_ratios=(5, 2),
    )
    left, right = axes["loss"], axes["accuracy"]
    looks = {"SGD": (GREEN, (0, (5, 1.5))), "Adam": (ORANGE, "-"), "RAdam": (BLUE, "-")}
    for place, (arm, runs) in enumerate(data["arms"].items()):
        color, dashes = looks[arm]
        draw_curve(left, runs["curve"], color, arm, ls=dashes)
        draw_interval(right, place, within_percent(runs["accuracy"]), color, marker="o")
    left.set_yscale("log")
    left.set_xlabel("step")
    left.set_ylabel("training loss")
    left.legend()
    right.set_xticks(range(len(data["arms"])), list(data["arms"]))
    right.set_xlim(-0.6, len(data["arms"]) - 0.4)
    right.set_ylabel("held-out accuracy (%)")
    rows = [
        [arm, written(within_percent(runs["accuracy"]), 1), *(f"{p:.2f}" for p in TABLE1[arm])]
        for arm, runs in data["arms"].items()
    ]
    gaps = (a - b for a, b in zip(TABLE1["RAdam"], TABLE1["Adam"], strict=True))
    rows.append(["RAdam - Adam", written(data["radam_minus_adam"], 1), *(f"{g:.2f}" for g in gaps)])
    heads = ["", "held-out accuracy (%)", "paper: CIFAR-10", "paper: ImageNet, not rebuilt here"]
    draw_table(axes["table"], rows, heads, widths=[0.17, 0.28, 0.2, 0.3], height=1.4)
    request = asked(data["request"])
    caption(
        figure,
        f"Paper: ResNet-20, CIFAR-10, 186 epochs; ResNet-18, ImageNet, 90 epochs. Here: {here(request)}, "
        f"{request['seeds']} seeds; SGD at {request['sgd_lr']:g}, Adam and RAdam at "
        f"{request['lr']:g}, no weight decay, no augmentation. Bands, bars and brackets: {INTERVALS}, "
        "on the logarithm of a loss and the logit of an accuracy.",
    )
    return figure
