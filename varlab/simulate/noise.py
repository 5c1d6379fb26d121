"""The standard normals of one block: named streams that all laws share (common random numbers)."""

from __future__ import annotations

import math

import torch

from varlab.core import seed_sequence
from varlab.simulate.blocks import Block

# Streams of a block. STREAMS leaves room, so that a new one does not move the old ones.
NORMALS, SECOND, TRAJECTORY = range(3)
STREAMS = 8


def stream_seed(seed: int, block: int, stream: int, *, bits: int) -> int:
    """Seed of one stream of one block.

    torch's CPU generator uses the low 32 bits of a seed alone, so independent draws of seeds would
    collide between blocks after some 2**16 of them. Stepping through the 2**bits seeds with an odd
    stride visits each once: no two streams of a run share a seed before 2**29 blocks.
    """
    origin, stride = seed_sequence(seed, "simulate").generate_state(2, "uint64").tolist()
    return int((origin + (stride | 1) * (block * STREAMS + stream)) % 2**bits)


def stream_generator(
    seed: int, block: int, stream: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Generator of one stream of one block on ``device``."""
    where = torch.device(device)
    bits = 32 if where.type == "cpu" else 63
    generator = torch.Generator(device=where)
    generator.manual_seed(stream_seed(seed, block, stream, bits=bits))
    return generator


class Noise:
    """Standard normals of a block, tile by tile of ``rows`` steps.

    Drawn as float32 whatever the precision of the arithmetic, so that float32 and float64 runs see
    the same trajectories. Streams that no law asks for are never drawn.

    Parameters
    ----------
    seed : int
        Root seed.
    block : Block
    rows : int
        Steps per tile.
    dtype : torch.dtype
        Precision in which the tiles are handed out.
    device : torch.device or str
    """

    def __init__(
        self,
        seed: int,
        block: Block,
        rows: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.rows = rows
        self.width = block.width
        self.dtype = dtype
        self.device = torch.device(device)
        self._seed = seed
        self._block = block.index
        self._generators: dict[int, torch.Generator] = {}
        self._drawn = torch.empty(rows, block.width, device=self.device)
        self._normals = self._drawn
        self._second: torch.Tensor | None = None
        self._trajectory: torch.Tensor | None = None

    def advance(self) -> None:
        """Draw the next tile of the shared normals."""
        self._drawn.normal_(generator=self._generator(NORMALS))
        self._normals = self._drawn.to(self.dtype)
        self._second = None

    @property
    def normals(self) -> torch.Tensor:
        """The tile that all laws share, shape (rows, width). Not to be written to."""
        return self._normals

    @property
    def second(self) -> torch.Tensor:
        """A second tile of normals, independent of the first, for laws that need two."""
        if self._second is None:
            drawn = torch.empty(self.rows, self.width, device=self.device)
            self._second = drawn.normal_(generator=self._generator(SECOND)).to(self.dtype)
        return self._second

    @property
    def trajectory(self) -> torch.Tensor:
        """One normal per trajectory, shape (width,): what stays fixed along its steps."""
        if self._trajectory is None:
            drawn = torch.empty(self.width, device=self.device)
            self._trajectory = drawn.normal_(generator=self._generator(TRAJECTORY)).to(self.dtype)
        return self._trajectory

    def _generator(self, stream: int) -> torch.Generator:
        if stream not in self._generators:
            self._generators[stream] = stream_generator(
                self._seed, self._block, stream, self.device
            )
        return self._generators[stream]


def uniform(normals: torch.Tensor) -> torch.Tensor:
    """Standard normals to uniforms on (0, 1) through their distribution function."""
    tail: torch.Tensor = torch.special.erfc(normals * -math.sqrt(0.5))
    return 0.5 * tail
