"""Ma and Yarats' untuned warm-ups (U): rules that follow beta2, with nothing to choose."""

from __future__ import annotations

from typing import Any

from varlab.numerics.warmup import exponential_warmup_multiplier, linear_warmup_multiplier
from varlab.optim.schedules.base import MultiplierLR, beta2_of


class UntunedLinearLR(MultiplierLR):
    """lr * min(1, (1-beta2) t/2), with the beta2 of each parameter group (U).

    Parameters
    ----------
    optimizer : Optimizer
        With ``betas`` in every group.
    last_epoch : int

    Raises
    ------
    DomainError
        An optimiser without betas.
    """

    def multiplier(self, t: int, group: dict[str, Any]) -> float:
        """min(1, (1-beta2) t/2)."""
        return float(linear_warmup_multiplier(t, beta2_of(group)))


class UntunedExponentialLR(MultiplierLR):
    """lr * (1 - exp(-(1-beta2) t)), with the beta2 of each parameter group (U).

    Parameters
    ----------
    optimizer : Optimizer
        With ``betas`` in every group.
    last_epoch : int

    Raises
    ------
    DomainError
        An optimiser without betas.
    """

    def multiplier(self, t: int, group: dict[str, Any]) -> float:
        """1 - exp(-(1-beta2) t)."""
        return float(exponential_warmup_multiplier(t, beta2_of(group)))
