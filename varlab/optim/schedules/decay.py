"""Exponential and natural-exponential decay of the learning rate, as B1 has them."""

from __future__ import annotations

import math
from typing import Any

from torch.optim import Optimizer

from varlab.optim.schedules.base import MultiplierLR, require_positive


class ExponentialDecayLR(MultiplierLR):
    """lr * rate^(step/steps) (B1), step = t - 1 completed steps: the first one has the full rate.

    Unlike torch's ``ExponentialLR`` it falls by ``rate`` over ``steps`` steps, not at each.

    Parameters
    ----------
    optimizer : Optimizer
    rate : float
        Factor over ``steps`` steps, > 0; < 1 decays.
    steps : float
        Length of the decay in steps, > 0.
    last_epoch : int

    Raises
    ------
    DomainError
        A rate or length that is not finite and positive.
    """

    def __init__(
        self, optimizer: Optimizer, rate: float, steps: float, last_epoch: int = -1
    ) -> None:
        require_positive("rate", rate, "0.96 is a usual choice")
        require_positive("steps", steps)
        self.rate = rate
        self.steps = steps
        super().__init__(optimizer, last_epoch)

    def multiplier(self, t: int, group: dict[str, Any]) -> float:
        """rate^((t-1)/steps)."""
        return float(self.rate ** ((t - 1) / self.steps))


class NaturalExponentialDecayLR(MultiplierLR):
    """lr * exp(-rate step/steps) (B1), step = t - 1: exponential decay with factor e^-rate.

    Parameters
    ----------
    optimizer : Optimizer
    rate : float
        Exponent over ``steps`` steps, > 0.
    steps : float
        Length of the decay in steps, > 0.
    last_epoch : int

    Raises
    ------
    DomainError
        A rate or length that is not finite and positive.
    """

    def __init__(
        self, optimizer: Optimizer, rate: float, steps: float, last_epoch: int = -1
    ) -> None:
        require_positive("rate", rate)
        require_positive("steps", steps)
        self.rate = rate
        self.steps = steps
        super().__init__(optimizer, last_epoch)

    def multiplier(self, t: int, group: dict[str, Any]) -> float:
        """exp(-rate (t-1)/steps)."""
        return math.exp(-self.rate * (t - 1) / self.steps)
