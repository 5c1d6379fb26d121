"""A multilayer perceptron."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn


class MLP(nn.Module):
    """Inputs [batch, ...] flattened -> logits [batch, classes], ReLU between layers."""

    def __init__(self, inputs: int, hidden: tuple[int, ...] = (64, 64), classes: int = 10) -> None:
        super().__init__()
        sizes = (inputs, *hidden)
        body: list[nn.Module] = [nn.Flatten()]
        for before, after in pairwise(sizes):
            body += [nn.Linear(before, after), nn.ReLU()]
        self.body = nn.Sequential(*body, nn.Linear(sizes[-1], classes))

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.body(inputs)
        return logits
