"""One training step of a replica, under a random state of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from varlab.core import InputError
from varlab.tasks import Task
from varlab.tasks.task import own_randomness, torch_seed


def replica_seed(seed: int, replica: int, step: int) -> int:
    """Seed of torch's global state in one step of one replica."""
    return torch_seed(seed, "replica", replica, step)


def train_step(
    task: Task, batches: Iterator[Any], step: int, seed: int, *, update: bool = True
) -> None:
    """One training step, dropout and the like drawn from a seed of its own."""
    with own_randomness(seed):
        batch = next_batch(batches, step)
        task.optimizer.zero_grad(set_to_none=True)
        task.loss(task.model, batch).backward()  # type: ignore[no-untyped-call]
        if update:
            task.optimizer.step()


def next_batch(batches: Iterator[Any], step: int) -> Any:
    """The batch of a step.

    Raises
    ------
    InputError
        There is none.
    """
    try:
        return next(batches)
    except StopIteration:
        raise InputError(
            f"the batches ended before step {step}; give an endless iterable or fewer steps"
        ) from None
