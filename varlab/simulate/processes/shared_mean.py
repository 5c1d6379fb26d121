"""Exchangeable gradients: each trajectory has a mean of its own, drawn once."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from varlab.core import require
from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.simulate.exact import ExactLaw, Mixture
from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import Process, UnitPath

# Gauss-Hermite nodes: E[psi^k | m] is smooth in m on the scale of the noise; halving the number
# moves Var[psi_t] by less than 1e-6 of itself for tau <= 3 and t >= 5.
NODES = 48


@dataclass(frozen=True)
class SharedMean(Process):
    """g_t = mu + sigma (tau m + z_t), m and z_t standard normal, m shared by the steps of a trajectory.

    ``tau`` >= 0 is the spread of the means in units of the noise; neighbours at any distance are
    correlated by tau^2/(1 + tau^2).
    """

    tau: float
    mu: float = 0.0
    sigma: float = 1.0
    name: ClassVar[str] = "shared-mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.tau < math.inf, "tau", "be non-negative and finite", self.tau)

    def unit_path(self, noise: Noise) -> UnitPath:
        """The shared normals about the trajectory's own mean."""
        mean = noise.trajectory * self.tau

        def tile(made: int) -> torch.Tensor:
            return noise.normals + mean

        return tile

    def exact(self, t: int, beta2: float) -> ExactLaw:
        """Given m the gradients are i.i.d. N(mu + sigma tau m, sigma^2); m is integrated out."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
        means = self.mu + self.sigma * self.tau * nodes
        parts = [AdaptiveRate(t, beta2, mu=float(m), sigma=self.sigma) for m in means]
        return Mixture(parts, (weights / weights.sum()).tolist())
