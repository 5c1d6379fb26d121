"""What the built-in tasks have in common: seeds, device, optimiser, and the model's own options."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from varlab.core import InputError
from varlab.core.devices import usable
from varlab.tasks.task import Task, own_randomness, torch_seed

Optimise = Callable[[Any], torch.optim.Optimizer]


@dataclass(frozen=True)
class Setup:
    """One call of a factory, as a family needs it."""

    seed: int
    order_seed: int
    data: Path | None
    batch: int
    device: torch.device
    optimise: Optimise
    options: dict[str, Any]

    def initialised(self, make: Callable[[], nn.Module]) -> nn.Module:
        """The model drawn from its own seed on the CPU, whatever was drawn before; then moved."""
        with own_randomness(torch_seed(self.seed, "init")):
            return make().to(self.device)


@dataclass(frozen=True)
class Family(ABC):
    """A kind of data with its loss; a task is a family with a model.

    Calling it makes a :class:`varlab.Task`, as the protocol of factories asks.

    Attributes
    ----------
    model : callable
        What the family hands over, and keyword options of its own -> torch.nn.Module. The first
        line of its docstring describes the task.
    batch : int
        Examples per minibatch, unless asked otherwise.
    """

    model: Callable[..., nn.Module]
    batch: int = 32

    @abstractmethod
    def make(self, setup: Setup, **own: Any) -> Task:
        """The task; keyword-only parameters are the family's own options."""

    @property
    def summary(self) -> str:
        """One line for lists."""
        return (self.model.__doc__ or "").splitlines()[0]

    @property
    def options(self) -> tuple[str, ...]:
        """Names that a call takes besides the seeds."""
        common = [p for p in _keywords(type(self).__call__) if p not in ("seed", "order_seed")]
        return (*common, *_keywords(self.make), *_keywords(self.model))

    def __call__(
        self,
        seed: int,
        *,
        order_seed: int | None = None,
        data: str | Path | None = None,
        batch: int | None = None,
        lr: float = 1e-3,
        optimise: Optimise | None = None,
        device: str = "cpu",
        **options: Any,
    ) -> Task:
        """Build the task.

        Parameters
        ----------
        seed, order_seed : int
            Of the initialisation, and of the data's order (``seed`` again when None).
        data : path, optional
            The user's data; bundled data when None.
        batch : int, optional
            Examples per minibatch.
        lr : float
            Of Adam, the optimiser of all tasks unless another is given.
        optimise : callable, optional
            ``optimise(parameters) -> torch.optim.Optimizer``.
        device : str
            ``cpu``, ``cuda``, or ``auto`` (CUDA where there is one).
        **options
            Sizes of the model and options of the family; see :attr:`options`.
        """
        own = {name: options.pop(name) for name in _keywords(self.make) if name in options}
        setup = Setup(
            seed,
            seed if order_seed is None else order_seed,
            None if data is None else Path(data),
            self.batch if batch is None else batch,
            usable_device(device),
            optimise or partial(torch.optim.Adam, lr=lr),
            options,
        )
        return self.make(setup, **own)


def usable_device(name: str) -> torch.device:
    """The torch device called ``name``; ``auto`` is CUDA where there is one, else the CPU.

    Raises
    ------
    InputError
        An unknown device, or CUDA where torch sees none.
    """
    try:
        return torch.device(usable(name, torch.cuda.is_available()))
    except (RuntimeError, TypeError):
        raise InputError(f"device must be auto, cpu or cuda; got {name!r}") from None


def _keywords(function: Callable[..., Any]) -> list[str]:
    """Names of parameters that have a default, or can only be given by keyword."""
    return [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.kind is p.KEYWORD_ONLY or (p.default is not p.empty and p.name != "self")
    ]
