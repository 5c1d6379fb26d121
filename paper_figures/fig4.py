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
WARM = 2000  # r_t is far from 1 for some 2/(1 - beta2) steps; beta2 = 0.999
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
    from paper_figures.runs import Runs
    from varlab.tasks.experiments import language_model
    from varlab.tasks.experiments.summary import as_dict, curve, t_interval

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget]}
    data = runs.train(runs.sized(language_model, **own), seed)
    test = data["test_loss"].values
    arms = {
        str(arm): {"curve": curve(data, str(arm)), "test_loss": as_dict(t_interval(test[i]))}
        for i, arm in enumerate(data["arm"].values)
    }
    return {
        "request": data.attrs["request"],
        "arms": arms,
        "radam_minus_adam": as_dict(t_interval(test[1] - test[0])),
    }


def draw(data: Data) -> Figure:
    """Training loss, and the held-out losses with their difference."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import INTERVALS, asked, draw_curve, draw_interval, here, written
    from paper_figures.style import BLUE, ORANGE, PAGE, caption

    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.7), width_ratios=(3, 2))
    colors = {"Adam": ORANGE, "RAdam": BLUE}
    for place, (arm, runs) in enumerate(data["arms"].items()):
        draw_curve(left, runs["curve"], colors[arm], arm)
        draw_interval(right, place, runs["test_loss"], colors[arm], marker="o")
    left.set_xlabel("step")
    left.set_ylabel("training loss (nats a byte)")
    left.legend()
    right.set_xticks(range(len(data["arms"])), list(data["arms"]))
    right.set_xlim(-0.6, len(data["arms"]) - 0.4)
    right.set_ylabel("held-out loss (nats a byte)")
    right.set_title("RAdam - Adam:\n" + written(data["radam_minus_adam"], 3, "nats a byte"))
    request = asked(data["request"])
    short = request["steps"] < WARM
    caption(
        figure,
        "Paper: 2 x 2048, One Billion Word, lr 1e-3, test perplexity Adam 36.92, RAdam 35.70. "
        f"Here: {here(request)}, {request['seeds']} seeds"
        + (": too short a run for RAdam's own warm-up, r_t, to reach 1" if short else "")
        + f". Bands, bars and brackets: {INTERVALS}.",
    )
    return figure
