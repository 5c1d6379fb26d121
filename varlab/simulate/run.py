"""One run: which segments are missing, who computes them, and their merging in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
import torch
import xarray as xr

from varlab.core import InputError
from varlab.core.memory import require_memory
from varlab.simulate.corrections import corrected
from varlab.simulate.distributed import World
from varlab.simulate.moments import Moments
from varlab.simulate.progress import Meter, Progress
from varlab.simulate.request import Request
from varlab.simulate.results import dataset
from varlab.simulate.schedule import Engine, segment_moments
from varlab.simulate.store import Store


def run(
    request: Request,
    engine: Engine,
    ranks: World,
    device: torch.device,
    attributes: dict[str, str | int],
    *,
    out: str | os.PathLike[str] | None,
    resume: bool,
    progress: Callable[[Progress], None] | None,
    threads: int,
    chunk: int,
) -> xr.Dataset:
    """Compute what is missing, merge all segments in order, label the result.

    Rank 0 opens the store, merges and writes; then every rank is given the merged moments. See
    :func:`varlab.simulate.simulate` for the parameters.
    """
    _require_memory(request, threads)
    store, pending = _open(request, ranks, device, attributes, out, resume)
    try:
        return _fill(
            store, pending, request, engine, ranks, device, attributes, progress, threads, chunk
        )
    finally:
        if store is not None:
            store.close()


def _require_memory(request: Request, threads: int) -> None:
    """The five sums of every step in float64, of each worker and of the total."""
    cells = len(request.statistics) * len(request.settings) * request.steps
    require_memory(
        8 * 5 * cells * (1 + min(threads, request.partition.count)),
        f"a simulation of {request.steps} steps",
        "ask for fewer steps, settings or statistics",
    )


def _fill(
    store: Store | None,
    pending: list[int],
    request: Request,
    engine: Engine,
    ranks: World,
    device: torch.device,
    attributes: dict[str, str | int],
    progress: Callable[[Progress], None] | None,
    threads: int,
    chunk: int,
) -> xr.Dataset:
    """Compute the pending segments, merge all of them in order, label the result."""
    partition = request.partition
    lead = ranks.rank == 0
    restored = set(range(partition.segments)) - set(pending)
    already = sum(_size(request, segment) for segment in restored)
    meter = Meter(request.trajectories, request.steps, progress if lead else None, already)
    fresh = _computed(
        request, engine, ranks, device, pending, threads=threads, chunk=chunk, meter=meter
    )
    total: Moments | None = None
    for segment in range(partition.segments):
        if segment in restored:
            moments = store.segment(segment) if store is not None else None
        else:
            moments = next(fresh)
            if store is not None:
                store.write_segment(segment, moments)
        if lead and moments is not None:
            total = moments if total is None else total.merge(moments)
    shape = (4, len(request.statistics), len(request.settings), request.steps)
    shared = ranks.gather(None if total is None else total.values, shape, device)[0]
    finished = Moments(request.trajectories, shared)
    labelled = dataset(corrected(finished, request), request, attributes)
    if store is not None:
        store.finish(labelled)
    ranks.barrier()
    return labelled


def _open(
    request: Request,
    ranks: World,
    device: torch.device,
    attributes: dict[str, str | int],
    out: str | os.PathLike[str] | None,
    resume: bool,
) -> tuple[Store | None, list[int]]:
    """The store (rank 0) and the segments still to be computed (known to all)."""
    segments = request.partition.segments
    store, refusal = None, None
    # entry 0: whether the store could be opened; the others: whether a segment is stored
    state = np.zeros(1 + segments)
    if ranks.rank == 0:
        try:
            if out is not None:
                store = Store(out, request, attributes, resume)
                state[1:] = [store.segment(index) is not None for index in range(segments)]
            state[0] = 1
        except InputError as error:
            refusal = error
    state = ranks.gather(state, state.shape, device)[0]
    if refusal is not None:
        raise refusal
    if state[0] == 0:
        raise InputError("out must be a store that rank 0 can open; its error says more")
    return store, [index for index in range(segments) if not state[1 + index]]


def _computed(
    request: Request,
    engine: Engine,
    ranks: World,
    device: torch.device,
    pending: list[int],
    *,
    threads: int,
    chunk: int,
    meter: Meter,
) -> Iterator[Moments]:
    """Moments of the pending segments in order, each rank computing every ``size``-th."""
    alone = ranks.size == 1
    own = segment_moments(
        engine,
        request.partition,
        ranks.share(pending),
        threads=threads,
        chunk=chunk,
        done=meter.add if alone else lambda trajectories: None,
    )
    if alone:
        yield from (moments for _, moments in own)
        return
    shape = (4, len(request.statistics), len(request.settings), request.steps)
    for first in range(0, len(pending), ranks.size):
        _, mine = next(own, (None, None))
        values = ranks.gather(None if mine is None else mine.values, shape, device)
        for segment, one in zip(pending[first : first + ranks.size], values, strict=False):
            size = _size(request, segment)
            meter.add(size)
            yield Moments(size, one)
    next(own, None)  # lets the workers end


def _size(request: Request, segment: int) -> int:
    partition = request.partition
    return sum(partition.block(index).size for index in partition.segment(segment))
