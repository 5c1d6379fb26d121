"""Fig. 4: an LSTM language model trained with Adam and with RAdam.

The paper's 2-layer LSTM, small, over the bytes of Python's standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.runs import Runs
    from paper_figures.store import Data

STEPS, SEEDS = 400, 4
PAPER = {
    "steps": 500_000,  # the paper gives epochs of a larger corpus
    "seeds": 3,
    "hidden": 2048,
    "embedding": 300,
    "dropout": 0.1,
    "length": 20,
    "batch": 128,
}


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Training curves, held-out losses, and their paired difference."""
    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs, asked, here
    from varlab.tasks.experiments import language_model
    from varlab.tasks.experiments.arms import PAPER_BETA2
    from varlab.tasks.experiments.summary import as_dict, curve, t_interval

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget]}
    data = runs.train(runs.sized(language_model, **own), seed)
    request = asked(data)
    # r_t is far from 1 for some 2/(1 - beta2) steps.
    short = request["steps"] < 2 / (1 - PAPER_BETA2)
    test = data["test_loss"].values
    arms = {
        str(arm): {"curve": curve(data, str(arm)), "test_loss": as_dict(t_interval(test[i]))}
        for i, arm in enumerate(data["arm"].values)
    }
    return {
        "request": data.attrs["request"],
        "arms": arms,
        "radam_minus_adam": as_dict(t_interval(test[1] - test[0])),
        "caption": "Paper: 2 x 2048, One Billion Word, lr 1e-3, test perplexity Adam 36.92, RAdam "
        f"35.70. Here: {here(request)}, {request['seeds']} seeds"
        + (": too short a run for RAdam's own warm-up, r_t, to reach 1." if short else "."),
    }


def draw(data: Data) -> Figure:
    """Training loss, and the held-out losses with their difference."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import draw_curve, draw_interval
    from paper_figures.style import BLACK, BLUE, ORANGE, PAGE, caption

    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.7), width_ratios=(3, 2))
    colors = {"Adam": ORANGE, "RAdam": BLUE}
    for place, (arm, runs) in enumerate(data["arms"].items()):
        draw_curve(left, runs["curve"], colors[arm], arm)
        draw_interval(right, place, runs["test_loss"], colors[arm], marker="o")
    left.set_xlabel("step")
    left.set_ylabel("training loss (nats a byte)")
    left.legend()
    difference = data["radam_minus_adam"]
    right.set_xticks(range(len(data["arms"])), list(data["arms"]))
    right.set_xlim(-0.6, len(data["arms"]) - 0.4)
    right.set_ylabel("held-out loss (nats a byte)")
    right.set_title(
        f"RAdam - Adam: {difference['mean']:.3f}\n[{difference['low']:.3f}, {difference['high']:.3f}]",
        color=BLACK,
    )
    caption(figure, data["caption"])
    return figure
