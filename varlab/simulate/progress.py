"""How far a run has come: what a progress bar shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """State of a run.

    Attributes
    ----------
    done, total : int
        Trajectories merged and asked for.
    seconds : float
        Since the run started or was resumed.
    rate : float
        Draws per second since then (trajectory steps; shared by all settings of a law).
    eta : float
        Seconds left at that rate; infinite before the first block.
    """

    done: int
    total: int
    seconds: float
    rate: float
    eta: float


class Meter:
    """Counts trajectories and tells ``callback``, if there is one."""

    def __init__(
        self, total: int, steps: int, callback: Callable[[Progress], None] | None, restored: int
    ) -> None:
        self._total, self._steps, self._callback = total, steps, callback
        self._restored = self._done = restored
        self._started = time.perf_counter()

    def add(self, trajectories: int) -> None:
        """Count the trajectories of one more block."""
        self._done += trajectories
        if self._callback is None:
            return
        seconds = time.perf_counter() - self._started
        per_second = (self._done - self._restored) / seconds if seconds > 0 else 0.0
        eta = (self._total - self._done) / per_second if per_second > 0 else float("inf")
        rate = per_second * self._steps
        self._callback(Progress(self._done, self._total, seconds, rate, eta))
