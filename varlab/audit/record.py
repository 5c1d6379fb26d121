"""The three protocols: run a task, once or in replicas, and record what the audit needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlab.audit.plan import Factory, Plan, make_plan
from varlab.audit.protocol import Protocol
from varlab.audit.recording import Recording
from varlab.audit.storage import RecordingWriter, load
from varlab.audit.tap import OK, GradientTap, choose_layers
from varlab.audit.vectorised import VectorisedReplicas, vectorise
from varlab.audit.watch import second_moment_decay
from varlab.core import InputError
from varlab.core.memory import require_memory
from varlab.core.targets import users_code
from varlab.tasks import Task
from varlab.tasks.task import (
    UNKNOWN,
    WITH_REPLACEMENT,
    differentiate,
    next_batch,
    own_randomness,
    torch_seed,
)
from varlab.tasks.training import one_thread

Progress = Callable[[int, int, str], None]


def record(
    factory: Factory,
    *,
    protocol: str = "ensemble",
    replicas: int | None = None,
    steps: int = 40,
    seed: int = 0,
    inits: int | None = None,
    orders: int | None = None,
    select: str = "*",
    coordinates: int = 64,
    after: int = 0,
    task: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    vectorised: bool | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
) -> Recording:
    """Run ``factory``'s task under a protocol and record its gradients.

    Parameters
    ----------
    factory : callable
        ``factory(seed) -> Task``, or ``factory(seed, order_seed=...)``.
    protocol : {"frozen", "run", "ensemble"}
    replicas : int, optional
        For ``ensemble``; 64 when None, or ``inits * orders``.
    steps : int
        Training steps, or draws under ``frozen``.
    inits, orders : int, optional
        Cross that many initialisations with that many data orders (both, or neither), to separate
        their shares; the factory must take ``order_seed``.
    select, coordinates
        As in :func:`varlab.watch`.
    after : int
        Train so many steps before recording (``frozen`` and ``run``).
    out : path, optional
        Zarr store, appended as it goes; ``resume`` continues an interrupted one to the same result.
    vectorised : bool, optional
        Run all replicas at once through torch.func; tried when None, one after another where the
        model does not allow it.
    progress : callable, optional
        ``progress(done, total, what)``.
    announce : callable, optional
        Told what will be stored, before it is.

    Raises
    ------
    InputError
        A bad request, a factory that fails, batches that end early.
    """
    plan = make_plan(
        factory,
        protocol,
        replicas,
        steps,
        seed,
        inits,
        orders,
        select,
        coordinates,
        after,
        task or str(getattr(factory, "__name__", type(factory).__name__)),
    )
    first = plan.build(0)
    layers, statuses = choose_layers(
        first.model, first.optimizer, select=select, coordinates=coordinates, seed=seed
    )
    names = [layer.name for layer in layers for _ in layer.indices]
    size = plan.replicas * plan.steps * len(names) * 4
    # The audit needs them in memory, whether or not they are stored.
    require_memory(
        size,
        f"a recording of {plan.replicas} replicas x {plan.steps} steps x {len(names)} coordinates",
        "ask for fewer",
    )
    if announce:
        announce(
            f"recording {plan.replicas} replicas x {plan.steps} steps x {len(names)} coordinates: "
            f"{size / 1e6:.1f} MB {'in ' + str(out) if out else 'in memory'}"
        )
    meta: dict[str, Any] = {
        "protocol": plan.protocol.value,
        "beta2": second_moment_decay(first.optimizer),
        "sampler": _sampler(first, plan.protocol),
        "task": plan.task,
        "seed": seed,
        "inits": plan.inits,
        "orders": plan.orders if plan.separate else None,
    }
    sink = (
        _Memory(plan, names, meta) if out is None else _Store(plan, names, meta, Path(out), resume)
    )
    # One thread: sums over several differ in their last bits, which training amplifies; and the
    # models of an audit are small.
    try:
        with one_thread():
            for replica, step, row, faults in _rows(plan, first, vectorised, sink, progress):
                sink.take(replica, step, row)
                statuses.update(faults)
        return sink.finish({name: status for name, status in statuses.items() if status != OK})
    finally:
        sink.leave()


def _rows(
    plan: Plan,
    first: Task,
    vectorised: bool | None,
    sink: _Memory | _Store,
    progress: Progress | None,
) -> Iterator[tuple[int | None, int, NDArray[Any], dict[str, str]]]:
    """(replica, step, row, statuses) for all that is not stored yet; replica None for all at once."""
    together = None
    if plan.protocol is Protocol.ENSEMBLE and vectorised is not False and plan.replicas > 1:
        together = vectorise(plan, first)
        if together is None and vectorised:
            raise InputError(
                "this task does not run through torch.func; leave vectorised=None to run its "
                "replicas one after another"
            )
    if together is not None:
        yield from _together(plan, together, sink, progress)
        return
    total = plan.replicas * plan.steps
    for replica in range(plan.replicas):
        start = sink.recorded(replica)
        if start >= plan.steps:
            continue
        task = first if replica == 0 else plan.build(replica)
        for step, row, faults in _one(plan, task, replica):
            if step > start:
                yield replica, step, row, faults
            if progress:
                progress(replica * plan.steps + step, total, f"replica {replica + 1}")


def _together(
    plan: Plan, together: VectorisedReplicas, sink: _Memory | _Store, progress: Progress | None
) -> Iterator[tuple[None, int, NDArray[Any], dict[str, str]]]:
    start = min(sink.recorded(r) for r in range(plan.replicas))
    for step in range(1, plan.steps + 1):
        rows = together.step()
        if step > start:
            yield None, step, rows, {}
        if progress:
            progress(step * plan.replicas, plan.steps * plan.replicas, "all replicas at once")


def _one(
    plan: Plan, task: Task, replica: int
) -> Iterator[tuple[int, NDArray[Any], dict[str, str]]]:
    """Train (or, under ``frozen``, only differentiate) one replica, yielding its rows."""
    layers, statuses = choose_layers(
        task.model, task.optimizer, select=plan.select, coordinates=plan.coordinates, seed=plan.seed
    )
    caught: list[NDArray[Any]] = []
    frozen = plan.protocol is Protocol.FROZEN
    randomness = partial(torch_seed, plan.seed, "replica", replica)
    tap = GradientTap(layers, statuses, task.optimizer, lambda step, row: caught.append(row))
    try:
        with users_code("starting the batches"):
            batches = iter(task.batches)
        for step in range(1, plan.after + 1):
            train_step(task, batches, step, randomness(step))
        caught.clear()
        if frozen and hasattr(task.batches, "with_replacement"):
            batches = iter(task.batches.with_replacement())
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
            yield step, row, {n: s for n, s in tap.statuses.items() if s != OK}
    finally:
        tap.close()


def train_step(
    task: Task, batches: Iterator[Any], step: int, seed: int, *, update: bool = True
) -> None:
    """One training step, dropout and the like drawn from a seed of its own."""
    with own_randomness(seed):
        differentiate(task, next_batch(batches, step), step)
        if update:
            with users_code(f"the optimizer at step {step}"):
                task.optimizer.step()


class _Memory:
    """Rows in one array, allocated before the first step."""

    def __init__(self, plan: Plan, names: list[str], meta: dict[str, Any]) -> None:
        self.names, self.meta = names, meta
        self.array = np.full((plan.replicas, plan.steps, len(names)), np.nan, dtype=np.float32)

    def recorded(self, replica: int) -> int:
        return 0

    def take(self, replica: int | None, step: int, row: NDArray[Any]) -> None:
        self.array[slice(None) if replica is None else replica, step - 1] = row

    def leave(self) -> None:
        """Nothing to let go of."""

    def finish(self, statuses: dict[str, str]) -> Recording:
        return Recording.from_arrays(self.array, self.names, statuses=statuses, **self.meta)


class _Store:
    """Rows in a Zarr store."""

    def __init__(
        self, plan: Plan, names: list[str], meta: dict[str, Any], path: Path, resume: bool
    ) -> None:
        self.path = path
        self.writer = RecordingWriter(
            path,
            replicas=plan.replicas,
            layers=names,
            resume=resume,
            attrs={"steps_planned": plan.steps},
            **meta,
        )
        self.before = self.writer.recorded

    def recorded(self, replica: int) -> int:
        return int(self.before[replica])

    def take(self, replica: int | None, step: int, row: NDArray[Any]) -> None:
        self.writer.write(step, row, replica)

    def leave(self) -> None:
        """However the run ended: keep what there is, and let another run have the store."""
        self.writer.leave()

    def finish(self, statuses: dict[str, str]) -> Recording:
        for layer, status in statuses.items():
            self.writer.set_status(layer, status)
        self.writer.close()
        return load(self.path)


def _sampler(task: Task, protocol: Protocol) -> str:
    if protocol is Protocol.FROZEN:
        return WITH_REPLACEMENT if hasattr(task.batches, "with_replacement") else UNKNOWN
    return task.sampler
