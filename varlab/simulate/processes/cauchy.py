"""Independent Cauchy gradients: tails so heavy that not even the mean exists."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import Process, UnitPath


@dataclass(frozen=True)
class Cauchy(Process):
    """g_t = mu + sigma x_t with x_t i.i.d. of density 1/(pi (1 + x^2)).

    Notes
    -----
    The quantile transform of the shared normal, folded so that both tails keep their digits: with
    p = P(abs(Z) > abs(z)), abs(x) = tan(pi (1-p)/2) = 1/tan(pi p/2), and the sign is z's. A ratio of
    two normals would be 0/0 or infinite now and then; here a float32 normal, at most 6 or so, gives
    abs(x) < 1e9, whose square is finite in float32.
    """

    name: ClassVar[str] = "cauchy"
    mu: float = 0.0
    sigma: float = 1.0

    def unit_path(self, noise: Noise) -> UnitPath:
        """One normal per draw."""

        def tile(made: int) -> torch.Tensor:
            z = noise.normals
            a = z.abs() * math.sqrt(0.5)
            # erf keeps the digits near zero, erfc in the tail
            near = torch.tan(0.5 * math.pi * torch.erf(a))
            far = 1 / torch.tan(0.5 * math.pi * torch.special.erfc(a))
            return torch.copysign(torch.where(a < 1, near, far), z)

        return tile
