"""Tuned warm-ups: linear (R), linear followed by linear decay (S), and Noam's (S)."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer

from varlab.core import require
from varlab.optim.schedules.base import MultiplierLR, require_positive


class LinearWarmupLR(MultiplierLR):
    """lr * min(t, T_w)/T_w (R Sec. 4.3).

    The first step has lr/T_w, never 0.

    Parameters
    ----------
    optimizer : Optimizer
    warmup_steps : float
        T_w > 0: the first step with the full rate.
    last_epoch : int

    Raises
    ------
    DomainError
        A length that is not finite and positive.
    """

    def __init__(self, optimizer: Optimizer, warmup_steps: float, last_epoch: int = -1) -> None:
        require_positive("warmup_steps", warmup_steps, "1 means no warm-up")
        self.warmup_steps = warmup_steps
        super().__init__(optimizer, last_epoch)

    def multiplier(self, t: int, group: dict[str, Any]) -> float:
        """min(t, T_w)/T_w."""
        return min(t, self.warmup_steps) / self.warmup_steps


class LinearWarmupDecayLR(MultiplierLR):
    """Linear warm-up to step T_w, then linear decay (S).

    The multiplier is t/T_w up to T_w and (T + 1 - t)/(T + 1 - T_w) after it: all T steps move, and
    it is 0 from step T + 1 on.

    Parameters
    ----------
    optimizer : Optimizer
    warmup_steps : int
        T_w, in [1, T].
    total_steps : int
        T, the length of the run.
    last_epoch : int

    Raises
    ------
    DomainError
        Lengths out of order.
    """

    def __init__(
        self, optimizer: Optimizer, warmup_steps: int, total_steps: int, last_epoch: int = -1
    ) -> None:
        require_positive("total_steps", total_steps)
        require_positive("warmup_steps", warmup_steps, "1 means no warm-up")
        inside = 1 <= warmup_steps <= total_steps
        require(inside, "warmup_steps", f"lie in [1, total_steps = {total_steps}]", warmup_steps)
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        super().__init__(optimizer, last_epoch)

    def multiplier(self, t: int, group: dict[str, Any]) -> float:
        """The lower of the rising and the falling line, at least 0."""
        rising = t / self.warmup_steps
        falling = (self.total_steps + 1 - t) / (self.total_steps + 1 - self.warmup_steps)
        return max(0.0, min(rising, falling))


class NoamLR(MultiplierLR):
    """lr * d^-0.5 min(t^-0.5, t T_w^-1.5) (S; Vaswani et al. 2017): peak (d T_w)^-0.5 at t = T_w.

    Parameters
    ----------
    optimizer : Optimizer
        Its lr is the schedule's scale; 1 gives the published one.
    model_dimension : int
        d > 0.
    warmup_steps : int
        T_w > 0.
    last_epoch : int

    Raises
    ------
    DomainError
        A dimension or length that is not finite and positive.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        model_dimension: int,
        warmup_steps: int,
        last_epoch: int = -1,
    ) -> None:
        require_positive("model_dimension", model_dimension)
        require_positive("warmup_steps", warmup_steps, "4000 is the usual choice")
        self.model_dimension = model_dimension
        self.warmup_steps = warmup_steps
        super().__init__(optimizer, last_epoch)

    def multiplier(self, t: int, group: dict[str, Any]) -> float:
        """d^-0.5 min(t^-0.5, t T_w^-1.5)."""
        return noam_multiplier(t, self.model_dimension, self.warmup_steps)


def noam_multiplier(t: float, model_dimension: float, warmup_steps: float) -> float:
    """d^-0.5 min(t^-0.5, t T_w^-1.5), its peak (d T_w)^-0.5 at t = T_w; see :class:`NoamLR`."""
    return float(model_dimension**-0.5 * min(t**-0.5, t * float(warmup_steps) ** -1.5))
