"""What an optimiser does with weight decay: part of the gradient that it squares, or beside it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from varlab.audit.recorder.recording import QUANTITY
from varlab.core import require
from varlab.optim.algorithm1 import Algorithm1
from varlab.optim.stepwise import StepwiseAdam

COUPLED, DECOUPLED, UNKNOWN = "coupled", "decoupled", "unknown"
WITHOUT_DECAY = (
    "gradient after accumulation and clipping; weight decay not included: the optimizer's "
    "convention is unknown"
)
# Those that square gradient + weight_decay * parameter, unless a group says that it is decoupled.
_COUPLED = (
    torch.optim.Adam,
    torch.optim.Adamax,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.SGD,
    torch.optim.ASGD,
    torch.optim.Adagrad,
    torch.optim.Adadelta,
    torch.optim.RMSprop,
    Algorithm1,
    StepwiseAdam,
)
_DECOUPLED = (torch.optim.AdamW, torch.optim.Adafactor, getattr(torch.optim, "Muon", None))


def convention(optimizer: torch.optim.Optimizer, said: str | None = None) -> str:
    """``coupled``, ``decoupled``, or ``unknown`` for a class whose step() is not one of those listed.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        A subclass that leaves step() alone has its parent's convention.
    said : {"coupled", "decoupled"}, optional
        What the user knows; it is believed, save that a group which says ``decoupled_weight_decay``
        is decoupled.

    Raises
    ------
    DomainError
        ``said`` is something else.
    """
    if said is not None:
        require(
            said in (COUPLED, DECOUPLED), "weight_decay", f"be {COUPLED!r} or {DECOUPLED!r}", said
        )
        return said
    step = _step(type(optimizer))
    for name, known in ((DECOUPLED, _DECOUPLED), (COUPLED, _COUPLED)):
        if any(step is _step(one) and isinstance(optimizer, one) for one in known if one):
            return name
    return UNKNOWN


def coupled_decay(group: Mapping[str, Any], convention: str) -> float:
    """The weight decay that is added to the gradients of a parameter group: 0 where it is decoupled."""
    if convention != COUPLED or group.get("decoupled_weight_decay", False):
        return 0
    return float(group.get("weight_decay", 0))


def recorded_quantity(optimizer: torch.optim.Optimizer, convention: str) -> str:
    """What a recording of ``optimizer`` holds, in words."""
    open_ones = (
        group.get("weight_decay", 0)
        for group in optimizer.param_groups
        if not group.get("decoupled_weight_decay", False)
    )
    return WITHOUT_DECAY if convention == UNKNOWN and any(open_ones) else QUANTITY


def _step(optimizer: type[torch.optim.Optimizer]) -> Any:
    """The step() of a class as it was written: torch wraps it when it makes the first instance."""
    return inspect.unwrap(optimizer.step)
