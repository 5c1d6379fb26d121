"""The encoder-decoder Transformer (Vaswani et al. 2017) of the paper's translation experiments."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from varlab.tasks.models.attention import norm_first


class TranslationTransformer(nn.Module):
    """Source [batch, n] and target prefix [batch, m] -> logits [batch, m, vocabulary].

    Token 0 is padding. LayerNorm after each block by default, as in the paper.
    """

    PADDING = 0

    def __init__(
        self,
        vocabulary: int,
        length: int,
        width: int = 32,
        heads: int = 4,
        layers: int = 2,
        feedforward: int = 64,
        dropout: float = 0.0,
        norm: str = "post",
    ) -> None:
        super().__init__()
        first = norm_first(norm, width, heads)
        self.embedding = nn.Embedding(vocabulary, width)
        self.position = nn.Parameter(torch.randn(length, width) * 0.02)
        self.transformer = nn.Transformer(
            width,
            heads,
            layers,
            layers,
            feedforward,
            dropout,
            batch_first=True,
            norm_first=first,
        )
        self.head = nn.Linear(width, vocabulary)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Logits of the next target token at each position."""
        length = target.shape[1]
        causal = torch.triu(
            torch.ones(length, length, dtype=torch.bool, device=target.device), diagonal=1
        )
        states = self.transformer(
            self.embedding(source) + self.position[: source.shape[1]],
            self.embedding(target) + self.position[:length],
            tgt_mask=causal,
            tgt_is_causal=True,  # else torch compares the mask, and waits for the device
            src_key_padding_mask=source == self.PADDING,
            memory_key_padding_mask=source == self.PADDING,
        )
        logits: Tensor = self.head(states)
        return logits
