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


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Training curves and held-out accuracies."""
    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs, asked, here
    from varlab.tasks.experiments import image
    from varlab.tasks.experiments.summary import accuracies, as_dict, curve, t_interval

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget]}
    data = runs.train(runs.sized(image, **own), seed)
    request = asked(data)
    scores = 100 * accuracies(data)
    arms = {
        str(arm): {
            "curve": curve(data, str(arm)),
            "accuracy": as_dict(t_interval(scores[i])),
        }
        for i, arm in enumerate(data["arm"].values)
    }
    return {
        "request": data.attrs["request"],
        "arms": arms,
        "paper_cifar10": {"SGD": 91.51, "Adam": 90.54, "RAdam": 91.38},
        "radam_minus_adam": as_dict(t_interval(scores[2] - scores[1])),
        "caption": f"Paper: ResNet-20, CIFAR-10, 186 epochs. Here: {here(request)}, "
        f"{request['seeds']} seeds; SGD at {request['sgd_lr']:g}, Adam and RAdam at "
        f"{request['lr']:g}, no weight decay, no augmentation.",
    }


def draw(data: Data) -> Figure:
    """Training loss, and accuracy with intervals."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import draw_curve, draw_interval
    from paper_figures.style import BLUE, GREEN, ORANGE, PAGE, caption

    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.7), width_ratios=(3, 2))
    looks = {"SGD": (GREEN, (0, (5, 1.5))), "Adam": (ORANGE, "-"), "RAdam": (BLUE, "-")}
    for place, (arm, runs) in enumerate(data["arms"].items()):
        color, dashes = looks[arm]
        draw_curve(left, runs["curve"], color, arm, ls=dashes)
        draw_interval(right, place, runs["accuracy"], color, marker="o")
    left.set_yscale("log")
    left.set_xlabel("step")
    left.set_ylabel("training loss")
    left.legend()
    right.set_xticks(range(len(data["arms"])), list(data["arms"]))
    right.set_xlim(-0.6, len(data["arms"]) - 0.4)
    right.set_ylabel("held-out accuracy (%)")
    caption(figure, data["caption"])
    return figure
