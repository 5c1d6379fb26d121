"""Segments dealt to the ranks of a torchrun, their moments gathered to all and merged in order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist


@dataclass(frozen=True)
class World:
    """One process among those that share a run."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

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


@contextmanager
def world(device_type: str) -> Iterator[World]:
    """Join the process group that torchrun describes in the environment; alone without one.

    A group that is already initialised is used as it is, and left open.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if not dist.is_available() or (size == 1 and not dist.is_initialized()):
        yield World()
        return
    opened = not dist.is_initialized()
    if opened:
        dist.init_process_group("nccl" if device_type == "cuda" else "gloo")
    try:
        yield World(
            dist.get_rank(),
            dist.get_world_size(),
            int(os.environ.get("LOCAL_RANK", "0")),
            int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        )
    finally:
        if opened:
            dist.destroy_process_group()
