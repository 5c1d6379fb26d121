"""The paper's 2-layer LSTM language model, small."""

from torch import nn

from varlab.tasks.builtin.texts import TextFamily
from varlab.tasks.data.text import VOCABULARY
from varlab.tasks.models.language import LSTMLanguageModel


def model(
    length: int, *, embedding: int = 32, hidden: int = 64, layers: int = 2, dropout: float = 0.0
) -> nn.Module:
    """An LSTM language model over bytes (the paper's 2-layer LSTM, small)."""
    del length  # a recurrent model takes any
    return LSTMLanguageModel(VOCABULARY, embedding, hidden, layers, dropout)


TASK = TextFamily(model, batch=16)
