"""Every optimiser and schedule of the sources, as torch optimisers and schedulers.

The optimisers are those of R's Algorithm 1, with torch's kernels, conventions and state wherever
torch has them. :class:`Algorithm1` with :mod:`varlab.optim.pairs` is their slow, literal twin.
Gradient clipping is ``torch.nn.utils.clip_grad_norm_``, decay on a plateau
``torch.optim.lr_scheduler.ReduceLROnPlateau``: torch has them, so they are not here.
"""

from typing import TYPE_CHECKING, Any

from varlab.optim import pairs
from varlab.optim.algorithm1 import Algorithm1, Pair
from varlab.optim.classics import SGD, Adagrad, Adam, AdamW, RMSprop
from varlab.optim.controls import Adam2k, AdamEps
from varlab.optim.lamb import LAMB
from varlab.optim.radam import RAdam
from varlab.optim.schedules import (
    ExponentialDecayLR,
    LinearWarmupDecayLR,
    LinearWarmupLR,
    MultiplierLR,
    NaturalExponentialDecayLR,
    NoamLR,
    RectificationLR,
    UntunedExponentialLR,
    UntunedLinearLR,
)

if TYPE_CHECKING:
    from varlab.optim.conformance import conform

__all__ = [
    "SGD",
    "Adagrad",
    "RMSprop",
    "Adam",
    "AdamW",
    "LAMB",
    "RAdam",
    "Adam2k",
    "AdamEps",
    "Algorithm1",
    "Pair",
    "pairs",
    "MultiplierLR",
    "LinearWarmupLR",
    "LinearWarmupDecayLR",
    "NoamLR",
    "UntunedLinearLR",
    "UntunedExponentialLR",
    "RectificationLR",
    "ExponentialDecayLR",
    "NaturalExponentialDecayLR",
    "conform",
]


def __getattr__(name: str) -> Any:
    # On demand: the conformance check itself looks at the optimisers of this package.
    if name == "conform":
        from varlab.optim.conformance import conform

        return conform
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
