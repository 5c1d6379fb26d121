"""What a gradient process is: g_t = mu + sigma x_t, with x_t a unit path made from shared normals."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch

from varlab.core import real, require, shortest
from varlab.simulate.exact import ExactLaw
from varlab.simulate.noise import Noise

# steps already made -> the next tile of x, shape (rows, width)
UnitPath = Callable[[int], torch.Tensor]

# Fourth powers of the scale and of the shift stay in the range of float64.
EXTREME = 1e70
# Sizes of the unit path, and their inverses, up to here keep fourth powers of 1/vhat in the range of each
# precision.
LARGEST_SIZE: dict[str, float] = {"float32": 1e3, "float64": 1e30}


@dataclass(frozen=True)
class Process(ABC):
    """A law of gradients g_1, g_2, ... with location ``mu`` and scale ``sigma``.

    Subclasses are frozen dataclasses; their other fields shape the unit path x = (g - mu)/sigma.
    Settings that differ in ``mu`` and ``sigma`` alone share one path.

    Raises
    ------
    DomainError
        ``mu`` not finite; ``sigma`` not positive and finite; a scale outside 1e-70 to 1e70, or
        abs(mu)/sigma above 1e70. Subclasses: a parameter of their own outside its domain.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def mu(self) -> float:
        """Location."""

    @property
    @abstractmethod
    def sigma(self) -> float:
        """Scale, positive."""

    def __post_init__(self) -> None:
        self._check("mu", "be finite", math.isfinite)
        self._check("sigma", "be positive and finite", lambda x: 0 < x < math.inf)
        self._check_scale("sigma", self.sigma)

    def _check(self, name: str, domain: str, inside: Callable[[float], bool]) -> None:
        """Hold one parameter to its domain, and keep it as Python's float."""
        object.__setattr__(self, name, real(name, getattr(self, name), domain, inside))

    def _check_scale(self, name: str, scale: float) -> None:
        """Hold a scale of the gradients, and their location in units of it, to the range of float64."""
        require(
            1 / EXTREME <= scale <= EXTREME and abs(self.mu) <= EXTREME * scale,
            f"{name} and abs(mu)/{f'({name})' if ' ' in name else name}",
            f"be at most {EXTREME:g}, and {name} at least {1 / EXTREME:g}",
            (scale, self.mu),
            "rescale the gradients",
        )

    def check_run(self, steps: int, dtype: str) -> None:
        """Refuse a run of ``steps`` whose unit path leaves the range of ``dtype``; nothing is drawn before.

        Raises
        ------
        DomainError
        """
        del steps, dtype

    def smallest_size(self, steps: int) -> float:
        """Typical size of the unit path where it is smallest, over trajectories and steps; at most 1."""
        del steps
        return 1.0

    @abstractmethod
    def unit_path(self, noise: Noise) -> UnitPath:
        """Start the unit path of a block. A tile it returns may be a view of ``noise``."""

    def exact(self, t: int, beta2: float) -> ExactLaw | None:
        """Exact law of psi_t at step ``t``, ``beta2`` in [0, 1); None where no closed form is at hand."""
        del t, beta2
        return None

    def exact_variance_path(self, steps: int, beta2: float) -> np.ndarray | None:
        """Exact Var[psi_t], t = 1..steps, shape (steps,), ``beta2`` in [0, 1).

        None where no single pass yields it.
        """
        del steps, beta2
        return None

    def moment_bound(self, t: np.ndarray) -> np.ndarray:
        """E[psi_t^k] is finite for k below this and infinite from it on; shape of ``t``.

        ``t`` for every law whose joint density is continuous and positive where g_1 = ... = g_t = 0:
        P(vhat_t < e) falls like e^(t/2).
        """
        return np.asarray(t, float)

    @property
    def unit(self) -> Self:
        """The process with mu = 0, sigma = 1."""
        changes: dict[str, Any] = {"mu": 0.0, "sigma": 1.0}
        return replace(self, **changes)

    @property
    def shift(self) -> float:
        """Location in units of the scale, mu/sigma."""
        return self.mu / self.sigma

    @property
    def label(self) -> str:
        """Name and parameters that differ from their defaults, e.g. ``normal(mu=0.1)``."""
        shown = [
            f"{f.name}={_short(getattr(self, f.name))}"
            for f in fields(self)
            if getattr(self, f.name) != f.default
        ]
        return f"{self.name}({', '.join(shown)})" if shown else self.name

    def parameters(self) -> dict[str, float | list[float]]:
        """All parameters by name, as JSON can hold them."""
        return {
            f.name: list(value) if isinstance(value, tuple) else float(value)
            for f in fields(self)
            for value in [getattr(self, f.name)]
        }


def wider(dtype: str, enough: bool, otherwise: str) -> str:
    """The remedy for a number outside the range of ``dtype``: float64 where that is ``enough``."""
    return "use dtype float64" if dtype == "float32" and enough else otherwise


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return "/".join(map(_short, value))
    return shortest(value)
