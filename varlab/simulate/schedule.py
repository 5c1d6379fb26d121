"""Blocks on threads, their moments merged in the order of the blocks, whoever finishes first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice

import torch

from varlab.simulate.blocks import Block, Partition
from varlab.simulate.moments import Moments

# Some consecutive blocks -> the moments of each.
Engine = Callable[[Sequence[Block]], list[Moments]]


@contextmanager
def exact_products() -> Iterator[None]:
    """Products of float32 matrices in float32, and torch's thread count put back afterwards."""
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.set_num_threads(threads)


def segment_moments(
    engine: Engine,
    partition: Partition,
    segments: Iterable[int],
    *,
    threads: int,
    chunk: int,
    done: Callable[[int], None],
) -> Iterator[tuple[int, Moments]]:
    """Moments of each segment, in the order given.

    Parameters
    ----------
    engine : callable
        Blocks -> the moments of each; releases the interpreter lock while it computes.
    partition : Partition
    segments : iterable of int
    threads : int
        Workers. A thread of torch's own stays inside each: the blocks are the parallelism.
    chunk : int
        Blocks handed to a worker at once; results come back block by block all the same.
    done : callable
        Told the number of trajectories of each block as its moments are merged.
    """
    # ranges, not lists: a run may have more blocks than memory has places
    order = [(segment, partition.segment(segment)) for segment in segments]
    indices = chain.from_iterable(blocks for _, blocks in order)
    results = _in_order(engine, (partition.block(i) for i in indices), threads, chunk)
    for segment, blocks in order:
        total: Moments | None = None
        for moments in islice(results, len(blocks)):
            total = moments if total is None else total.merge(moments)
            done(moments.count)
        if total is not None:
            yield segment, total


def _in_order(
    engine: Engine, blocks: Iterator[Block], threads: int, chunk: int
) -> Iterator[Moments]:
    """Results in the order of ``blocks``; at most two chunks per worker are under way."""
    with (
        exact_products(),
        ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool,
    ):
        waiting: deque[Future[list[Moments]]] = deque()
        parts = iter(lambda: tuple(islice(blocks, chunk)), ())
        try:
            for part in islice(parts, 2 * threads):
                waiting.append(pool.submit(engine, part))
            while waiting:
                finished = waiting.popleft().result()
                for part in islice(parts, 1):
                    waiting.append(pool.submit(engine, part))
                yield from finished
        finally:
            for future in waiting:
                future.cancel()
