"""R Fig. 6: SGD, Adam and RAdam at four learning rates on a ResNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varlab.tasks.experiments.arms import RATES, adam, at_rate, experiment, radam, sgd
from varlab.tasks.training import Experiment

TASK = {"depth": 8, "width": 8, "batch": 32}  # 6 ms a step on one core
OPTIMISERS = {"SGD": sgd, "Adam": adam, "RAdam": radam}


def robustness(
    *, steps: int = 200, seeds: int = 3, rates: Sequence[float] = RATES, **task: Any
) -> Experiment:
    """Every optimiser at every rate.

    Parameters
    ----------
    steps, seeds : int
    rates : sequence of float
        R: 0.1, 0.03, 0.01, 0.003.
    **task
        Options of ``resnet20``; R has depth=20, width=16, batch=128 on CIFAR-10.
    """
    arms = tuple(make(lr, at_rate(name, lr)) for name, make in OPTIMISERS.items() for lr in rates)
    options = {**TASK, **task}
    return experiment(
        "robustness", "resnet20", options, arms, steps=steps, seeds=seeds, rates=list(rates)
    )
