"""R Table 3: unrectified Adam in steps 1 to 4 or 5 to 8, and RAdam from there on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from varlab.optim import RAdam
from varlab.optim.moves import Bucket, Group, adam_step
from varlab.tasks.experiments.arms import experiment, radam
from varlab.tasks.experiments.robustness import TASK
from varlab.tasks.training import Arm, Experiment

THROUGHOUT = "RAdam"
FIRST = "Adam in steps 1-4"
SECOND = "SGD in 1-4, Adam in 5-8"


class RAdamWithAdamSteps(RAdam):
    """RAdam that makes Adam's own step, with r_t = 1, at the steps listed.

    Both moments run on throughout, so that only the size of those steps differs. Steps 1 to 4 of
    RAdam are momentum SGD for beta2 = 0.999, as in R Table 3.
    """

    def __init__(self, params: Any, lr: float, *, adam_steps: Sequence[int]) -> None:
        super().__init__(params, lr)
        self.adam_steps = frozenset(adam_steps)

    def move(self, group: Group, t: int, bucket: Bucket) -> None:
        """Adam's step at the listed ones, RAdam's elsewhere."""
        if t in self.adam_steps:
            adam_step(group, bucket)
        else:
            super().move(group, t, bucket)


def first_steps(*, steps: int = 200, seeds: int = 8, lr: float = 0.1, **task: Any) -> Experiment:
    """The three arms of R Table 3.

    Parameters
    ----------
    steps, seeds : int
    lr : float
        Of all arms; the paper's is 0.1.
    **task
        Options of ``resnet20``.
    """
    arms = (
        radam(lr, THROUGHOUT),
        Arm(FIRST, partial(RAdamWithAdamSteps, lr=lr, adam_steps=(1, 2, 3, 4))),
        Arm(SECOND, partial(RAdamWithAdamSteps, lr=lr, adam_steps=(5, 6, 7, 8))),
    )
    options = {**TASK, **task}
    return experiment("first-steps", "resnet20", options, arms, steps=steps, seeds=seeds, lr=lr)
