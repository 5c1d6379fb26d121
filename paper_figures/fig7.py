"""Fig. 7: RAdam against Adam with warm-ups of four lengths, at four learning rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_figures.runs import PAPER_RESNET

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.runs import Runs
    from paper_figures.store import Data

STEPS, SEEDS = 200, 3
PAPER = {**PAPER_RESNET, "seeds": 3, "lengths": (100, 200, 500, 1000)}


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Held-out accuracy and end loss of every arm."""
    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs, asked
    from varlab.tasks.experiments import warmup_tuning
    from varlab.tasks.experiments.arms import at_rate
    from varlab.tasks.experiments.summary import accuracies, as_dict, end_losses, row, t_interval

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget]}
    data = runs.train(runs.sized(warmup_tuning, **own), seed)
    request = asked(data.attrs["request"])
    scores, ends = 100 * accuracies(data), end_losses(data)
    lengths = request["lengths"]
    panels = [
        {
            "lr": lr,
            "arms": {
                name: {
                    "accuracy": as_dict(t_interval(scores[row(data, at_rate(name, lr))])),
                    "end_loss": as_dict(t_interval(ends[row(data, at_rate(name, lr))])),
                }
                for name in ("RAdam", *(f"warm-up {n}" for n in lengths))
            },
        }
        for lr in request["rates"]
    ]
    return {
        "request": data.attrs["request"],
        "lengths": list(lengths),
        "panels": panels,
    }


def draw(data: Data) -> Figure:
    """One column a rate: end loss above, accuracy below; RAdam as a line with its band."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import INTERVALS, above_zero, asked, draw_interval, here, within_percent
    from paper_figures.style import BLUE, ORANGE, PAGE, caption

    figure, axes = plt.subplots(
        2, len(data["panels"]), figsize=(PAGE, 3.8), sharex=True, sharey="row"
    )
    for column, panel in enumerate(data["panels"]):
        for ax, quantity, bounded in zip(
            axes[:, column], ("end_loss", "accuracy"), (above_zero, within_percent), strict=True
        ):
            arms = dict(panel["arms"])
            radam = bounded(arms.pop("RAdam")[quantity])
            if radam["mean"] is not None:
                ax.axhspan(radam["low"], radam["high"], color=BLUE, alpha=0.15, lw=0)
                ax.axhline(radam["mean"], color=BLUE, label="RAdam")
            for place, arm in enumerate(arms.values()):
                draw_interval(ax, place, bounded(arm[quantity]), ORANGE, marker="o")
            ax.set_xticks(range(len(arms)), [str(n) for n in data["lengths"]])
            ax.set_xlim(-0.5, len(arms) - 0.5)
        axes[0, column].set_title(f"lr {panel['lr']:g}")
        axes[1, column].set_xlabel("warm-up (steps)")
    axes[0, 0].set_yscale("log")
    axes[1, 0].set_ylim(top=100)
    axes[0, 0].set_ylabel("training loss\nat the end")
    axes[1, 0].set_ylabel("held-out\naccuracy (%)")
    axes[0, 0].plot([], [], "o", color=ORANGE, ms=4, label="Adam with warm-up")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    request = asked(data["request"])
    lengths = ", ".join(map(str, data["lengths"]))
    scaled = tuple(data["lengths"]) != PAPER["lengths"]
    caption(
        figure,
        "Paper: ResNet-20, CIFAR-10, 73,000 steps, warm-ups 100, 200, 500, 1000. Here: "
        f"{here(request)}, warm-ups {lengths}"
        + (" (the same proportions, the longest half the run)" if scaled else "")
        + f", {request['seeds']} seeds. Bands and bars: {INTERVALS}, on the logarithm of a loss and the "
        "logit of an accuracy.",
    )
    return figure
