"""Fig. 7: RAdam against Adam with warm-ups of four lengths, at four learning rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.store import Data

STEPS, SEEDS = 200, 3


def generate(budget: str, seed: int) -> Data:
    """Held-out accuracy and end loss of every arm."""
    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import run
    from varlab.tasks.experiments import warmup_tuning
    from varlab.tasks.experiments.arms import RATES, at_rate
    from varlab.tasks.experiments.summary import accuracies, as_dict, end_losses, row, t_interval
    from varlab.tasks.experiments.warmup_tuning import scaled_lengths

    seeds = SEEDS * FACTOR[budget]
    data = run(warmup_tuning(steps=STEPS, seeds=seeds), seed)
    scores, ends = 100 * accuracies(data), end_losses(data)
    lengths = scaled_lengths(STEPS)
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
        for lr in RATES
    ]
    shown = ", ".join(map(str, lengths))
    return {
        "request": data.attrs["request"],
        "lengths": list(lengths),
        "panels": panels,
        "caption": f"Paper: ResNet-20, CIFAR-10, 73,000 steps, warm-ups 100, 200, 500, 1000. Here: "
        f"ResNet-8 of width 8, 8 x 8 digits, {STEPS} steps, warm-ups {shown} (the same proportions, "
        f"the longest half the run), {seeds} seeds.",
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
