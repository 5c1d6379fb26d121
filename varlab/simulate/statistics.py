"""The statistics of a run: what is averaged per step, which moments exist, which variables come out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from varlab.core import InputError, shown


@dataclass(frozen=True)
class Statistic:
    """One quantity whose moments over the trajectories are accumulated at every step.

    Attributes
    ----------
    name : str
    meaning : str
        In symbols, for labels and attributes.
    power : float
        It behaves like psi^power where vhat is near 0 (0: all its moments exist), so its k-th
        moment is a moment of psi of order k * power.
    """

    name: str
    meaning: str
    power: float


STATISTICS: dict[str, Statistic] = {
    s.name: s
    for s in (
        Statistic("psi", "psi_t = 1/sqrt(vhat_t)", power=1),
        Statistic("log_psi", "log psi_t", power=0),
        Statistic("inverse_v", "1/vhat_t = psi_t^2", power=2),
        Statistic("update", "mhat_t/sqrt(vhat_t)", power=0),
    )
}

# Multiples of a statistic by the deterministic r_t: variable -> statistic. They cost nothing.
RECTIFIED = {"rectified_psi": "psi", "rectified_inverse_v": "inverse_v"}


def selected(names: Sequence[str] | None) -> tuple[Statistic, ...]:
    """The statistics asked for, in the fixed order of :data:`STATISTICS`; all for None."""
    if names is None:
        return tuple(STATISTICS.values())
    asked = (
        [names]
        if isinstance(names, str)
        or not isinstance(names, Iterable)
        or not getattr(names, "ndim", 1)
        else list(names)
    )
    unknown = [name for name in asked if not isinstance(name, str) or name not in STATISTICS]
    if unknown or not asked:
        got = shown(unknown[0]) if unknown else "none"
        raise InputError(f"statistics must be some of {', '.join(STATISTICS)}; got {got}")
    return tuple(s for name, s in STATISTICS.items() if name in asked)
