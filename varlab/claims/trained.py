"""What the claims decided by training share: runs that survive a kill, and words for what is missing."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from varlab.core import Context

if TYPE_CHECKING:
    import xarray as xr

    from varlab.tasks.experiments.summary import Interval
    from varlab.tasks.training import Experiment

# Beyond this many seeds a difference is too small for seeds to be what is missing.
AFFORDABLE = 1000


def runs(experiment: Experiment, context: Context) -> xr.Dataset:
    """Train, or take up finished runs kept under the context's store.

    The folder is named by the whole request, so that a changed experiment never meets old runs.
    """
    from varlab.tasks.training import train

    if context.store is None:
        return train(experiment, seed=context.seed)
    arms = ", ".join(arm.name for arm in experiment.arms)
    request = f"{experiment.label} {arms} {context.seed}"
    key = hashlib.sha256(request.encode()).hexdigest()[:16]
    folder = context.store / f"{context.claim}-{key}"
    return train(experiment, seed=context.seed, out=folder)


def seeds_needed(interval: Interval) -> str:
    """How many seeds would move the interval off 0, if the mean stays where it is."""
    if not math.isfinite(interval.mean):
        return "no number of seeds, since runs diverged"
    half = (interval.high - interval.low) / 2
    wanted = math.inf if interval.mean == 0 else interval.n * (half / interval.mean) ** 2
    if wanted > AFFORDABLE:
        return f"more than {AFFORDABLE} seeds"
    return f"some {max(interval.n + 1, math.ceil(wanted))} seeds"
