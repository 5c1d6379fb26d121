"""Gradients whose variance feeds on the last one: uncorrelated, yet dependent and heavy-tailed."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import Process, UnitPath


@dataclass(frozen=True)
class ARCH(Process):
    """g_t = mu + sigma x_t, x_t = z_t sqrt(1 - alpha + alpha x_{t-1}^2), x_1 = z_1 (Engle 1982).

    Unit marginal variance for every ``alpha`` in [0, 1); the fourth moment exists for
    3 alpha^2 < 1.
    """

    alpha: float
    mu: float = 0.0
    sigma: float = 1.0
    name: ClassVar[str] = "arch"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("alpha", "lie in [0, 1)", lambda x: 0 <= x < 1)

    def unit_path(self, noise: Noise) -> UnitPath:
        """Step by step: the recursion is not linear."""
        squared = torch.ones(noise.width, dtype=noise.dtype, device=noise.device)
        x = torch.empty(noise.rows, noise.width, dtype=noise.dtype, device=noise.device)

        def tile(made: int) -> torch.Tensor:
            for row, z in zip(x, noise.normals, strict=True):
                torch.mul(squared, self.alpha, out=squared).add_(1 - self.alpha)
                torch.mul(squared.sqrt_(), z, out=row)
                torch.mul(row, row, out=squared)
            return x

        return tile
