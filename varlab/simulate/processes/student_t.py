"""Independent Student t gradients: heavy tails with a dial."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from varlab.core import require
from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import Process, UnitPath, wider

# A draw may overflow with a chance of 2^-40, once in 100 runs of 10^10 draws.
RAREST_DRAW = 40


@dataclass(frozen=True)
class StudentT(Process):
    """g_t = mu + sigma x_t with x_t i.i.d. Student t of ``df`` > 0 degrees of freedom, finite.

    ``sigma`` is the scale of the t law, not its standard deviation.

    Notes
    -----
    Bailey's polar form (Math. Comp. 62, 1994): for U uniform and an angle A,
    sqrt(df (U^(-2/df) - 1)) cos A is Student t. With two normals z, y and R^2 = z^2 + y^2,
    U = exp(-R^2/2) and cos A = z/R, so x = z sqrt(expm1(R^2/df) df / R^2): exact for every df, and
    tending to the shared normal z itself as df grows.
    """

    df: float
    mu: float = 0.0
    sigma: float = 1.0
    name: ClassVar[str] = "student-t"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("df", "be positive and finite", lambda x: 0 < x < math.inf)

    def check_run(self, steps: int, dtype: str) -> None:
        """Refuse a ``df`` so small that a draw overflows with a chance above 2^-40.

        x^2 stays below df U^(-2/df), and below the largest number 2^e unless U < 2^(-e df/2).
        """
        least = {name: 2 * RAREST_DRAW / np.finfo(name).maxexp for name in ("float32", "float64")}
        require(
            self.df >= least[dtype],
            "df",
            f"be at least {least[dtype]:g} in {dtype}, whose range its draws leave",
            self.df,
            wider(dtype, self.df >= least["float64"], "take a larger df"),
        )

    def unit_path(self, noise: Noise) -> UnitPath:
        """Two normals per draw."""

        def tile(made: int) -> torch.Tensor:
            z, y = noise.normals, noise.second
            u = (z * z + y * y).div_(self.df)
            # expm1(u)/u -> 1 as u -> 0: an exact zero would be 0/0
            u.clamp_min_(torch.finfo(u.dtype).tiny)
            return (torch.expm1(u) / u).sqrt_() * z

        return tile
