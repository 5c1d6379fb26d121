"""What a training problem is: a model, its loss, its batches, its optimiser."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from varlab.core import InputError, seed_sequence

WITHOUT_REPLACEMENT = "without-replacement"  # each epoch a permutation: draws are anti-correlated
WITH_REPLACEMENT = "with-replacement"
UNKNOWN = "unknown"


@dataclass
class Task:
    """One training problem, ready to run.

    Attributes
    ----------
    model : torch.nn.Module
    loss : callable
        ``loss(model, batch) -> scalar Tensor``.
    batches : iterable
        Yields batches; run once through by each replica, so it should be endless or long enough.
        An attribute ``sampler`` ("with-replacement" or "without-replacement") is recorded.
    optimizer : torch.optim.Optimizer
        Over the model's parameters.
    evaluate : callable, optional
        ``evaluate(model) -> {name: value}`` on held-out data.
    """

    model: nn.Module
    loss: Callable[[nn.Module, Any], Tensor]
    batches: Iterable[Any]
    optimizer: torch.optim.Optimizer
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None

    @property
    def sampler(self) -> str:
        """How minibatches are drawn, as far as it is known."""
        return str(getattr(self.batches, "sampler", UNKNOWN))


class TaskFactory(Protocol):
    """``factory(seed) -> Task``.

    With a second parameter ``order_seed`` the data order can be varied on its own, which an audit
    with ``inits`` and ``orders`` needs.
    """

    def __call__(self, seed: int) -> Task:
        """A fresh task; everything random in it follows from ``seed``."""
        ...


def separates_order(factory: Callable[..., Task]) -> bool:
    """Whether ``factory`` takes ``order_seed``."""
    try:
        return "order_seed" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


def build(factory: Callable[..., Task], seed: int, order_seed: int | None = None) -> Task:
    """Call a factory and see that it returned a task.

    The global random state of torch is seeded for the call and restored after it, so that a
    factory that initialises its model without a generator of its own is reproducible too.

    Raises
    ------
    InputError
        The factory raised, or returned something else.
    """
    with own_randomness(torch_seed(seed, "task")):
        try:
            task = factory(seed) if order_seed is None else factory(seed, order_seed=order_seed)
        except InputError:
            raise
        except Exception as error:
            text = " ".join(str(error).split())[:160]
            raise InputError(f"the task factory raised {type(error).__name__}: {text}") from error
    if not isinstance(task, Task):
        raise InputError(f"a task factory returns a varlab.Task; got {type(task).__name__}")
    return task


@contextmanager
def own_randomness(seed: int) -> Iterator[None]:
    """Torch's global random state, seeded inside and put back afterwards: the CPU's and each GPU's."""
    # Asking for a GPU's state would start CUDA in a process that does not use it.
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=list(gpus)):
        torch.manual_seed(seed)
        yield


def torch_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed for torch from the named stream."""
    state = seed_sequence(seed, *names).generate_state(1, "uint64")
    return int(state[0] >> 1)
