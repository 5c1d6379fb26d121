"""A causal Transformer language model, LayerNorm after or before each block."""

from torch import nn

from varlab.tasks.builtin.texts import TextFamily
from varlab.tasks.data.text import VOCABULARY
from varlab.tasks.models.language import TransformerLanguageModel


def model(
    length: int,
    *,
    width: int = 32,
    heads: int = 4,
    layers: int = 2,
    feedforward: int = 64,
    dropout: float = 0.0,
    norm: str = "post",
) -> nn.Module:
    """A causal Transformer language model over bytes; norm="post" or "pre"."""
    return TransformerLanguageModel(
        VOCABULARY, length, width, heads, layers, feedforward, dropout, norm
    )


TASK = TextFamily(model, batch=16)
