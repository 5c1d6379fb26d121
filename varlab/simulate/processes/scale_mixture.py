"""Trajectories of unequal scale: each normal, the pool of them heavy-tailed."""

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import torch

from varlab.core import real, require
from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.simulate.exact import ExactLaw, Mixture
from varlab.simulate.noise import Noise, uniform
from varlab.simulate.processes.base import LARGEST_SIZE, Process, UnitPath, wider


@dataclass(frozen=True)
class ScaleMixture(Process):
    """g_t = mu + sigma s z_t, the scale s drawn once per trajectory: ``scales[j]`` with ``weights[j]``.

    Equal weights when none are given; given ones must sum to 1. Scales lie between 1e-30 and 1e30, for a
    run in float32 between 0.001 and 1000.

    Raises
    ------
    DomainError
        Scales outside their domain, or none; weights that are negative, do not sum to 1, or are not as
        many as the scales.
    """

    scales: tuple[float, ...] = (1.0, 3.0)
    weights: tuple[float, ...] = ()
    mu: float = 0.0
    sigma: float = 1.0
    name: ClassVar[str] = "scale-mixture"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("scales", "weights"):
            given = getattr(self, name)
            require(isinstance(given, tuple), name, "be a tuple of numbers", given)
        require(len(self.scales) > 0, "scales", "be positive and finite", self.scales)
        for scale in self.scales:
            real("scales", scale, "be positive and finite", lambda s: 0 < s < math.inf)
        scales = tuple(map(float, self.scales))
        object.__setattr__(self, "scales", scales)
        self._check_sizes("float64")
        for scale in (min(scales), max(scales)):
            self._check_scale("sigma * scales", self.sigma * scale)
        for weight in self.weights:
            real("weights", weight, "lie in [0, 1]", lambda w: 0 <= w <= 1)
        weights = self.weights or (1 / len(self.scales),) * len(self.scales)
        require(
            len(weights) == len(self.scales)
            and math.isclose(math.fsum(weights), 1),  # isclose: decimal weights such as 0.1 + 0.9
            "weights",
            "be as many as the scales, non-negative, with sum 1",
            self.weights,
        )
        object.__setattr__(self, "weights", tuple(map(float, weights)))

    def _check_sizes(self, dtype: str) -> None:
        largest = LARGEST_SIZE[dtype]
        for scale in self.scales:
            require(
                1 / largest <= scale <= largest,
                "scales",
                f"lie in [{1 / largest:g}, {largest:g}] in {dtype}",
                scale,
                wider(dtype, True, "put a common factor into sigma"),
            )

    def check_run(self, steps: int, dtype: str) -> None:
        """Refuse scales that float32 cannot hold beside each other."""
        self._check_sizes(dtype)

    def smallest_size(self, steps: int) -> float:
        """The smallest scale, or 1."""
        return min(1.0, *self.scales)

    def unit_path(self, noise: Noise) -> UnitPath:
        """The shared normals times the trajectory's scale."""
        edges = torch.tensor(list(accumulate(self.weights))[:-1], dtype=torch.float64)
        scales = torch.tensor(self.scales, dtype=noise.dtype, device=noise.device)
        level = uniform(noise.trajectory.to(torch.float64))
        scale = scales[torch.bucketize(level, edges.to(noise.device))]

        def tile(made: int) -> torch.Tensor:
            return noise.normals * scale

        return tile

    def exact(self, t: int, beta2: float) -> ExactLaw:
        """Given s the gradients are i.i.d. N(mu, (sigma s)^2)."""
        parts = [AdaptiveRate(t, beta2, mu=self.mu, sigma=self.sigma * s) for s in self.scales]
        return Mixture(parts, self.weights)
