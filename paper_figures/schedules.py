"""Noam, warm-up with linear decay, and SGD with clipping, beside RAdam, on a Transformer (S)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_figures.runs import PAPER_TRANSFORMER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.runs import Runs
    from paper_figures.store import Data

STEPS, SEEDS, LR = 250, 3, 1e-2
RATE_POINTS = 250  # of a learning rate's curve
PAPER = {**PAPER_TRANSFORMER, "seeds": 3}


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Learning rates over the run as the schedulers set them, and training curves."""
    import torch

    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs
    from varlab.tasks.experiments import schedules
    from varlab.tasks.experiments.summary import as_dict, curve, end_losses, t_interval

    runs = runs or Runs()
    own = {"steps": STEPS, "seeds": SEEDS * FACTOR[budget], "lr": LR}
    experiment = runs.sized(schedules, **own)
    data = runs.train(experiment, seed)
    every = max(1, experiment.steps // RATE_POINTS)
    ends = end_losses(data)
    arms = {}
    for i, arm in enumerate(experiment.arms):
        optimizer = arm.optimise([torch.nn.Parameter(torch.zeros(1))])
        scheduler = arm.schedule(optimizer) if arm.schedule else None
        rates = []
        for step in range(experiment.steps):
            if step % every == 0:
                rates.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
        arms[arm.name] = {
            "rate": rates,
            "curve": curve(data, arm.name),
            "end": as_dict(t_interval(ends[i])),
        }
    return {
        "request": data.attrs["request"],
        "rate_every": every,
        "arms": arms,
    }


def draw(data: Data) -> Figure:
    """The rates at left, the losses at right."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import INTERVALS, asked, draw_curve, here
    from paper_figures.style import BLUE, GREEN, ORANGE, PAGE, PURPLE, caption

    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.9))
    looks = zip(
        (ORANGE, GREEN, PURPLE, BLUE), ("-", (0, (5, 1.5)), (0, (4, 1, 1, 1)), "-"), strict=True
    )
    for (name, runs), (color, dashes) in zip(data["arms"].items(), looks, strict=True):
        steps = [1 + data["rate_every"] * i for i in range(len(runs["rate"]))]
        left.plot(steps, runs["rate"], color=color, ls=dashes)
        draw_curve(right, runs["curve"], color, name, ls=dashes)
    left.set_yscale("log")
    left.set_ylabel("learning rate")
    right.set_ylabel("training loss")
    for ax in (left, right):
        ax.set_xlabel("step")
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    request = asked(data["request"])
    caption(
        figure,
        f"{here(request)}, warm-up {request['warmup']}, peak rate {request['lr']:g}; SGD: rate "
        f"{request['sgd_lr']:g}, momentum 0.9, norm clipped to {request['clip']:g}; {request['seeds']} "
        f"seeds. RAdam's constant rate is multiplied by r_t. Bands: {INTERVALS}.",
    )
    return figure
