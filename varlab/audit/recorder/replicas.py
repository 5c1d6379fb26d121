"""Replicas in blocks, run in lockstep or one after another, and dealt to the ranks of a torchrun.

A block is always made of the same replicas and computed on its own, whichever rank has it: so the rows
are the same, bit for bit, for any number of processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import DTypeLike, NDArray

from varlab.audit.protocol import Protocol
from varlab.audit.recorder.alike import UnlikeReplicaError, build_alike
from varlab.audit.recorder.selection import choose_layers
from varlab.audit.recorder.statuses import faults, from_numbers, to_numbers
from varlab.audit.recorder.stepping import replica_seed, start_batches, train_step
from varlab.audit.recorder.storage import REPLICAS_PER_CHUNK
from varlab.audit.recorder.tap import GradientTap
from varlab.audit.recorder.vectorised import vectorise
from varlab.core import InputError
from varlab.simulate.distributed import World
from varlab.tasks import Task

if TYPE_CHECKING:
    from varlab.audit.recorder.plan import Plan

# As many as a chunk of the store, so that a block is written in whole chunks. More in lockstep are no
# faster on a CPU: their parameters leave its cache.
BLOCK = REPLICAS_PER_CHUNK
ROW, DONE, FAILED, UNLIKE = range(4)  # what a rank has to say in an exchange


@dataclass(frozen=True)
class Rows:
    """One recorded step of some replicas.

    Attributes
    ----------
    replicas : range
    step : int
        From 1.
    values : ndarray, shape (replica, coordinate)
    faults : dict
        Layers with a status other than ok.
    """

    replicas: range
    step: int
    values: NDArray[Any]
    faults: dict[str, str] = field(default_factory=dict)


def blocks(replicas: int) -> list[range]:
    """The blocks of an ensemble, in order."""
    return [range(first, min(first + BLOCK, replicas)) for first in range(0, replicas, BLOCK)]


def recorded_rows(
    plan: Plan,
    first: Task,
    before: NDArray[np.int64],
    ranks: World,
    layers: Sequence[str],
    width: int,
    dtype: DTypeLike,
    vectorised: bool | None,
) -> Iterator[Rows]:
    """All rows that are not stored yet; on every rank those of all ranks.

    Parameters
    ----------
    plan : Plan
    first : Task
        Replica 0, built.
    before : ndarray, shape (replica,)
        Steps that are stored.
    ranks : World
    layers : sequence of str
        All layers that may get a status.
    width : int
        Coordinates of a row.
    dtype : dtype
        Of a row.
    vectorised : bool or None
        As for :func:`varlab.audit.recorder.record.record`.
    """
    mine = ranks.share(list(range(len(blocks(plan.replicas)))))
    own = _own(plan, first, before, [blocks(plan.replicas)[b] for b in mine], vectorised)
    if ranks.size == 1:
        yield from own
        return
    yield from _exchanged(own, ranks, list(layers), width, dtype)


def _own(
    plan: Plan,
    first: Task,
    before: NDArray[np.int64],
    mine: list[range],
    vectorised: bool | None,
) -> Iterator[Rows]:
    """The rows of this rank's blocks."""
    for block in mine:
        start = int(before[block.start : block.stop].min())
        if start >= plan.steps:
            continue
        together = None
        if plan.protocol is Protocol.ENSEMBLE and vectorised is not False:
            together = vectorise(plan, block, first)
            if together is None and vectorised:
                raise InputError(
                    "this task does not run through torch.func; leave vectorised=None to run its "
                    "replicas one after another"
                )
        if together is not None:
            for step in range(1, plan.steps + 1):
                values = together.step(step)
                if step > start:
                    yield Rows(block, step, values)
            continue
        for replica in block:
            if before[replica] < plan.steps:
                task = first if replica == 0 else build_alike(plan, first, replica)
                for rows in _one(plan, task, replica):
                    if rows.step > before[replica]:
                        yield rows


def _one(plan: Plan, task: Task, replica: int) -> Iterator[Rows]:
    """Train (or, under ``frozen``, only differentiate) one replica, yielding its rows."""
    layers, statuses = choose_layers(
        task.model, task.optimizer, select=plan.select, coordinates=plan.coordinates, seed=plan.seed
    )
    caught: list[NDArray[Any]] = []
    frozen = plan.protocol is Protocol.FROZEN
    randomness = partial(replica_seed, plan.seed, replica)
    tap = GradientTap(layers, statuses, task.optimizer, lambda step, row: caught.append(row))
    try:
        batches = start_batches(task.batches, randomness(0))
        for step in range(1, plan.after + 1):
            train_step(task, batches, step, randomness(step))
        caught.clear()
        if frozen and hasattr(task.batches, "with_replacement"):
            task.batches = task.batches.with_replacement()
            batches = start_batches(task.batches, randomness(0))
        for step in range(1, plan.steps + 1):
            train_step(
                task, batches, plan.after + step, randomness(plan.after + step), update=not frozen
            )
            if frozen:
                tap.record_now()
            if not caught:
                raise InputError(
                    f"the optimizer made no recorded step at step {step}; its step() must run"
                )
            row = caught.pop().copy()
            caught.clear()
            yield Rows(range(replica, replica + 1), step, row[None], faults(tap.statuses))
    finally:
        tap.close()


def _exchanged(
    own: Iterator[Rows], ranks: World, layers: list[str], width: int, dtype: DTypeLike
) -> Iterator[Rows]:
    """Everybody's rows, in exchanges of one ``Rows`` a rank, until no rank has any left."""
    device = exchange_device()
    while True:
        error = None
        try:
            message = _message(next(own, None), layers, width)
        except Exception as caught:  # told to the others first: they would wait for ever
            error = caught
            unlike = isinstance(caught, UnlikeReplicaError)
            message = _blank(UNLIKE if unlike else FAILED, layers, width)
        heard = ranks.gather(message, message.shape, device)
        if error is not None:
            raise error
        for rank, one in enumerate(heard):
            if one[0] in (FAILED, UNLIKE):
                kind = UnlikeReplicaError if one[0] == UNLIKE else InputError
                raise kind(f"rank {rank} failed; its own message says why")
        if all(one[0] == DONE for one in heard):
            return
        for one in heard:
            if one[0] == ROW:
                yield _rows(one, layers, width, dtype)


def exchange_device() -> torch.device:
    """Where the open process group, if there is one, can exchange arrays."""
    on_gpu = dist.is_initialized() and dist.get_backend() == "nccl"
    return torch.device("cuda" if on_gpu else "cpu")


def _blank(state: int, layers: list[str], width: int) -> NDArray[np.float64]:
    """A message without rows."""
    message = np.zeros(4 + 2 * len(layers) + BLOCK * width)
    message[0] = state
    return message


def _message(rows: Rows | None, layers: list[str], width: int) -> NDArray[np.float64]:
    """State, first replica, number, step, statuses, values: float64 holds float32 exactly."""
    if rows is None:
        return _blank(DONE, layers, width)
    message = _blank(ROW, layers, width)
    start = 4 + 2 * len(layers)
    message[1:4] = rows.replicas.start, len(rows.replicas), rows.step
    message[4:start] = to_numbers(rows.faults, layers)
    message[start:][: rows.values.size] = rows.values.ravel()
    return message


def _rows(message: NDArray[np.float64], layers: list[str], width: int, dtype: DTypeLike) -> Rows:
    """The rows that a message holds."""
    first, count, step = (int(x) for x in message[1:4])
    start = 4 + 2 * len(layers)
    values = message[start:][: count * width].reshape(count, width)
    statuses = from_numbers(message[4:start], layers)
    return Rows(range(first, first + count), step, values.astype(dtype), statuses)
