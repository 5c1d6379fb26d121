"""Endless, seeded streams of minibatches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from varlab.core import require
from varlab.core.samplers import WITH_REPLACEMENT, WITHOUT_REPLACEMENT
from varlab.tasks.task import torch_seed


class IndexBatches:
    """Minibatches by index: ``take(indices) -> batch`` over ``length`` examples.

    Parameters
    ----------
    length : int
        Number of examples, >= 1.
    size : int
        Batch size, 1 <= size <= length.
    take : callable
        Makes a batch of a LongTensor [size] of indices.
    seed : int
        Of the order.
    replacement : bool
        Draw with replacement; otherwise each epoch is a permutation, its incomplete last batch
        dropped.
    """

    def __init__(
        self,
        length: int,
        size: int,
        take: Callable[[Tensor], Any],
        *,
        seed: int,
        replacement: bool = False,
    ) -> None:
        require(
            1 <= size <= length, "batch size", f"lie in 1..{length}, the number of examples", size
        )
        self.length, self.size, self.take, self.seed = length, size, take, seed
        self.replacement = replacement

    @property
    def sampler(self) -> str:
        """How indices are drawn."""
        return WITH_REPLACEMENT if self.replacement else WITHOUT_REPLACEMENT

    def __iter__(self) -> Iterator[Any]:
        generator = torch.Generator().manual_seed(torch_seed(self.seed, "order"))
        while True:
            if self.replacement:
                yield self.take(torch.randint(self.length, (self.size,), generator=generator))
                continue
            order = torch.randperm(self.length, generator=generator)
            for start in range(0, self.length - self.size + 1, self.size):
                yield self.take(order[start : start + self.size])

    def with_replacement(self) -> IndexBatches:
        """The same examples drawn with replacement, as the frozen protocol needs."""
        return IndexBatches(self.length, self.size, self.take, seed=self.seed, replacement=True)
