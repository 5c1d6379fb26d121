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


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Accuracy, end loss and their paired differences from RAdam."""
    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs, asked, here
    from varlab.tasks.experiments import first_steps
    from varlab.tasks.experiments.summary import accuracies, as_dict, curve, end_losses, t_interval

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget]}
    data = runs.train(runs.sized(first_steps, **own), seed)
    request = asked(data)
    scores, ends = 100 * accuracies(data), end_losses(data)
    arms = {
        str(arm): {
            "curve": curve(data, str(arm), points=50),
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
        "paper_accuracy": [91.08, 89.98, 90.29],
        "paper_train_loss": [0.021, 0.060, 0.038],
        "caption": f"Paper: ResNet-20, CIFAR-10, 5 runs. Here: {here(request)}, "
        f"{request['seeds']} seeds.",
    }


def draw(data: Data) -> Figure:
    """Training curves, and the table with intervals."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import draw_curve
    from paper_figures.style import BLUE, GREEN, ORANGE, PAGE, caption

    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.7), width_ratios=(2, 3))
    looks = zip((BLUE, ORANGE, GREEN), ("-", "-", (0, (5, 1.5))), strict=True)
    for (arm, runs), (color, dashes) in zip(data["arms"].items(), looks, strict=True):
        draw_curve(left, runs["curve"], color, arm, ls=dashes)
    left.set_yscale("log")
    left.set_xlabel("step")
    left.set_ylabel("training loss")
    left.legend()
    right.axis("off")
    cells = [
        [
            arm,
            _shown(runs["accuracy"], 1),
            _shown(runs["end_loss"], 3),
            f"{accuracy:.2f}",
            f"{loss:.3f}",
        ]
        for (arm, runs), accuracy, loss in zip(
            data["arms"].items(), data["paper_accuracy"], data["paper_train_loss"], strict=True
        )
    ]
    table = right.table(
        cells,
        colLabels=["", "accuracy (%)", "end loss", "paper:\naccuracy", "paper:\nloss"],
        colWidths=[0.33, 0.25, 0.26, 0.13, 0.1],
        cellLoc="center",
        edges="horizontal",
        loc="center",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(6.5)
    table.scale(1, 1.9)
    caption(figure, data["caption"])
    return figure


def _shown(interval: dict[str, float | None], digits: int) -> str:
    mean, low, high = (interval[key] for key in ("mean", "low", "high"))
    if mean is None:
        return "diverged"
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
