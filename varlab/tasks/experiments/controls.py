"""R Fig. 1: Adam, Adam with warm-up, Adam-2k, Adam-eps and RAdam on a post-LayerNorm Transformer."""

from __future__ import annotations

from functools import partial
from typing import Any

from varlab.core import require
from varlab.optim import Adam2k, AdamEps
from varlab.tasks.experiments.arms import adam, adam_with_warmup, experiment, radam
from varlab.tasks.training import Arm, Experiment

# 10.6 ms a step on one core: two layers each of encoder and decoder, names of at most 12 letters.
TASK = {"layers": 2, "width": 32, "heads": 2, "feedforward": 64, "longest": 12, "batch": 16}
PAPER_EPS = 1e-4
PLAIN = "Adam"
WARMED, FROZEN, LARGE_EPS, RECTIFIED = "Adam with warm-up", "Adam-2k", "Adam-eps", "RAdam"


def controls(
    *,
    steps: int = 250,
    seeds: int = 3,
    lr: float = 1e-2,
    warmup: int | None = None,
    frozen_steps: int | None = None,
    eps: float = PAPER_EPS,
    **task: Any,
) -> Experiment:
    """The five arms of R Fig. 1.

    Parameters
    ----------
    steps, seeds : int
        ``steps`` >= 5, so that a fifth of the run is a step.
    lr : float
        The peak rate of all arms. R has 3e-4 at width 512.
    warmup : int, optional
        Steps of linear warm-up; a fifth of the run when None. R has 4000 of 70,000.
    frozen_steps : int, optional
        Steps in which Adam-2k only fills v; a fifth of the run when None. R has 2000.
    eps : float
        Of Adam-eps, beside the uncorrected root.
    **task
        Options of ``transformer-mt``.

    Raises
    ------
    DomainError
        Fewer than 5 steps.
    """
    require(steps >= 5, "steps", "be an integer >= 5", steps)
    warmup = steps // 5 if warmup is None else warmup
    frozen_steps = steps // 5 if frozen_steps is None else frozen_steps
    arms = (
        adam(lr, PLAIN),
        adam_with_warmup(lr, warmup, WARMED),
        Arm(FROZEN, partial(Adam2k, lr=lr, frozen_steps=frozen_steps)),
        Arm(LARGE_EPS, partial(AdamEps, lr=lr, eps=eps)),
        radam(lr, RECTIFIED),
    )
    return experiment(
        "controls",
        "transformer-mt",
        {**TASK, **task},
        arms,
        steps=steps,
        seeds=seeds,
        lr=lr,
        warmup=warmup,
        frozen_steps=frozen_steps,
        eps=eps,
    )
