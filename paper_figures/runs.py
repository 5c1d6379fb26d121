"""What the figures of training runs share: how they are run, and how a curve with its interval is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from varlab.tasks.training import Experiment

# Seeds under each budget are the figure's own times this.
SEEDS = {"fast": 1, "full": 3}


def run(experiment: Experiment, seed: int) -> xr.Dataset:
    """All runs of an experiment, on all cores."""
    from varlab.claims.ledger import usable_cores
    from varlab.tasks.training import train

    return train(experiment, seed=seed, jobs=usable_cores())


def draw_curve(
    ax: Axes,
    curve: dict[str, Sequence[float | None]],
    color: str,
    label: str,
    *,
    band: bool = True,
    **line: Any,
) -> None:
    """Mean and, as a band, interval of :func:`varlab.tasks.experiments.summary.curve`."""
    steps = [float(s) for s in curve["step"] if s is not None]
    mean, low, high = (_gaps(curve[key]) for key in ("mean", "low", "high"))
    ax.plot(steps, mean, color=color, label=label, **line)
    if band:
        ax.fill_between(steps, low, high, color=color, alpha=0.15, lw=0)


def draw_interval(
    ax: Axes, x: float, interval: dict[str, float | None], color: str, **marker: Any
) -> None:
    """A mean with its interval at ``x``; nothing where a run diverged."""
    mean, low, high = (interval[key] for key in ("mean", "low", "high"))
    if mean is None or low is None or high is None:
        return
    ax.errorbar(
        [x], [mean], [[mean - low], [high - mean]], color=color, capsize=2, lw=1, ms=4, **marker
    )


def _gaps(values: Sequence[float | None]) -> list[float]:
    return [math.nan if v is None else v for v in values]
