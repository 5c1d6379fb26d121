"""What a run is asked to do: checked once at the door, and written into its results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from varlab.core import InputError, among, real, require, shortest, shown, whole
from varlab.simulate.blocks import LARGEST_COUNT, Partition
from varlab.simulate.processes import LAWS, Process
from varlab.simulate.statistics import Statistic, selected

Precision = Literal["float32", "float64"]

# Version of the algorithm behind the numbers: the same request under another one may differ in bits.
ALGORITHM = 1


@dataclass(frozen=True)
class Setting:
    """One gradient process under one beta2."""

    law: Process
    beta2: float

    @property
    def label(self) -> str:
        """Name for plots and the ``setting`` coordinate."""
        return f"{self.law.label}, beta2={shortest(self.beta2)}"


@dataclass(frozen=True)
class Request:
    """A checked request. The result depends on it, and on the kind of engine, alone."""

    settings: tuple[Setting, ...]
    steps: int
    trajectories: int
    seed: int
    beta1: float
    dtype: Precision
    statistics: tuple[Statistic, ...]

    @property
    def partition(self) -> Partition:
        """The blocks of trajectories."""
        return Partition(self.trajectories)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it: what a store must repeat to be continued."""
        return {
            "algorithm": ALGORITHM,
            "settings": [
                {"law": s.law.name, "parameters": s.law.parameters(), "beta2": s.beta2}
                for s in self.settings
            ],
            "steps": self.steps,
            "trajectories": self.trajectories,
            "seed": self.seed,
            "beta1": self.beta1,
            "dtype": self.dtype,
            "statistics": [s.name for s in self.statistics],
        }


def from_json(stored: dict[str, Any]) -> Request:
    """The request that :meth:`Request.to_json` wrote."""
    settings = tuple(
        Setting(_law_from_json(one["law"], one["parameters"]), one["beta2"])
        for one in stored["settings"]
    )
    return Request(
        settings,
        stored["steps"],
        stored["trajectories"],
        stored["seed"],
        stored["beta1"],
        stored["dtype"],
        selected(stored["statistics"]),
    )


def _law_from_json(name: str, parameters: dict[str, Any]) -> Process:
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
    return LAWS[name](**values)


def request(
    law: Process | Sequence[Process],
    *,
    beta2: float | Sequence[float],
    steps: int,
    trajectories: int,
    seed: int = 0,
    beta1: float = 0.9,
    dtype: Precision = "float32",
    statistics: Sequence[str] | None = None,
) -> Request:
    """Check the arguments of :func:`varlab.simulate.simulate`; settings are laws times beta2."""
    laws: list[Any] = list(law) if _several(law) else [law]
    require(bool(laws), "law", "name at least one gradient process", law)
    for one in laws:
        if not isinstance(one, Process):
            raise InputError(
                f"law must be a gradient process or a sequence of them; got {shown(one)}; "
                "varlab.simulate.law builds one from its name"
            )
    betas = [_decay("beta2", b) for b in (beta2 if _several(beta2) else [beta2])]
    require(bool(betas), "beta2", "name at least one value", beta2)
    require(among(dtype, ("float32", "float64")), "dtype", "be 'float32' or 'float64'", dtype)
    settings = tuple(Setting(one, b) for b in betas for one in laws)
    labels = [setting.label for setting in settings]
    for label in labels:
        once = labels.count(label) == 1
        require(once, "settings", "differ from each other", label, "name each law and beta2 once")
    if dtype == "float32":
        for setting in settings:
            _require_resolution(setting)
    return Request(
        settings,
        whole("steps", steps, 1, LARGEST_COUNT),
        Partition(trajectories).trajectories,
        whole("seed", seed, 0),
        _decay("beta1", beta1),
        dtype,
        selected(statistics),
    )


def _several(value: Any) -> TypeGuard[Iterable[Any]]:
    """Whether it is a sequence: arrays without axes call themselves iterable, and texts are one."""
    return (
        isinstance(value, Iterable) and not isinstance(value, str) and getattr(value, "ndim", 1) > 0
    )


def _decay(name: str, value: object) -> float:
    return real(name, value, "lie in [0, 1)", lambda b: 0 <= b < 1)


# float32 resolves vhat to about 2^-23 relative after a few roundings; at 2^8 of those the rounding adds
# 2^-16 to a relative variance.
_SMALLEST_SPREAD = 2.0**-15


def _require_resolution(setting: Setting) -> None:
    """Refuse float32 where vhat's own spread, about 2 mu sqrt((1-b2)/2)/(mu^2 + 1), drowns in rounding."""
    shift = abs(setting.law.shift)
    window = (1 - setting.beta2) / (1 + setting.beta2)
    spread = math.sqrt((4 * shift**2 + 2) * window) / (shift**2 + 1)
    require(
        spread >= _SMALLEST_SPREAD,
        "abs(mu)/sigma",
        f"leave vhat a relative spread of at least {_SMALLEST_SPREAD:.1e} in float32",
        shift,
        "use dtype='float64'",
    )
