"""What a run is asked to do: checked once at the door, and written into its results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from varlab.core import InputError, among, real, require, shortest, shown, whole
from varlab.simulate.blocks import LARGEST_COUNT, Partition
from varlab.simulate.processes import LAWS, Process
from varlab.simulate.processes.base import wider
from varlab.simulate.statistics import Statistic, selected

Precision = Literal["float32", "float64"]

# Version of the algorithm behind the numbers: the same request under another one may differ in bits.
ALGORITHM = 2


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
    last = whole("steps", steps, 1, LARGEST_COUNT)
    for setting in settings:
        setting.law.check_run(last, dtype)
        _require_resolution(setting, dtype)
    return Request(
        settings,
        last,
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


# A precision resolves vhat to about a unit of rounding relative after a few operations; at 2^8 of those the
# rounding adds 2^-16 to a relative variance.
_SMALLEST_SPREAD = {"float32": 2.0**-15, "float64": 2.0**-44}
# In float32 the averages without bias correction are so small below this that squares of 1/v overflow.
_SMALLEST_COMPLEMENT = {"float32": 2.0**-30, "float64": 0.0}


def _require_resolution(setting: Setting, dtype: Precision) -> None:
    """Refuse a precision where vhat's own spread, about 2 mu sqrt((1-b2)/2)/(mu^2 + 1), drowns in rounding."""
    least = _SMALLEST_COMPLEMENT[dtype]
    require(
        1 - setting.beta2 >= least,
        "beta2",
        f"be at most 1 - {least:.1e} in {dtype}",
        setting.beta2,
        "use dtype float64",
    )
    shift = abs(setting.law.shift)
    window = (1 - setting.beta2) / (1 + setting.beta2)
    spread = math.sqrt((4 * shift**2 + 2) * window) / (shift**2 + 1)
    least = _SMALLEST_SPREAD[dtype]
    require(
        spread >= least,
        "abs(mu)/sigma",
        f"leave vhat a relative spread of at least {least:.1e} in {dtype}",
        shift,
        wider(dtype, spread >= _SMALLEST_SPREAD["float64"], "take a smaller one"),
    )
