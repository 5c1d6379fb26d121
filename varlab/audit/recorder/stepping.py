"""One training step of a replica, under a random state of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from varlab.core.targets import users_code
from varlab.tasks import Task
from varlab.tasks.task import differentiate, next_batch, own_randomness, torch_seed


def replica_seed(seed: int, replica: int, step: int) -> int:
    """Seed of torch's global state in one step of one replica; step 0 starts the batches."""
    return torch_seed(seed, "replica", replica, step)


def start_batches(batches: Iterable[Any], seed: int) -> Iterator[Any]:
    """A task's batches from the beginning; a DataLoader draws a seed for them."""
    with own_randomness(seed), users_code("starting the batches"):
        return iter(batches)


def train_step(
    task: Task, batches: Iterator[Any], step: int, seed: int, *, update: bool = True
) -> None:
    """One training step, dropout and the like drawn from a seed of its own."""
    with own_randomness(seed):
        differentiate(task, next_batch(batches, step), step)
        if update:
            with users_code(f"the optimizer at step {step}"):
                task.optimizer.step()
