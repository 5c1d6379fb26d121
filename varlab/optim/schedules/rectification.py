"""RAdam's factor r_t as a schedule for any optimiser with a beta2."""

from __future__ import annotations

import math
from typing import Any

from torch.optim import Optimizer

from varlab.core import require
from varlab.optim.rectifier import SMALLEST_THRESHOLD, Rectifier, check_rectifier, rectification_at
from varlab.optim.schedules.base import MultiplierLR, beta2_of


class RectificationLR(MultiplierLR):
    """lr * r_t, with the beta2 of each parameter group (R Alg. 2).

    RAdam is momentum SGD for a few steps and then Adam under this schedule (U): ``Adam`` with it
    makes the steps of ``RAdam(early="none")``, and those of ``RAdam()`` once the early phase is over.
    Two differences: the schedule counts its own steps, the same for all parameters; and decoupled
    decay is scaled by r_t here, as everything with lr is, while RAdam's is not.

    Parameters
    ----------
    optimizer : Optimizer
        With ``betas`` in every group.
    rectify, threshold
        As in :class:`varlab.optim.RAdam`.
    early : float
        The multiplier while r_t does not exist, finite, >= 0.
    last_epoch : int

    Raises
    ------
    DomainError
        An option outside its domain, or an optimiser without betas.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        rectify: Rectifier = "radam",
        threshold: float = SMALLEST_THRESHOLD,
        early: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        check_rectifier(rectify, threshold)
        valid = isinstance(early, int | float) and 0 <= early < math.inf
        require(valid, "early", "be a finite number >= 0", early, "0 makes no step")
        self.rectify = rectify
        self.threshold = threshold
        self.early = early
        super().__init__(optimizer, last_epoch)

    def multiplier(self, t: int, group: dict[str, Any]) -> float:
        """r_t, or ``early`` before it exists."""
        r = rectification_at(t, beta2_of(group), self.rectify, self.threshold)
        return self.early if r is None else r
