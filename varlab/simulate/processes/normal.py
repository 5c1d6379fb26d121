"""Independent normal gradients: the assumption of the theory, and its first departure, mu != 0."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from varlab.numerics import psi_variance_path
from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.simulate.exact import ExactLaw
from varlab.simulate.noise import Noise
from varlab.simulate.processes.base import Process, UnitPath


@dataclass(frozen=True)
class Normal(Process):
    """g_t i.i.d. N(mu, sigma^2) (R section 3 with mu = 0; R section 5.3 and Fig. 9 with mu != 0)."""

    name: ClassVar[str] = "normal"
    mu: float = 0.0
    sigma: float = 1.0

    def unit_path(self, noise: Noise) -> UnitPath:
        """The shared normals themselves."""
        return lambda made: noise.normals

    def exact(self, t: int, beta2: float) -> ExactLaw:
        """Exact law of psi_t."""
        return AdaptiveRate(t, beta2, mu=self.mu, sigma=self.sigma)

    def exact_variance_path(self, steps: int, beta2: float) -> np.ndarray:
        """Exact Var[psi_t], t = 1..steps."""
        return np.asarray(psi_variance_path(steps, beta2, mu=self.mu, sigma=self.sigma))
