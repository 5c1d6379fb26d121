"""What the engines of the CPU share: a workspace of buffers for each thread that computes blocks."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import torch

from varlab.simulate.blocks import Block
from varlab.simulate.moments import Moments
from varlab.simulate.plan import Plan


class Workspace(Protocol):
    """Buffers, made once and used for one block after the other."""

    def run(self, block: Block) -> Moments:
        """Moments of one block."""
        ...


class WorkspaceEngine(ABC):
    """Moments of blocks; callable from several threads at once, each with a workspace of its own."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._own = threading.local()

    @abstractmethod
    def workspace(self) -> Workspace:
        """Buffers for one thread."""

    def __call__(self, blocks: Sequence[Block]) -> list[Moments]:
        """Moments of each block."""
        with torch.inference_mode():
            workspace: Workspace | None = getattr(self._own, "workspace", None)
            if workspace is None:
                workspace = self._own.workspace = self.workspace()
            return [workspace.run(block) for block in blocks]
