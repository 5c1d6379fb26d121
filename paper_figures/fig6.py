"""Fig. 6: SGD, Adam and RAdam at four learning rates on a ResNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_figures.runs import PAPER_RESNET

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.runs import Runs
    from paper_figures.store import Data

STEPS, SEEDS = 200, 3
PAPER = {**PAPER_RESNET, "seeds": 3}


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Training curves and held-out accuracies of every optimiser at every rate."""
    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs, asked
    from varlab.tasks.experiments import robustness
    from varlab.tasks.experiments.arms import at_rate
    from varlab.tasks.experiments.robustness import OPTIMISERS
    from varlab.tasks.experiments.summary import accuracies, as_dict, curve, row, t_interval

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget]}
    data = runs.train(runs.sized(robustness, **own), seed)
    request = asked(data.attrs["request"])
    scores = 100 * accuracies(data)
    optimisers = {
        name: [
            {
                "lr": lr,
                "curve": curve(data, at_rate(name, lr), points=40, logarithmic=True),
                "accuracy": as_dict(t_interval(scores[row(data, at_rate(name, lr))])),
            }
            for lr in request["rates"]
        ]
        for name in OPTIMISERS
    }
    return {
        "request": data.attrs["request"],
        "optimisers": optimisers,
    }


def draw(data: Data) -> Figure:
    """One column an optimiser: training loss above, accuracy below."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import INTERVALS, asked, draw_curve, draw_interval, here, within_percent
    from paper_figures.style import BLUE, GREEN, ORANGE, PAGE, PURPLE, caption

    colors = (ORANGE, PURPLE, GREEN, BLUE)
    figure, axes = plt.subplots(
        2, 3, figsize=(PAGE, 4.0), sharey="row", height_ratios=(3, 2), sharex="row"
    )
    for column, (name, rates) in enumerate(data["optimisers"].items()):
        top, bottom = axes[:, column]
        for place, (color, runs) in enumerate(zip(colors, rates, strict=True)):
            draw_curve(top, runs["curve"], color, f"lr {runs['lr']:g}", band=False)
            draw_interval(bottom, place, within_percent(runs["accuracy"]), color, marker="o")
        top.set_title(name)
        top.set_yscale("log")
        top.set_xlabel("step")
        bottom.set_xticks(range(len(rates)), [f"{runs['lr']:g}" for runs in rates])
        bottom.set_xlim(-0.5, len(rates) - 0.5)
        bottom.set_xlabel("learning rate")
    axes[0, 0].set_ylabel("training loss")
    axes[1, 0].set_ylim(top=100)
    axes[1, 0].set_ylabel("held-out\naccuracy (%)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    request = asked(data["request"])
    caption(
        figure,
        f"Paper: ResNet-20, CIFAR-10, 186 epochs. Here: {here(request)} at a constant rate, "
        f"{request['seeds']} seeds. Lines: geometric means over seeds. Bars: {INTERVALS}, "
        "on the logit of the accuracy.",
    )
    return figure
