"""S: Noam's schedule, warm-up with linear decay, and SGD with clipping on a post-LayerNorm Transformer."""

from __future__ import annotations

from functools import partial
from typing import Any

from varlab.optim import SGD, Adam, LinearWarmupDecayLR, NoamLR
from varlab.optim.schedules.warmup import noam_multiplier
from varlab.tasks.experiments.arms import MOMENTUM, experiment, radam
from varlab.tasks.experiments.controls import TASK
from varlab.tasks.training import Arm, Experiment

NOAM, LINEAR, CLIPPED = "Adam, Noam", "Adam, warm-up and linear decay", "SGD with clipping"


def schedules(
    *,
    steps: int = 250,
    seeds: int = 3,
    lr: float = 1e-2,
    sgd_lr: float = 0.1,
    clip: float = 1.0,
    warmup: int | None = None,
    **task: Any,
) -> Experiment:
    """Adam under both schedules, momentum SGD with clipped gradients, and RAdam.

    Parameters
    ----------
    steps, seeds : int
    lr : float
        Peak rate of the Adam arms (Noam's scale is chosen to peak there) and rate of RAdam.
    sgd_lr, clip : float
        Of SGD: its rate and the largest gradient norm.
    warmup : int, optional
        A fifth of the run when None.
    **task
        Options of ``transformer-mt``.
    """
    warmup = steps // 5 if warmup is None else warmup
    options = {**TASK, **task}
    width = int(options["width"])
    noam_lr = lr / noam_multiplier(warmup, width, warmup)  # its peak is at the last warm-up step
    arms = (
        Arm(
            NOAM,
            partial(Adam, lr=noam_lr),
            partial(NoamLR, model_dimension=width, warmup_steps=warmup),
        ),
        Arm(
            LINEAR,
            partial(Adam, lr=lr),
            partial(LinearWarmupDecayLR, warmup_steps=warmup, total_steps=steps),
        ),
        Arm(CLIPPED, partial(SGD, lr=sgd_lr, momentum=MOMENTUM), clip=clip),
        radam(lr),
    )
    return experiment(
        "schedules",
        "transformer-mt",
        options,
        arms,
        steps=steps,
        seeds=seeds,
        lr=lr,
        sgd_lr=sgd_lr,
        clip=clip,
        warmup=warmup,
    )
