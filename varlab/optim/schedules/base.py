"""The common form of all schedules: base learning rate times a multiplier of the step number."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from varlab.core import real, require


class MultiplierLR(LRScheduler, ABC):
    """lr_t = lr_0 * multiplier(t), in closed form, so that a run may be resumed at any step.

    The optimiser's step number t counts from 1, torch's ``last_epoch`` from 0: the rate set at
    ``last_epoch`` = e is that of step t = e + 1. Call ``scheduler.step()`` after each
    ``optimizer.step()``, as with all of torch's schedulers.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups' ``lr`` is set.
    last_epoch : int
        -1 for a fresh run; the number of steps made, minus 1, when resuming without a state_dict.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        super().__init__(optimizer, last_epoch)

    @abstractmethod
    def multiplier(self, t: int, group: dict[str, Any]) -> float:
        """The factor on the base learning rate of ``group`` at step ``t`` (from 1)."""

    def get_lr(self) -> list[float | Tensor]:
        """The rates of all groups at step ``last_epoch + 1``."""
        t = self.last_epoch + 1
        groups = self.optimizer.param_groups
        return [
            base * self.multiplier(t, group)
            for base, group in zip(self.base_lrs, groups, strict=True)
        ]


def require_positive(name: str, value: Any, remedy: str = "") -> None:
    """Raise ``DomainError`` unless ``value`` is a finite number > 0."""
    real(name, value, "be a finite number > 0", lambda x: 0 < x < math.inf, remedy)


def beta2_of(group: dict[str, Any]) -> float:
    """The beta2 of a parameter group.

    Raises
    ------
    DomainError
        A group of an optimiser that has no betas.
    """
    betas: Any = group.get("betas")
    has_pair = isinstance(betas, tuple | list) and len(betas) == 2
    remedy = "this schedule follows beta2: use it with Adam, AdamW, LAMB or another of the family"
    require(has_pair, "betas", "be a pair in every parameter group", betas, remedy)
    return float(betas[1])
