"""Exact laws of psi_t that are built from :class:`varlab.numerics.AdaptiveRate`: scaled, mixed, constant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class ExactLaw(Protocol):
    """What a comparison needs to know about the law of psi_t."""

    def mean(self) -> float:
        """E[psi_t]."""

    def var(self) -> float:
        """Var[psi_t]."""

    def log_mean(self) -> float:
        """E[log psi_t]."""

    def log_var(self) -> float:
        """Var[log psi_t]."""

    def moment(self, k: float, /) -> float:
        """E[psi_t^k]."""

    def sf(self, x: np.ndarray, /) -> np.ndarray:
        """P(psi_t > x)."""


@dataclass(frozen=True)
class Scaled:
    """The law of ``factor * psi`` for ``psi`` of law ``base``."""

    base: ExactLaw
    factor: float

    def mean(self) -> float:
        """E[psi_t]."""
        return self.factor * float(self.base.mean())

    def var(self) -> float:
        """Var[psi_t]."""
        return self.factor**2 * float(self.base.var())

    def log_mean(self) -> float:
        """E[log psi_t]."""
        return math.log(self.factor) + float(self.base.log_mean())

    def log_var(self) -> float:
        """Var[log psi_t]."""
        return float(self.base.log_var())

    def moment(self, k: float, /) -> float:
        """E[psi_t^k]."""
        return float(self.factor**k) * float(self.base.moment(k))

    def sf(self, x: np.ndarray, /) -> np.ndarray:
        """P(psi_t > x)."""
        return np.asarray(self.base.sf(x / self.factor))


@dataclass(frozen=True)
class Mixture:
    """The law of psi when nature first picks ``parts[j]`` with probability ``weights[j]``."""

    parts: Sequence[ExactLaw]
    weights: Sequence[float]

    def mean(self) -> float:
        """E[psi_t]."""
        return self._average([float(part.mean()) for part in self.parts])

    def var(self) -> float:
        """Var[psi_t]: within the parts plus between them."""
        within = self._average([float(part.var()) for part in self.parts])
        if math.isinf(within):  # the means may be infinite too, and their spread no number
            return math.inf
        return within + self._spread([float(part.mean()) for part in self.parts])

    def log_mean(self) -> float:
        """E[log psi_t]."""
        return self._average([float(part.log_mean()) for part in self.parts])

    def log_var(self) -> float:
        """Var[log psi_t]."""
        within = self._average([float(part.log_var()) for part in self.parts])
        return within + self._spread([float(part.log_mean()) for part in self.parts])

    def moment(self, k: float, /) -> float:
        """E[psi_t^k]."""
        return self._average([float(part.moment(k)) for part in self.parts])

    def sf(self, x: np.ndarray, /) -> np.ndarray:
        """P(psi_t > x)."""
        chances = np.asarray(self.weights) @ np.array([part.sf(x) for part in self.parts])
        return np.asarray(np.minimum(chances, 1.0))  # decimal weights sum to 1 up to rounding

    def _average(self, values: list[float]) -> float:
        try:  # a part without weight may have infinite moments
            return math.fsum(w * v for w, v in zip(self.weights, values, strict=True) if w > 0)
        except OverflowError:
            return math.inf

    def _spread(self, values: list[float]) -> float:
        centre = self._average(values)
        # a product: a power beyond the range of float64 would raise
        return self._average([(v - centre) * (v - centre) for v in values])


@dataclass(frozen=True)
class Constant:
    """psi_t does not vary."""

    value: float

    def mean(self) -> float:
        """E[psi_t]."""
        return self.value

    def var(self) -> float:
        """Var[psi_t] = 0."""
        return 0.0

    def log_mean(self) -> float:
        """E[log psi_t]."""
        return math.log(self.value)

    def log_var(self) -> float:
        """Var[log psi_t] = 0."""
        return 0.0

    def moment(self, k: float, /) -> float:
        """E[psi_t^k]."""
        return float(self.value**k)

    def sf(self, x: np.ndarray, /) -> np.ndarray:
        """P(psi_t > x): 1 below the value."""
        return np.asarray(np.asarray(x) < self.value, float)
