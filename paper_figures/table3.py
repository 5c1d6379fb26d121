"""Table 3: unrectified Adam in steps 1 to 4 or 5 to 8, then RAdam, at learning rate 0.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_figures.runs import PAPER_RESNET

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.runs import Runs
    from paper_figures.store import Data

STEPS, SEEDS = 200, 8
PAPER = {**PAPER_RESNET, "seeds": 5}
# Table 3 itself: test accuracy in percent, training loss, training error in percent.
TABLE3 = ((91.08, 0.021, 0.74), (89.98, 0.060, 2.12), (90.29, 0.038, 1.23))


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Accuracy, end loss and their paired differences from RAdam."""
    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs
    from varlab.tasks.experiments import first_steps
    from varlab.tasks.experiments.summary import accuracies, as_dict, curve, end_losses, t_interval

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget]}
    data = runs.train(runs.sized(first_steps, **own), seed)
    scores, ends = 100 * accuracies(data), end_losses(data)
    arms = {
        str(arm): {
            "curve": curve(data, str(arm), points=50, logarithmic=True),
            "accuracy": as_dict(t_interval(scores[i])),
            "end_loss": as_dict(t_interval(ends[i])),
            "accuracy_minus_radam": as_dict(t_interval(scores[i] - scores[0])) if i else None,
            "end_loss_minus_radam": as_dict(t_interval(ends[i] - ends[0])) if i else None,
        }
        for i, arm in enumerate(data["arm"].values)
    }
    return {
        "request": data.attrs["request"],
        "arms": arms,
    }


def draw(data: Data) -> Figure:
    """Training curves, and the table with intervals."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import (
        INTERVALS,
        above_zero,
        asked,
        draw_curve,
        here,
        within_percent,
        written,
    )
    from paper_figures.style import BLUE, GREEN, ORANGE, PAGE, caption, draw_table

    figure, (top, bottom) = plt.subplots(2, 1, figsize=(PAGE, 3.8), height_ratios=(5, 2))
    looks = zip((BLUE, ORANGE, GREEN), ("-", "-", (0, (5, 1.5))), strict=True)
    for (arm, runs), (color, dashes) in zip(data["arms"].items(), looks, strict=True):
        draw_curve(top, runs["curve"], color, arm, ls=dashes)
    top.set_yscale("log")
    top.set_xlabel("step")
    top.set_ylabel("training loss")
    top.legend()
    rows = [
        [
            arm,
            written(within_percent(runs["accuracy"]), 1),
            written(above_zero(runs["end_loss"]), 3),
            f"{accuracy:.2f}",
            f"{loss:.3f}",
            f"{error:.2f}",
        ]
        for (arm, runs), (accuracy, loss, error) in zip(data["arms"].items(), TABLE3, strict=True)
    ]
    heads = ["", "held-out accuracy (%)", "end loss"]
    heads += ["paper: accuracy (%)", "paper: train loss", "paper: train error (%)"]
    draw_table(bottom, rows, heads, widths=[0.19, 0.18, 0.18, 0.15, 0.14, 0.17], height=1.4)
    request = asked(data["request"])
    caption(
        figure,
        f"Paper: ResNet-20, CIFAR-10, lr 0.1, 5 runs. Here: {here(request)}, lr {request['lr']:g}, "
        f"{request['seeds']} seeds; training error not measured. Bands and brackets: {INTERVALS}, on the "
        "logarithm of a loss and the logit of an accuracy.",
    )
    return figure
