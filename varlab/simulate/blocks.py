"""How trajectories are cut into blocks: a function of their number alone.

A block is the unit of randomness and of partial results: it has its own streams, fits the cache, and
its moments are merged in the order of the blocks. Whoever computes a block, and together with which
others, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from varlab.core import whole

# A row of 32768 takes some 5 us per operation: long enough to hide the cost of the call.
LARGEST_BLOCK = 32768
# Below this a tensor operation costs more in Python than in arithmetic.
SMALLEST_SPLIT = 1024
# torch's vectorised normal_ fills groups of 16: widths that are multiples make the stream of a block
# independent of how its steps are grouped.
LANES = 16
# Counts are kept in float64, which is exact up to here.
LARGEST_COUNT = 2**53
# At most this many partial results are stored by a resumable run.
SEGMENTS = 64


@dataclass(frozen=True)
class Block:
    """Trajectories ``start .. start + size - 1``; ``width`` counts the padding as well."""

    index: int
    start: int
    size: int
    width: int


@dataclass(frozen=True)
class Partition:
    """The blocks and segments of a number of trajectories.

    Attributes
    ----------
    trajectories : int
        >= 2 (a sample variance needs two), <= 2^53.

    Notes
    -----
    Blocks are of equal width and even in number, so that two cores finish together. A segment is a
    run of consecutive blocks whose moments are merged first and stored together.
    """

    trajectories: int

    def __post_init__(self) -> None:
        n = whole("trajectories", self.trajectories, 2, LARGEST_COUNT)
        object.__setattr__(self, "trajectories", n)

    @property
    def width(self) -> int:
        """Columns of a block, a multiple of 16."""
        n = self.trajectories
        halves = max(1, -(-n // (2 * LARGEST_BLOCK)))
        blocks = 2 * halves if n >= 2 * SMALLEST_SPLIT else 1
        return -(-n // (blocks * LANES)) * LANES

    @property
    def count(self) -> int:
        """Number of blocks."""
        return -(-self.trajectories // self.width)

    def block(self, index: int) -> Block:
        """Block ``index``."""
        start = index * self.width
        return Block(index, start, min(self.width, self.trajectories - start), self.width)

    @property
    def segment_length(self) -> int:
        """Blocks per segment."""
        return -(-self.count // SEGMENTS)

    @property
    def segments(self) -> int:
        """Number of segments."""
        return -(-self.count // self.segment_length)

    def segment(self, index: int) -> range:
        """Indices of the blocks of segment ``index``."""
        first = index * self.segment_length
        return range(first, min(first + self.segment_length, self.count))
