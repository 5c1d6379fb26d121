"""LeNet-5 under Adam with and without decay on a plateau, at learning rates 1e-3 and 1e-4 (B1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.runs import Runs
    from paper_figures.store import Data

STEPS, SEEDS = 450, 3
# The blog's 120 epochs of the 391 batches of 128 that CIFAR-10 has; its own batch is not given.
PAPER = {"steps": 120 * 391, "seeds": 3, "batch": 128, "plateau_every": 391}


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Curves and accuracies of both schedules at both rates."""
    import numpy as np

    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs, asked
    from varlab.tasks.experiments import lenet_decay
    from varlab.tasks.experiments.arms import at_rate
    from varlab.tasks.experiments.lenet_decay import CONSTANT, DECAYED
    from varlab.tasks.experiments.summary import accuracies, as_dict, curve, row, t_interval

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget]}
    data = runs.train(runs.sized(lenet_decay, **own), seed)
    request = asked(data.attrs["request"])
    scores = 100 * accuracies(data)
    losses = data["train_loss"].values
    panels = []
    for lr in request["rates"]:
        rows = [row(data, at_rate(n, lr)) for n in (CONSTANT, DECAYED)]
        constant, decayed = (scores[i] for i in rows)
        panels.append(
            {
                "lr": lr,
                "arms": {
                    n: curve(data, at_rate(n, lr), logarithmic=True) for n in (CONSTANT, DECAYED)
                },
                "accuracy": {
                    CONSTANT: as_dict(t_interval(constant)),
                    DECAYED: as_dict(t_interval(decayed)),
                },
                # Runs are paired: as long as the rate is not cut, both arms are one and the same run.
                "cut": not np.array_equal(losses[rows[0]], losses[rows[1]], equal_nan=True),
                "decayed_minus_constant": as_dict(t_interval(decayed - constant)),
            }
        )
    return {
        "request": data.attrs["request"],
        "panels": panels,
    }


def draw(data: Data) -> Figure:
    """One panel a rate."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import INTERVALS, asked, draw_curve, here, written
    from paper_figures.style import BLUE, ORANGE, PAGE, caption

    figure, axes = plt.subplots(1, 2, figsize=(PAGE, 2.7), sharey=True)
    looks = {"constant": (ORANGE, "-"), "plateau": (BLUE, (0, (5, 1.5)))}
    for ax, panel in zip(axes, data["panels"], strict=True):
        for name, curve in panel["arms"].items():
            accuracy = panel["accuracy"][name]
            color, dashes = looks[name]
            draw_curve(ax, curve, color, f"{name}: accuracy {accuracy['mean']:.1f}%", ls=dashes)
        gap = written(panel["decayed_minus_constant"], 2, "points")
        found = f"decay changes accuracy by\n{gap}"
        ax.set_title(
            f"lr {panel['lr']:g}: {found if panel['cut'] else 'the patience never runs out'}"
        )
        ax.set_yscale("log")
        ax.set_xlabel("step")
        ax.legend()
    axes[0].set_ylabel("training loss")
    request = asked(data["request"])
    caption(
        figure,
        f"Blog: CIFAR-10, up to 120 epochs, 2 and 3 runs. Here: {here(request)}, patience 5 of "
        f"{request['plateau_every']} steps each, {request['seeds']} seeds. Bands, on the "
        f"logarithm of the loss, and brackets: {INTERVALS}.",
    )
    return figure
