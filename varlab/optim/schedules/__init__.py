"""Schedules of the learning rate where torch has none, as torch ``LRScheduler``s."""

from varlab.optim.schedules.base import MultiplierLR
from varlab.optim.schedules.decay import ExponentialDecayLR, NaturalExponentialDecayLR
from varlab.optim.schedules.rectification import RectificationLR
from varlab.optim.schedules.untuned import UntunedExponentialLR, UntunedLinearLR
from varlab.optim.schedules.warmup import LinearWarmupDecayLR, LinearWarmupLR, NoamLR

__all__ = [
    "ExponentialDecayLR",
    "LinearWarmupDecayLR",
    "LinearWarmupLR",
    "MultiplierLR",
    "NaturalExponentialDecayLR",
    "NoamLR",
    "RectificationLR",
    "UntunedExponentialLR",
    "UntunedLinearLR",
]
