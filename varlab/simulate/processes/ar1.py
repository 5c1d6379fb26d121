"""Normal gradients that remember the last one: the simplest broken independence."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.simulate.exact import ExactLaw
from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import Process, UnitPath


@dataclass(frozen=True)
class AR1(Process):
    """g_t = mu + sigma x_t, x_t = phi x_{t-1} + sqrt(1 - phi^2) z_t, started in its stationary law.

    ``sigma`` is the marginal standard deviation; ``phi`` in (-1, 1) the correlation of neighbours.
    """

    phi: float
    mu: float = 0.0
    sigma: float = 1.0
    name: ClassVar[str] = "ar1"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("phi", "lie in (-1, 1)", lambda x: -1 < x < 1)

    def unit_path(self, noise: Noise) -> UnitPath:
        """A tile is one product: powers of phi times (last value, new normals)."""
        rows = noise.rows
        lag = torch.arange(rows)[:, None] - torch.arange(rows)[None, :]
        power = torch.tensor(self.phi, dtype=torch.float64) ** lag.clamp_min(0)
        innovations = torch.tril(power) * math.sqrt(1 - self.phi**2)
        carry = torch.tensor(self.phi, dtype=torch.float64) ** torch.arange(1, rows + 1)
        weights = torch.cat([carry[:, None], innovations], dim=1).to(noise.device, noise.dtype)
        known = torch.empty(rows + 1, noise.width, dtype=noise.dtype, device=noise.device)
        known[0] = noise.trajectory

        def tile(made: int) -> torch.Tensor:
            known[1:] = noise.normals
            x = weights @ known
            known[0] = x[-1]
            return x

        return tile

    def exact(self, t: int, beta2: float) -> ExactLaw:
        """Exact law of psi_t."""
        return AdaptiveRate(t, beta2, mu=self.mu, sigma=self.sigma, ar1=self.phi)
