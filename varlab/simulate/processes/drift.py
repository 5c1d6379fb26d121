"""Gradients whose scale grows or shrinks along the run: the simplest broken identity of law."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from varlab.core import require
from varlab.numerics import psi_variance_path
from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.numerics.weights import bias_correction
from varlab.simulate.exact import ExactLaw, Scaled
from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import LARGEST_SIZE, Process, UnitPath, wider


@dataclass(frozen=True)
class Drift(Process):
    """g_t = mu + sigma exp(rate t) z_t.

    abs(rate) t may grow to log(1000) = 6.9 in a float32 run, to log(1e30) = 69 in a float64 run.

    Notes
    -----
    For mu = 0 the exponential weights absorb an exponential scale: b2^(t-i) exp(2 rate i) is
    exp(2 rate t) b^(t-i) with b = b2 exp(-2 rate). So psi_t is the adaptive rate for b in place of b2,
    times a constant; exact as long as b < 1.
    """

    rate: float
    mu: float = 0.0
    sigma: float = 1.0
    name: ClassVar[str] = "drift"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("rate", "be finite", math.isfinite)

    def check_run(self, steps: int, dtype: str) -> None:
        """Refuse more drift than the precision can hold."""
        most = {name: math.log(size) for name, size in LARGEST_SIZE.items()}
        reach = abs(self.rate) * steps
        require(
            reach <= most[dtype],
            "abs(rate) * steps",
            f"be at most {most[dtype]:.1f} in {dtype}",
            reach,
            wider(dtype, reach <= most["float64"], "take fewer steps or a smaller rate"),
        )

    def smallest_size(self, steps: int) -> float:
        """That of the last step where the scale shrinks."""
        return math.exp(min(self.rate, 0.0) * steps)

    def unit_path(self, noise: Noise) -> UnitPath:
        """The shared normals, scaled step by step.

        Raises
        ------
        DomainError
            In a tile: abs(rate) times the steps made leaves the range of float64.
        """
        most = math.log(LARGEST_SIZE["float64"])
        ahead = torch.arange(1, noise.rows + 1, dtype=torch.float64)

        def tile(made: int) -> torch.Tensor:
            # the last tile reaches beyond the run, where nothing is kept
            exponent = (self.rate * (ahead + made)).clamp(-most, most)
            return noise.normals * exponent.exp().to(noise.device, noise.dtype)[:, None]

        return tile

    def exact(self, t: int, beta2: float) -> ExactLaw | None:
        """Exact law of psi_t for mu = 0, beta2 < exp(2 rate) and a scale that a run can have."""
        effective = self._effective(t, beta2)
        if effective is None:
            return None
        factor = float(self._factor(np.array([t]), beta2, effective)[0])
        return Scaled(AdaptiveRate(t, effective, sigma=self.sigma), factor)

    def exact_variance_path(self, steps: int, beta2: float) -> np.ndarray | None:
        """Exact Var[psi_t], t = 1..steps, under the same conditions at the last step."""
        effective = self._effective(steps, beta2)
        if effective is None:
            return None
        factor = self._factor(np.arange(1, steps + 1), beta2, effective)
        return factor**2 * np.asarray(psi_variance_path(steps, effective, sigma=self.sigma))

    def _effective(self, t: int, beta2: float) -> float | None:
        """The decay in place of beta2; None where there is no exact law."""
        if self.mu != 0 or abs(self.rate) * t > math.log(LARGEST_SIZE["float64"]):
            return None
        effective = beta2 * math.exp(-2 * self.rate)
        return effective if 0 < effective < 1 else None

    def _factor(self, t: np.ndarray, beta2: float, effective: float) -> np.ndarray:
        """psi_t over the adaptive rate for ``effective``: the ratio of the sums of weights."""
        own = bias_correction(t, beta2) / (1 - beta2)
        other = bias_correction(t, effective) / (1 - effective)
        return np.asarray(np.exp(-self.rate * t) * np.sqrt(own / other))
