"""B1: LeNet-5 under Adam with and without ReduceLROnPlateau, at two learning rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from torch.optim.lr_scheduler import ReduceLROnPlateau

from varlab.tasks.experiments.arms import adam, at_rate, experiment
from varlab.tasks.training import Experiment

TASK = {"batch": 32}  # 5 ms a step on one core
RATES = (1e-3, 1e-4)
PATIENCE = 5  # B1's
CONSTANT, DECAYED = "constant", "plateau"


def lenet_decay(
    *,
    steps: int = 450,
    seeds: int = 3,
    rates: Sequence[float] = RATES,
    plateau_every: int = 15,
    **task: Any,
) -> Experiment:
    """Both arms at both rates.

    Parameters
    ----------
    steps, seeds : int
    rates : sequence of float
    plateau_every : int
        What the plateau schedule takes for an epoch, in steps. B1's are whole epochs; a short run
        needs shorter ones for the patience of 5 ever to run out.
    **task
        Options of ``lenet``; ``data`` may name a folder with CIFAR-10.
    """
    schedule = partial(ReduceLROnPlateau, patience=PATIENCE)
    arms = tuple(
        arm
        for lr in rates
        for arm in (
            adam(lr, at_rate(CONSTANT, lr)),
            replace(adam(lr, at_rate(DECAYED, lr)), schedule=schedule, plateau_every=plateau_every),
        )
    )
    return experiment(
        "lenet-decay",
        "lenet",
        {**TASK, **task},
        arms,
        steps=steps,
        seeds=seeds,
        rates=list(rates),
        plateau_every=plateau_every,
    )
