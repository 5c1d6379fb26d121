"""Synthetic gradients with one planted violation each: what the audit must catch, and its null.

All processes are stationary from the first step unless drift is what is planted, have unit scale,
and take coordinates that are correlated at ``correlation`` within a layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlab.audit.protocol import Assumption
from varlab.audit.verdicts import Bands
from varlab.core import real, whole

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """Replicas, steps, coordinates, and the correlation between coordinates of a layer."""

    replicas: int
    steps: int
    coordinates: int
    correlation: float = 0.0

    def __post_init__(self) -> None:
        for name in ("replicas", "steps", "coordinates"):
            whole(name, getattr(self, name), 1)
        real("correlation", self.correlation, "lie in [0, 1)", lambda r: 0 <= r < 1)

    def normals(self, rng: np.random.Generator, steps: int | None = None) -> Array:
        """Standard normals, i.i.d. but for the correlation between coordinates."""
        size = (self.replicas, self.steps if steps is None else steps)
        own = rng.standard_normal((*size, self.coordinates))
        shared = rng.standard_normal((*size, 1))
        return np.asarray(np.sqrt(self.correlation) * shared + np.sqrt(1 - self.correlation) * own)


Process = Callable[[Shape, np.random.Generator], Array]


def iid_normal(shape: Shape, rng: np.random.Generator) -> Array:
    """The null."""
    return shape.normals(rng)


def ar1(coefficient: float) -> Process:
    """Stationary Gaussian AR(1)."""

    def draw(shape: Shape, rng: np.random.Generator) -> Array:
        x = shape.normals(rng)
        innovation = np.sqrt(1 - coefficient**2)
        for t in range(1, shape.steps):
            x[:, t] = coefficient * x[:, t - 1] + innovation * x[:, t]
        return x

    return draw


def student_t(freedom: float) -> Process:
    """Student t with ``freedom`` > 2, scaled to unit variance; the divisor is each coordinate's own."""

    def draw(shape: Shape, rng: np.random.Generator) -> Array:
        z = shape.normals(rng)
        divisor = np.sqrt(rng.chisquare(freedom, z.shape) / freedom)
        return np.asarray(z / divisor * np.sqrt((freedom - 2) / freedom))

    return draw


def scale_drift(log_fall: float) -> Process:
    """Normals whose scale falls by exp(-``log_fall``) along the steps, linearly in its logarithm."""

    def draw(shape: Shape, rng: np.random.Generator) -> Array:
        path = np.exp(-log_fall * np.linspace(0, 1, shape.steps))
        return np.asarray(shape.normals(rng) * path[:, None])

    return draw


def mean(ratio: float) -> Process:
    """Normals with mean ``ratio`` standard deviations."""

    def draw(shape: Shape, rng: np.random.Generator) -> Array:
        return np.asarray(shape.normals(rng) + ratio)

    return draw


def edges(bands: Bands) -> dict[str, tuple[Assumption, Process]]:
    """Processes whose true effect lies on the edge of a band, and the assumption it belongs to.

    Which "holds" of them is wrong, though barely. Correlations are Spearman's, of which that of normals
    is 2 sin(pi r/6) (Pearson 1907).
    """
    return {
        "mean at the edge": (Assumption.ZERO_MEAN, mean(bands.zero_mean)),
        "drift at the edge": (Assumption.IDENTICAL, scale_drift(math.sqrt(12) * bands.identical)),
        "AR(1) at the edge": (
            Assumption.INDEPENDENCE,
            ar1(2 * math.sin(math.pi * bands.adjacent / 6)),
        ),
    }


#: The violations against which ``varlab calibrate`` reports power.
PLANTED: dict[str, Process] = {
    "AR(1) 0.3": ar1(0.3),
    "AR(1) 0.9": ar1(0.9),
    "Student t(5)": student_t(5),
    "scale drift e^-1": scale_drift(1.0),
    "mean 0.5 s": mean(0.5),
}
