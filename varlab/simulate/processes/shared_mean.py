"""Exchangeable gradients: each trajectory has a mean of its own, drawn once."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from varlab.core import require
from varlab.numerics.exchangeable import LARGEST_SPREAD, ExchangeableRate
from varlab.simulate.exact import ExactLaw
from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import LARGEST_SIZE, Process, UnitPath, wider


@dataclass(frozen=True)
class SharedMean(Process):
    """g_t = mu + sigma (tau m + z_t), m and z_t standard normal, m shared by the steps of a trajectory.

    ``tau`` in [0, 1e30], in a float32 run up to 1000, is the spread of the means in units of the noise;
    neighbours at any distance are correlated by tau^2/(1 + tau^2).
    """

    tau: float
    mu: float = 0.0
    sigma: float = 1.0
    name: ClassVar[str] = "shared-mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        domain = f"lie in [0, {LARGEST_SPREAD:g}]"
        self._check("tau", domain, lambda x: 0 <= x <= LARGEST_SPREAD)
        self._check_scale("sigma * tau", self.sigma * max(1.0, self.tau))

    def check_run(self, steps: int, dtype: str) -> None:
        """Refuse means that float32 cannot hold beside the noise."""
        require(
            self.tau <= LARGEST_SIZE[dtype],
            "tau",
            f"be at most {LARGEST_SIZE[dtype]:g} in {dtype}",
            self.tau,
            wider(dtype, True, "take a smaller one"),
        )

    def unit_path(self, noise: Noise) -> UnitPath:
        """The shared normals about the trajectory's own mean."""
        mean = noise.trajectory * self.tau

        def tile(made: int) -> torch.Tensor:
            return noise.normals + mean

        return tile

    def exact(self, t: int, beta2: float) -> ExactLaw:
        """Exact law of psi_t: the gradients are jointly Gaussian, equally correlated."""
        return ExchangeableRate(t, beta2, mu=self.mu, sigma=self.sigma, tau=self.tau)
