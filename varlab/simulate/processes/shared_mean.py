"""Exchangeable gradients: each trajectory has a mean of its own, drawn once."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.simulate.exact import ExactLaw, Mixture
from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import Process, UnitPath

# Spacing of the trapezoidal nodes, in widths of what is integrated: half of it moves Var[psi_t] and
# Var[log psi_t] by less than 1e-8.
SPACING = 0.4
# Means beyond so many standard deviations are left out: probability 1e-14.
REACH = 7.7


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
        self._check("tau", "be non-negative and finite", lambda x: 0 <= x < math.inf)

    def unit_path(self, noise: Noise) -> UnitPath:
        """The shared normals about the trajectory's own mean."""
        mean = noise.trajectory * self.tau

        def tile(made: int) -> torch.Tensor:
            return noise.normals + mean

        return tile

    def exact(self, t: int, beta2: float) -> ExactLaw:
        """Given m the gradients are i.i.d. N(mu + sigma tau m, sigma^2); m is integrated out.

        As a function of the mean in units of sigma, c = mu/sigma + tau m, the moments of psi vary on
        the scale of 1 near c = 0 and of c far from it: so c = sinh(u), and the trapezoidal rule in u,
        which converges exponentially for integrands that fade at both ends.
        """
        if self.tau == 0:
            return AdaptiveRate(t, beta2, mu=self.mu, sigma=self.sigma)
        low, high = (math.asinh(self.shift + sign * REACH * self.tau) for sign in (-1, 1))
        # in u the mean's density is about tau/sqrt(1 + shift^2) wide, psi's moments change within 1/2
        width = min(0.5, self.tau / math.hypot(1.0, self.shift))
        u = np.linspace(low, high, 1 + math.ceil((high - low) / (SPACING * width)))
        centre = np.sinh(u)
        weights = np.exp(-0.5 * ((centre - self.shift) / self.tau) ** 2) * np.cosh(u)
        # the law is even in its mean: opposite nodes are evaluated once
        sizes, where = np.unique(np.abs(centre).round(12), return_inverse=True)
        joint = np.bincount(where, weights / weights.sum())
        parts = [AdaptiveRate(t, beta2, mu=self.sigma * float(c), sigma=self.sigma) for c in sizes]
        return Mixture(parts, joint.tolist())
