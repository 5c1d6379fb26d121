"""What a training problem is: a model, its loss, its batches, its optimiser."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler

from varlab.core import InputError, seed_sequence
from varlab.core.samplers import UNKNOWN, WITH_REPLACEMENT, WITHOUT_REPLACEMENT
from varlab.core.targets import users_code

_END = object()


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
        An attribute ``sampler`` ("with-replacement" or "without-replacement") is recorded; of a
        DataLoader what its sampler does.
    optimizer : torch.optim.Optimizer
        Over the model's parameters.
    evaluate : callable, optional
        ``evaluate(model) -> {name: value}`` on held-out data.

    Raises
    ------
    InputError
        A part of another type.
    """

    model: nn.Module
    loss: Callable[[nn.Module, Any], Tensor]
    batches: Iterable[Any]
    optimizer: torch.optim.Optimizer
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None

    def __post_init__(self) -> None:
        wanted: tuple[tuple[str, bool, str], ...] = (
            ("model", isinstance(self.model, nn.Module), "a torch.nn.Module"),
            ("loss", callable(self.loss), "a callable (model, batch) -> scalar Tensor"),
            ("batches", isinstance(self.batches, Iterable), "an iterable of batches"),
            (
                "optimizer",
                isinstance(self.optimizer, torch.optim.Optimizer),
                "a torch.optim.Optimizer",
            ),
            ("evaluate", self.evaluate is None or callable(self.evaluate), "a callable or None"),
        )
        for name, fits, what in wanted:
            if not fits:
                got = type(getattr(self, name)).__name__
                raise InputError(f"{name} of a task must be {what}; got {got}")

    @property
    def sampler(self) -> str:
        """How minibatches are drawn, as far as it is known."""
        if isinstance(self.batches, DataLoader):
            return _loader_sampler(self.batches)
        said = getattr(self.batches, "sampler", UNKNOWN)
        return said if isinstance(said, str) else UNKNOWN


def _loader_sampler(loader: DataLoader[Any]) -> str:
    """What torch's own samplers do; others may do anything."""
    sampler: Any = loader.sampler
    if loader.batch_sampler is not None:
        if type(loader.batch_sampler) is not BatchSampler:
            return UNKNOWN
        sampler = loader.batch_sampler.sampler
    if type(sampler) is RandomSampler:
        return WITH_REPLACEMENT if sampler.replacement else WITHOUT_REPLACEMENT
    return WITHOUT_REPLACEMENT if type(sampler) is SequentialSampler else UNKNOWN


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

    Parameters
    ----------
    factory : callable
        ``factory(seed) -> Task``.
    seed : int
        Handed to it.
    order_seed : int, optional
        Handed to it as a keyword, when given: the order of the data apart from the initialisation.

    Raises
    ------
    InputError
        The factory raised, or returned something else.
    """
    with own_randomness(torch_seed(seed, "task")), users_code("the task factory"):
        task = factory(seed) if order_seed is None else factory(seed, order_seed=order_seed)
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


def next_batch(batches: Iterator[Any], step: int) -> Any:
    """The batch of ``step``.

    Raises
    ------
    InputError
        There are no more, or fetching it raised.
    """
    with users_code(f"fetching the batch of step {step}"):
        batch = next(batches, _END)
    if batch is _END:
        raise InputError(
            f"the batches ended before step {step}; give an endless iterable or fewer steps"
        )
    return batch


def differentiate(task: Task, batch: Any, step: int) -> Tensor:
    """The task's loss on ``batch``; its gradients are left in the parameters.

    Raises
    ------
    InputError
        The loss raised, or is no scalar that depends on the parameters.
    """
    task.optimizer.zero_grad(set_to_none=True)
    with users_code(f"the task's loss at step {step}"):
        loss = task.loss(task.model, batch)
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise InputError(f"the task's loss must be a scalar Tensor; got {got}; take its mean")
    if not loss.requires_grad:
        raise InputError(
            "the task's loss does not depend on the parameters; return it without detach()"
        )
    with users_code(f"the backward pass at step {step}"):
        loss.backward()  # type: ignore[no-untyped-call]
    return loss


def torch_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed for torch from the named stream."""
    state = seed_sequence(seed, *names).generate_state(1, "uint64")
    return int(state[0] >> 1)
