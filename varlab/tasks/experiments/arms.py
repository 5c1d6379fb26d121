"""The arms that the experiments share, and how an experiment is named."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from varlab.optim import SGD, Adam, LinearWarmupLR, RAdam
from varlab.tasks.builtin import builtin
from varlab.tasks.training import Arm, Experiment

RATES = (0.1, 0.03, 0.01, 0.003)  # R Fig. 6 and 7
MOMENTUM = 0.9  # R's SGD


def sgd(lr: float, name: str = "SGD") -> Arm:
    """Momentum SGD."""
    return Arm(name, partial(SGD, lr=lr, momentum=MOMENTUM))


def adam(lr: float, name: str = "Adam") -> Arm:
    """Adam without warm-up ("Adam-vanilla")."""
    return Arm(name, partial(Adam, lr=lr))


def adam_with_warmup(lr: float, steps: int, name: str = "Adam with warm-up") -> Arm:
    """Adam with the rate lr min(t, steps)/steps."""
    return Arm(name, partial(Adam, lr=lr), partial(LinearWarmupLR, warmup_steps=steps))


def radam(lr: float, name: str = "RAdam") -> Arm:
    """RAdam as in R's Algorithm 2."""
    return Arm(name, partial(RAdam, lr=lr))


def at_rate(name: str, lr: float) -> str:
    """Name of an arm among several rates."""
    return f"{name}, lr {lr:g}"


def experiment(
    name: str,
    task: str,
    options: dict[str, Any],
    arms: tuple[Arm, ...],
    *,
    steps: int,
    seeds: int,
    **facts: Any,
) -> Experiment:
    """An experiment whose label holds everything that defines it, so that stores cannot mix."""
    request = {"task": task, **options, "steps": steps, "seeds": seeds, **facts}
    text = json.dumps(request, sort_keys=True, default=str)
    return Experiment(
        f"{name} {text}", builtin(task, **options), arms, steps, seeds, {"request": text}
    )
