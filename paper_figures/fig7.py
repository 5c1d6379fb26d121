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
    from paper_figures.runs import Runs, asked, here
    from varlab.tasks.experiments import warmup_tuning
    from varlab.tasks.experiments.arms import at_rate
    from varlab.tasks.experiments.summary import accuracies, as_dict, end_losses, row, t_interval
    from varlab.tasks.experiments.warmup_tuning import PAPER_LENGTHS

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget]}
    data = runs.train(runs.sized(warmup_tuning, **own), seed)
    request = asked(data)
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
    shown = ", ".join(map(str, lengths))
    own_lengths = tuple(lengths) != PAPER_LENGTHS
    return {
        "request": data.attrs["request"],
        "lengths": list(lengths),
        "panels": panels,
        "caption": "Paper: ResNet-20, CIFAR-10, 73,000 steps, warm-ups 100, 200, 500, 1000. Here: "
        f"{here(request)}, warm-ups {shown}"
        + (" (the same proportions, the longest half the run)" if own_lengths else "")
        + f", {request['seeds']} seeds.",
    }


def draw(data: Data) -> Figure:
    """One column a rate: end loss above, accuracy below; RAdam as a line with its band."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import draw_interval
    from paper_figures.style import BLUE, ORANGE, PAGE, caption

    figure, axes = plt.subplots(2, len(data["panels"]), figsize=(PAGE, 3.8), sharex=True)
    for column, panel in enumerate(data["panels"]):
        for ax, quantity in zip(axes[:, column], ("end_loss", "accuracy"), strict=True):
            arms = dict(panel["arms"])
            radam = arms.pop("RAdam")[quantity]
            if radam["mean"] is not None:
                ax.axhspan(radam["low"], radam["high"], color=BLUE, alpha=0.15, lw=0)
                ax.axhline(radam["mean"], color=BLUE, label="RAdam")
            for place, arm in enumerate(arms.values()):
                draw_interval(ax, place, arm[quantity], ORANGE, marker="o")
            ax.set_xticks(range(len(arms)), [str(n) for n in data["lengths"]])
            ax.set_xlim(-0.5, len(arms) - 0.5)
        axes[0, column].set_title(f"lr {panel['lr']:g}")
        axes[1, column].set_xlabel("warm-up (steps)")
    axes[0, 0].set_ylabel("training loss\nat the end")
    axes[1, 0].set_ylabel("held-out\naccuracy (%)")
    axes[0, 0].plot([], [], "o", color=ORANGE, ms=4, label="Adam with warm-up")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    caption(figure, data["caption"])
    return figure
