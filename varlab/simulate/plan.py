"""How a request is computed: settings that share a path and a beta2 side by side, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from varlab.simulate.processes import Process
from varlab.simulate.request import Request

# Elements of one buffer: larger and the buffers of a tile leave the cache, smaller and calls cost more
# than arithmetic. Decides speed, not results.
CACHED = 2**19


@dataclass(frozen=True)
class Group:
    """Settings of one path and one beta2, treated in one stack of tensors.

    Attributes
    ----------
    path : int
        Number of the path.
    beta2 : float
    members : tuple of int
        Numbers of the settings in the request.
    shifts : tuple of float
        mu/sigma of each.
    floor : float
        See :func:`smallest_second_moment`.
    """

    path: int
    beta2: float
    members: tuple[int, ...]
    shifts: tuple[float, ...]
    floor: float

    @property
    def plain(self) -> bool:
        """One setting with mu = 0: vhat is the average of the squares as it stands."""
        return self.shifts == (0.0,)


@dataclass(frozen=True)
class Plan:
    """A request, laid out for an engine. Built once, read by all threads.

    Attributes
    ----------
    paths : tuple of Process
        The distinct unit paths.
    groups : tuple of Group
        In the order of their beta2.
    rows : int
        Steps per tile.
    """

    request: Request
    device: torch.device
    rows: int
    paths: tuple[Process, ...]
    groups: tuple[Group, ...]

    @property
    def tiles(self) -> int:
        """Number of tiles; the last may reach beyond the steps asked for."""
        return -(-self.request.steps // self.rows)

    @property
    def dtype(self) -> torch.dtype:
        """Precision of vhat."""
        return torch.float32 if self.request.dtype == "float32" else torch.float64

    @property
    def names(self) -> tuple[str, ...]:
        """Statistics asked for."""
        return tuple(s.name for s in self.request.statistics)

    @property
    def betas(self) -> tuple[float, ...]:
        """The distinct values of beta2."""
        return tuple(dict.fromkeys(group.beta2 for group in self.groups))

    def shifted(self, beta2: float) -> bool:
        """Whether a setting of this beta2 has mu != 0."""
        return any(not g.plain for g in self.groups if g.beta2 == beta2)


# An exact zero among float32 normals (probability about 2^-24 a draw) stands for all below 2^-26 or so.
SMALLEST_SQUARE = 2.0**-52
# Squares of 1/v stay in the range of float32.
SMALLEST_IN_FLOAT32 = 2.0**-60


def smallest_second_moment(path: Process, beta2: float, request: Request) -> float:
    """What v, without its bias correction, counts as where it is below: that of one smallest gradient."""
    size = path.smallest_size(request.steps)
    least = SMALLEST_SQUARE * size**2 * (1 - beta2)
    return least if request.dtype == "float64" else max(least, SMALLEST_IN_FLOAT32)


def rows_per_tile(width: int) -> int:
    """Steps per tile: about 2**17 elements, 8 to 32 rows."""
    return next(r for r, least in ((8, 12288), (16, 6144), (32, 0)) if width >= least)


def make_plan(request: Request, device: torch.device) -> Plan:
    """Group the settings of ``request`` by path and beta2."""
    width = request.partition.width
    rows = rows_per_tile(width)
    size = max(1, CACHED // (rows * width))
    paths = tuple(dict.fromkeys(setting.law.unit for setting in request.settings))
    together: dict[tuple[float, int], list[int]] = {}
    for number, setting in enumerate(request.settings):
        key = (setting.beta2, paths.index(setting.law.unit))
        together.setdefault(key, []).append(number)
    groups = [
        Group(
            path,
            beta2,
            chunk,
            tuple(request.settings[n].law.shift for n in chunk),
            smallest_second_moment(paths[path], beta2, request),
        )
        for (beta2, path), numbers in sorted(together.items())
        for chunk in (tuple(numbers[i : i + size]) for i in range(0, len(numbers), size))
    ]
    return Plan(request, device, rows, paths, tuple(groups))
