"""The paper's encoder-decoder Transformer, small."""

from torch import nn

from varlab.tasks.builtin.pairs import PairFamily
from varlab.tasks.data.parallel import Parallel
from varlab.tasks.models.translation import TranslationTransformer


def model(
    pairs: Parallel,
    *,
    width: int = 32,
    heads: int = 4,
    layers: int = 2,
    feedforward: int = 64,
    dropout: float = 0.0,
    norm: str = "post",
) -> nn.Module:
    """The paper's encoder-decoder Transformer, small, on German and English names or a TSV file."""
    return TranslationTransformer(
        pairs.vocabulary, pairs.length, width, heads, layers, feedforward, dropout, norm
    )


TASK = PairFamily(model)
