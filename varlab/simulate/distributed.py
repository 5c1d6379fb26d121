"""Segments dealt to the ranks of a torchrun, their moments gathered to all and merged in order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist

from varlab.core import InputError, require, told


@dataclass(frozen=True)
class World:
    """One process among those that share a run."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    def share(self, pending: list[int]) -> list[int]:
        """The segments that this rank computes: every ``size``-th."""
        return pending[self.rank :: self.size]

    def gather(
        self, values: np.ndarray | None, shape: tuple[int, ...], device: torch.device
    ) -> list[np.ndarray]:
        """Everybody's array of the given shape, by rank; ``None`` counts as zeros."""
        if self.size == 1 and values is not None:
            return [values]
        own = torch.zeros(shape, dtype=torch.float64, device=device)
        if values is not None:
            own.copy_(torch.from_numpy(np.ascontiguousarray(values)))
        everybody = [torch.empty_like(own) for _ in range(self.size)]
        dist.all_gather(everybody, own)
        return [one.cpu().numpy() for one in everybody]

    def barrier(self) -> None:
        """Wait for all ranks."""
        if self.size > 1:
            dist.barrier()


REMEDY = "start with torchrun, or unset WORLD_SIZE"


def speaks() -> bool:
    """Whether this process is the one of its group that prints and writes."""
    return _asked_for() == 1 or os.environ.get("RANK", "0") == "0"


def _asked_for() -> int:
    given = os.environ.get("WORLD_SIZE", "1")
    require(
        given.isdecimal() and int(given) >= 1, "WORLD_SIZE", "be an integer >= 1", given, REMEDY
    )
    return int(given)


@contextmanager
def world(device_type: str) -> Iterator[World]:
    """Join the process group that torchrun describes in the environment; alone without one.

    A group that is already initialised is used as it is, and left open.

    Raises
    ------
    InputError
        ``WORLD_SIZE`` is no number, or torchrun's other variables are missing.
    """
    size = _asked_for()
    if not dist.is_available() or (size == 1 and not dist.is_initialized()):
        yield World()
        return
    opened = not dist.is_initialized()
    if opened:
        try:
            dist.init_process_group("nccl" if device_type == "cuda" else "gloo")
        except ValueError as error:  # left over from a scheduler: no address to meet at
            raise InputError(f"WORLD_SIZE is {size}, but {told(error)}; {REMEDY}") from None
    try:
        yield World(
            dist.get_rank(),
            dist.get_world_size(),
            int(os.environ.get("LOCAL_RANK", "0")),
        )
    finally:
        if opened:
            dist.destroy_process_group()
