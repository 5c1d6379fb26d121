"""The known gradient sequence."""

from __future__ import annotations

import numpy as np

from varlab.core import generator
from varlab.optim.conformance.scenario import FloatArray

# Multiples of 1/16 with at most 7 significant bits: exact in float64, float32, bfloat16 and float16,
# also times 4 or any other power of two.
_GRID = 16


def known_gradients(
    steps: int, coordinates: int, *, seed: int, stream: str = "", scale: float = 1.0
) -> FloatArray:
    """Gradients with a mean that is not 0 and abs(g) != 1, shape (steps, coordinates).

    The mean keeps mhat from cancelling in most coordinates and steps; the scatter about it makes
    mhat/sqrt(vhat) differ between coordinates, so that a step of another form shows.

    Parameters
    ----------
    steps, coordinates : int
    seed : int
        Root seed.
    stream : str
        Name of an independent sequence.
    scale : float
        A power of two that multiplies everything.
    """
    rng = generator(seed, "optim.conformance", "gradients", stream)
    size = rng.integers(8, 56, size=(steps, coordinates))
    size += size == _GRID  # abs(g) = 1 would hide a missing square or root
    sign = np.where(rng.random((steps, coordinates)) < 0.8, 1.0, -1.0)
    return np.asarray(scale * sign * size / _GRID, dtype=np.float64)
