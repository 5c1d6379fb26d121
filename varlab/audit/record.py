"""The three protocols: run a task, once or in replicas, and record what the audit needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlab.audit.plan import Factory, Plan, make_plan
from varlab.audit.protocol import Protocol
from varlab.audit.recording import Recording
from varlab.audit.replicas import Rows, exchange_device, recorded_rows
from varlab.audit.storage import RecordingWriter, load
from varlab.audit.tap import OK, choose_layers
from varlab.audit.watch import second_moment_decay
from varlab.core import InputError
from varlab.core.memory import require_memory
from varlab.simulate.distributed import World, world
from varlab.tasks import Task
from varlab.tasks.task import UNKNOWN, WITH_REPLACEMENT
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
        Run replicas in lockstep, a block of them at a time, through torch.func; tried when None,
        one after another where the model does not allow it.
    progress : callable, optional
        ``progress(done, total, what)``.
    announce : callable, optional
        Told what will be stored, before it is.

    Returns
    -------
    Recording
        Under ``torchrun`` the same on every rank, bit for bit what one process records: the blocks of
        an ensemble are dealt to the ranks, and rank 0 alone writes ``out``. A script that records
        several times opens the process group itself, once.

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
    place = None if out is None else Path(out)
    # One thread: sums over several differ in their last bits, which training amplifies; and the
    # models of an audit are small.
    with world("cpu") as ranks, one_thread():
        if ranks.size > 1 and plan.protocol is not Protocol.ENSEMBLE:
            raise InputError(
                f"protocol {plan.protocol.value} is one run, which processes cannot share; start it "
                "without torchrun"
            )
        lead = ranks.rank == 0
        return _recorded(
            plan,
            place,
            ranks,
            resume=resume,
            vectorised=vectorised,
            progress=progress if lead else None,
            announce=announce if lead else None,
        )


def _recorded(
    plan: Plan,
    out: Path | None,
    ranks: World,
    *,
    resume: bool,
    vectorised: bool | None,
    progress: Progress | None,
    announce: Callable[[str], None] | None,
) -> Recording:
    """Record ``plan`` on all ranks: rank 0 has the store, the others an array."""
    first = plan.build(0)
    layers, statuses = choose_layers(
        first.model,
        first.optimizer,
        select=plan.select,
        coordinates=plan.coordinates,
        seed=plan.seed,
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
            f"{size / 1e6:.1f} MB {f'in {out}' if out else 'in memory'}"
        )
    meta: dict[str, Any] = {
        "protocol": plan.protocol.value,
        "beta2": second_moment_decay(first.optimizer),
        "sampler": _sampler(first, plan.protocol),
        "task": plan.task,
        "seed": plan.seed,
        "inits": plan.inits,
        "orders": plan.orders if plan.separate else None,
    }
    sink, before = _opened(plan, names, meta, out, resume, ranks)
    done, total = int(before.sum()), plan.replicas * plan.steps
    layers_recorded = list(statuses)
    try:
        for rows in recorded_rows(
            plan, first, before, ranks, layers_recorded, len(names), vectorised
        ):
            sink.take(rows)
            statuses.update(rows.faults)
            done += len(rows.replicas)
            if progress:
                progress(done, total, f"replica {rows.replicas[-1] + 1}, step {rows.step}")
        return sink.finish({name: status for name, status in statuses.items() if status != OK})
    finally:
        sink.leave()


def _opened(
    plan: Plan,
    names: list[str],
    meta: dict[str, Any],
    out: Path | None,
    resume: bool,
    ranks: World,
) -> tuple[_Memory | _Store, NDArray[np.int64]]:
    """Where this rank's rows go, and how many steps of each replica are there already."""
    sink: _Memory | _Store | None = None
    refusal = None
    # entry 0: whether rank 0 could open its store
    state = np.zeros(1 + plan.replicas)
    try:
        if out is None or ranks.rank > 0:
            sink = _Memory(plan, names, meta)
        else:
            sink = _Store(plan, names, meta, out, resume)
            state[1:] = sink.before
        state[0] = 1
    except InputError as error:
        refusal = error
    device = exchange_device()
    state = ranks.gather(state, state.shape, device)[0]
    if refusal is not None:
        raise refusal
    if state[0] == 0 or sink is None:
        raise InputError("out must be a store that rank 0 can open; its error says more")
    before = np.minimum(state[1:].astype(np.int64), plan.steps)
    if ranks.size > 1:
        for replica in np.flatnonzero(before):
            steps = int(before[replica])
            stored = sink.stored(int(replica), steps) if isinstance(sink, _Store) else None
            rows = ranks.gather(stored, (steps, len(names)), device)[0]
            if isinstance(sink, _Memory):
                sink.array[replica, :steps] = rows
    return sink, before


class _Memory:
    """Rows in one array, allocated before the first step."""

    def __init__(self, plan: Plan, names: list[str], meta: dict[str, Any]) -> None:
        self.names, self.meta = names, meta
        self.array = np.full((plan.replicas, plan.steps, len(names)), np.nan, dtype=np.float32)

    def take(self, rows: Rows) -> None:
        self.array[rows.replicas.start : rows.replicas.stop, rows.step - 1] = rows.values

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

    def stored(self, replica: int, steps: int) -> NDArray[Any]:
        """What is on disk of one replica."""
        return self.writer.stored(replica)[:steps].astype(np.float64)

    def take(self, rows: Rows) -> None:
        self.writer.write(rows.step, rows.values, rows.replicas)

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
