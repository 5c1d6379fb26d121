"""Signs: gradients of constant magnitude, for which psi does not vary at all."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from varlab.simulate.exact import Constant, ExactLaw
from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import Process, UnitPath


@dataclass(frozen=True)
class Rademacher(Process):
    """g_t = mu + sigma x_t with x_t = -1 or 1, independent fair coins."""

    name: ClassVar[str] = "rademacher"
    mu: float = 0.0
    sigma: float = 1.0

    def unit_path(self, noise: Noise) -> UnitPath:
        """The signs of the shared normals."""

        def tile(made: int) -> torch.Tensor:
            return torch.copysign(torch.ones_like(noise.normals), noise.normals)

        return tile

    def exact(self, t: int, beta2: float) -> ExactLaw | None:
        """psi_t = 1/sigma for mu = 0."""
        return Constant(1 / self.sigma) if self.mu == 0 else None

    def exact_variance_path(self, steps: int, beta2: float) -> np.ndarray | None:
        """Zero for mu = 0."""
        return np.zeros(steps) if self.mu == 0 else None

    def moment_bound(self, t: np.ndarray) -> np.ndarray:
        """All moments exist unless mu = +-sigma lets g be exactly zero."""
        bound = math.inf if abs(self.mu) != self.sigma else 0.0
        return np.full(np.shape(t), bound)
