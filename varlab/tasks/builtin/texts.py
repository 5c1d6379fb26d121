"""Language models over bytes: the standard library's source text or a file; held-out loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from varlab.tasks.batches import IndexBatches
from varlab.tasks.builtin.family import Family, Setup
from varlab.tasks.data.device import on_device
from varlab.tasks.data.text import load_text
from varlab.tasks.task import Task

HELD_OUT_WINDOWS = 64


@dataclass(frozen=True)
class TextFamily(Family):
    """``model(length, **options)`` maps tokens [batch, length] to logits [batch, length, 256]."""

    def make(self, setup: Setup, *, length: int = 32, **own: Any) -> Task:
        """The task; ``length`` bytes of text per example."""
        text = on_device(load_text(setup.data, length), setup.device)
        model = setup.initialised(lambda: self.model(length, **setup.options))

        def loss(model: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
            tokens, following = examples
            return F.cross_entropy(model(tokens).flatten(0, 1), following.flatten())

        def evaluate(model: nn.Module) -> dict[str, float]:
            training = model.training
            model.eval()
            windows = (len(text.test) - 1) // length
            kept = slice(0, HELD_OUT_WINDOWS)
            tokens = text.test[: windows * length].view(-1, length)[kept]
            following = text.test[1 : windows * length + 1].view(-1, length)[kept]
            with torch.no_grad():
                value = float(loss(model, (tokens, following)))
            model.train(training)
            return {"loss": value}

        batches = IndexBatches(
            len(text.train) - length - 1,
            setup.batch,
            lambda starts: text.windows(starts.to(setup.device), length),
            seed=setup.order_seed,
        )
        return Task(model, loss, batches, setup.optimise(model.parameters()), evaluate)
