"""Translation: German and English names or a two-column file; cross-entropy with smoothed labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from varlab.tasks.batches import IndexBatches
from varlab.tasks.builtin.family import Family, Setup
from varlab.tasks.data.device import on_device
from varlab.tasks.data.parallel import PADDING, load_parallel
from varlab.tasks.task import Task


@dataclass(frozen=True)
class PairFamily(Family):
    """``model(pairs, **options)`` maps source and target prefix to logits of the next letter."""

    def make(self, setup: Setup, *, longest: int = 24, smoothing: float = 0.1, **own: Any) -> Task:
        """The task; pairs of at most ``longest`` letters, labels smoothed by ``smoothing``."""
        pairs = on_device(load_parallel(setup.data, longest), setup.device)
        model = setup.initialised(lambda: self.model(pairs, **setup.options))

        def loss(model: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
            source, target = examples
            return F.cross_entropy(
                model(source, target[:, :-1]).flatten(0, 1),
                target[:, 1:].flatten(),
                ignore_index=PADDING,
                label_smoothing=smoothing,
            )

        def take(rows: Tensor) -> tuple[Tensor, Tensor]:
            rows = rows.to(setup.device)
            return pairs.source[rows], pairs.target[rows]

        batches = IndexBatches(len(pairs.source), setup.batch, take, seed=setup.order_seed)
        return Task(model, loss, batches, setup.optimise(model.parameters()))
