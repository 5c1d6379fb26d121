"""Language models over bytes: an LSTM, and a Transformer with the LayerNorm after or before each block."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from varlab.tasks.models.attention import norm_first


class LSTMLanguageModel(nn.Module):
    """Tokens [batch, length] -> logits [batch, length, vocabulary]."""

    def __init__(
        self,
        vocabulary: int,
        embedding: int = 32,
        hidden: int = 64,
        layers: int = 2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, layers, batch_first=True, dropout=dropout)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next token at each position."""
        states, _ = self.lstm(self.embedding(tokens))
        logits: Tensor = self.head(states)
        return logits


class TransformerLanguageModel(nn.Module):
    """Causal Transformer: tokens [batch, length] -> logits [batch, length, vocabulary].

    ``norm="post"`` is the original placement, for which warm-up is said to matter; ``"pre"`` puts
    LayerNorm before each block and once at the end.
    """

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
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, feedforward, dropout, batch_first=True, norm_first=first
            )
            for _ in range(layers)
        )
        self.final = nn.LayerNorm(width) if first else nn.Identity()
        self.head = nn.Linear(width, vocabulary)
        mask = torch.triu(torch.full((length, length), float("-inf")), diagonal=1)
        self.register_buffer("mask", mask, persistent=False)
        self.mask: Tensor

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next token at each position."""
        length = tokens.shape[1]
        x = self.embedding(tokens) + self.position[:length]
        mask = self.mask[:length, :length]
        for block in self.blocks:
            x = block(x, src_mask=mask, is_causal=False)
        logits: Tensor = self.head(self.final(x))
        return logits
