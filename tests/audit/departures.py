"""Departures from the assumptions that the audit must catch, beside those of ``varlab calibrate``."""

import numpy as np

from varlab.audit.processes import Array, Process, Shape


def arch1(coefficient: float, burn_in: int = 50) -> Process:
    """ARCH(1) with unit variance: white, but volatile and heavy-tailed."""

    def draw(shape: Shape, rng: np.random.Generator) -> Array:
        x = shape.normals(rng, shape.steps + burn_in)
        for t in range(1, x.shape[1]):
            x[:, t] *= np.sqrt(1 - coefficient + coefficient * x[:, t - 1] ** 2)
        return x[:, burn_in:]

    return draw


def shared_mean(correlation: float) -> Process:
    """A random offset that all steps of a replica share: gradients of different steps correlate."""

    def draw(shape: Shape, rng: np.random.Generator) -> Array:
        offset = shape.normals(rng, 1)
        own = shape.normals(rng)
        return np.asarray(np.sqrt(correlation) * offset + np.sqrt(1 - correlation) * own)

    return draw
