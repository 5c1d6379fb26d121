"""Independent Laplace gradients: a cusp at zero and exponential tails."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import Process, UnitPath


@dataclass(frozen=True)
class Laplace(Process):
    """g_t = mu + sigma x_t with x_t i.i.d. of density exp(-abs(x))/2 (variance 2).

    Notes
    -----
    The quantile transform of the shared normal: -log P(abs(Z) > abs(z)) is exponential, the sign is
    z's.
    """

    name: ClassVar[str] = "laplace"
    mu: float = 0.0
    sigma: float = 1.0

    def unit_path(self, noise: Noise) -> UnitPath:
        """One normal per draw."""

        def tile(made: int) -> torch.Tensor:
            z = noise.normals
            a = z.abs() * math.sqrt(0.5)
            # erf keeps the digits near zero, erfc in the tail
            near = torch.log1p(-torch.erf(a))
            far = torch.log(torch.special.erfc(a))
            return torch.copysign(torch.where(a < 1, near, far), z)

        return tile
