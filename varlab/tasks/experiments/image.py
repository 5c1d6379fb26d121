"""R Fig. 5 and Table 1: SGD, Adam and RAdam on an image classifier, with the rate cut twice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from torch.optim.lr_scheduler import MultiStepLR

from varlab.tasks.experiments.arms import adam, experiment, radam, sgd
from varlab.tasks.experiments.robustness import TASK
from varlab.tasks.training import Experiment

PAPER_EPOCHS, PAPER_CUTS = 186, (81, 122)
CUT = 0.1


def image(
    *, steps: int = 300, seeds: int = 5, lr: float = 0.03, sgd_lr: float = 0.1, **task: Any
) -> Experiment:
    """The three arms of R Table 1, the rate cut to a tenth at the paper's two points of the run.

    Parameters
    ----------
    steps, seeds : int
    lr, sgd_lr : float
        Of Adam and RAdam, and of momentum SGD.
    **task
        Options of ``resnet20``; R has depth=20, width=16, batch=128 on CIFAR-10.
    """
    cuts = [round(steps * cut / PAPER_EPOCHS) for cut in PAPER_CUTS]
    schedule = partial(MultiStepLR, milestones=cuts, gamma=CUT)
    arms = tuple(replace(arm, schedule=schedule) for arm in (sgd(sgd_lr), adam(lr), radam(lr)))
    return experiment(
        "image",
        "resnet20",
        {**TASK, **task},
        arms,
        steps=steps,
        seeds=seeds,
        lr=lr,
        sgd_lr=sgd_lr,
        cuts=cuts,
    )
