"""The three protocols: run a task, once or in replicas, and record what the audit needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlab.audit.protocol import Protocol
from varlab.audit.recorder.alike import UnlikeReplicaError
from varlab.audit.recorder.plan import Factory, Plan, make_plan
from varlab.audit.recorder.recording import Recording
from varlab.audit.recorder.replicas import Rows, exchange_device, recorded_rows
from varlab.audit.recorder.selection import choose_layers, numpy_dtype, row_dtype
from varlab.audit.recorder.statuses import faults, from_numbers, merge, to_numbers
from varlab.audit.recorder.storage import RecordingWriter, load
from varlab.audit.recorder.watch import second_moment_decay
from varlab.audit.recorder.weight_decay import convention, recorded_quantity
from varlab.core import InputError
from varlab.core.memory import require_memory
from varlab.core.samplers import WITH_REPLACEMENT
from varlab.simulate.distributed import World, world
from varlab.tasks import Task
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
        It must repeat the request, the factory's name and options included; a larger ``steps`` goes
        on from what is there.
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
    dtype = numpy_dtype(row_dtype(layers))
    size = plan.replicas * plan.steps * len(names) * dtype.itemsize
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
        if short := plan.shortfall():
            announce(f"{short}: it will be recorded, but no assumption tested")
    meta: dict[str, Any] = {
        "protocol": plan.protocol.value,
        "beta2": second_moment_decay(first.optimizer),
        "sampler": _sampler(first, plan.protocol),
        "quantity": recorded_quantity(first.optimizer, convention(first.optimizer)),
        "task": plan.task,
        "seed": plan.seed,
        "inits": plan.inits,
        "orders": plan.orders if plan.separate else None,
        "request": plan.request(),
    }
    matching = list(statuses)
    sink, before, known = _opened(plan, names, matching, dtype, meta, out, resume, ranks)
    done, total = int(before.sum()), plan.replicas * plan.steps
    try:
        known = merge(known, faults(statuses))
        sink.note(known)
        for rows in recorded_rows(
            plan, first, before, ranks, matching, len(names), dtype, vectorised
        ):
            now = merge(known, rows.faults)
            if now != known:  # on disk before the rows that it explains
                sink.note(now)
                known = now
            sink.take(rows)
            done += len(rows.replicas)
            if progress:
                progress(done, total, f"replica {rows.replicas[-1] + 1}, step {rows.step}")
        return sink.finish()
    except UnlikeReplicaError:
        if not before.any():  # these rows will never be complete, with --resume neither
            sink.discard()
        raise
    finally:
        sink.leave()


def _opened(
    plan: Plan,
    names: list[str],
    matching: list[str],
    dtype: np.dtype[Any],
    meta: dict[str, Any],
    out: Path | None,
    resume: bool,
    ranks: World,
) -> tuple[_Memory | _Store, NDArray[np.int64], dict[str, str]]:
    """Where this rank's rows go; steps of each replica and faults of layers that are there already."""
    sink: _Memory | _Store | None = None
    refusal = None
    # Entry 0: whether rank 0 could open its store; then steps, then faults.
    end = 1 + plan.replicas
    state = np.zeros(end + 2 * len(matching))
    try:
        if out is None or ranks.rank > 0:
            sink = _Memory(plan, names, dtype, meta)
        else:
            sink = _Store(plan, names, dtype, meta, out, resume)
            state[1:end] = sink.before
            state[end:] = to_numbers(sink.writer.statuses, matching)
        state[0] = 1
    except InputError as error:
        refusal = error
    device = exchange_device()
    state = ranks.gather(state, state.shape, device)[0]
    if refusal is not None:
        raise refusal
    if state[0] == 0 or sink is None:
        raise InputError("out must be a store that rank 0 can open; its error says more")
    before = np.minimum(state[1:end].astype(np.int64), plan.steps)
    if ranks.size > 1:
        for replica in np.flatnonzero(before):
            steps = int(before[replica])
            stored = sink.stored(int(replica), steps) if isinstance(sink, _Store) else None
            rows = ranks.gather(stored, (steps, len(names)), device)[0]
            if isinstance(sink, _Memory):
                sink.array[replica, :steps] = rows
    return sink, before, from_numbers(state[end:], matching)


class _Memory:
    """Rows in one array, allocated before the first step."""

    def __init__(
        self, plan: Plan, names: list[str], dtype: np.dtype[Any], meta: dict[str, Any]
    ) -> None:
        self.names, self.meta = names, meta
        self.statuses: dict[str, str] = {}
        self.array = np.full((plan.replicas, plan.steps, len(names)), np.nan, dtype=dtype)

    def note(self, statuses: dict[str, str]) -> None:
        self.statuses = statuses

    def take(self, rows: Rows) -> None:
        self.array[rows.replicas.start : rows.replicas.stop, rows.step - 1] = rows.values

    def leave(self) -> None:
        """Nothing to let go of."""

    def discard(self) -> None:
        """Nothing to remove."""

    def finish(self) -> Recording:
        return Recording.from_arrays(self.array, self.names, statuses=self.statuses, **self.meta)


class _Store:
    """Rows in a Zarr store."""

    def __init__(
        self,
        plan: Plan,
        names: list[str],
        dtype: np.dtype[Any],
        meta: dict[str, Any],
        path: Path,
        resume: bool,
    ) -> None:
        self.path = path
        self.writer = RecordingWriter(
            path,
            replicas=plan.replicas,
            layers=names,
            dtype=dtype,
            resume=resume,
            attrs={"steps_planned": plan.steps, "request": meta["request"]},
            **{name: value for name, value in meta.items() if name != "request"},
        )
        self.before = self.writer.recorded

    def stored(self, replica: int, steps: int) -> NDArray[Any]:
        """What is on disk of one replica."""
        return self.writer.stored(replica)[:steps].astype(np.float64)

    def note(self, statuses: dict[str, str]) -> None:
        self.writer.set_statuses(statuses)

    def take(self, rows: Rows) -> None:
        self.writer.write(rows.step, rows.values, rows.replicas)

    def leave(self) -> None:
        """However the run ended: keep what there is, and let another run have the store."""
        self.writer.leave()

    def discard(self) -> None:
        """Remove the store."""
        self.writer.discard()

    def finish(self) -> Recording:
        self.writer.close()
        return load(self.path)


def _sampler(task: Task, protocol: Protocol) -> str:
    if protocol is Protocol.FROZEN and hasattr(task.batches, "with_replacement"):
        return WITH_REPLACEMENT
    return task.sampler
