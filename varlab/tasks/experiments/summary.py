"""What an experiment's runs say: curves, end values and paired differences, each with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from varlab.core import require

LEVEL = 0.05
END = 0.1  # the share of a run whose mean loss is its end value
CLASSES = 10  # of the bundled digits and of CIFAR-10: a run that diverged guesses

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its two-sided t interval."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def above(self, value: float) -> bool:
        """Whether the whole interval lies above ``value``."""
        return self.low > value

    def below(self, value: float) -> bool:
        """Whether the whole interval lies below ``value``."""
        return self.high < value


def t_interval(values: ArrayLike, *, level: float = LEVEL, comparisons: int = 1) -> Interval:
    """Mean and t interval of independent ``values``, one a seed.

    Parameters
    ----------
    values : array_like, shape (n,)
        n >= 2. Finite values; an infinite one (a run that diverged) makes the interval all of R.
    level : float
    comparisons : int
        Intervals that are read together: each gets level / comparisons (Bonferroni).
    """
    x = np.asarray(values, dtype=float)
    require(x.ndim == 1 and len(x) >= 2, "values", "hold at least two seeds", x.shape)
    if not np.isfinite(x).all():
        return Interval(float("nan"), -np.inf, np.inf, len(x))
    reach = stats.t.isf(level / comparisons / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return Interval(float(x.mean()), float(x.mean() - reach), float(x.mean() + reach), len(x))


def end_losses(data: xr.Dataset, share: float = END) -> Array:
    """Mean training loss over the last ``share`` of the run, (arm, replica); inf after divergence."""
    steps = data.sizes["step"]
    window = max(1, round(share * steps))
    ends = np.asarray(data["train_loss"].values[..., steps - window :].mean(axis=-1))
    return np.where(np.isfinite(ends), ends, np.inf)


def accuracies(data: xr.Dataset, classes: int = CLASSES) -> Array:
    """Held-out accuracy at the end, (arm, replica); that of guessing after divergence."""
    found = np.asarray(data["test_accuracy"].values, dtype=float)
    return np.where(np.isfinite(found), found, 1 / classes)


def row(data: xr.Dataset, arm: str) -> int:
    """Index of ``arm``."""
    return [str(name) for name in data["arm"].values].index(arm)


def curve(
    data: xr.Dataset, arm: str, points: int = 60, *, logarithmic: bool = False
) -> dict[str, list[float | None]]:
    """Training loss of an arm in ``points`` windows: mean over seeds and t interval.

    ``logarithmic``: geometric mean and its interval, for losses shown on a logarithmic axis.

    Returns
    -------
    dict
        ``step`` (middle of each window), ``mean``, ``low``, ``high``; None where a run diverged, or
        where its loss has no logarithm and one is asked for.
    """
    losses = np.asarray(data["train_loss"].values[row(data, arm)])  # (replica, step)
    edges = np.unique(np.linspace(0, losses.shape[1], points + 1).round().astype(int))
    result: dict[str, list[Any]] = {"step": [], "mean": [], "low": [], "high": []}
    for start, stop in pairwise(edges):
        window = losses[:, start:stop].mean(axis=1)
        known = bool(np.isfinite(window).all() and (window.min() > 0 or not logarithmic))
        interval = t_interval(np.log(window) if logarithmic and known else window)
        result["step"].append(float((start + 1 + stop) / 2))
        for key in ("mean", "low", "high"):
            value = getattr(interval, key)
            shown = float(np.exp(value)) if logarithmic else float(value)
            result[key].append(shown if known else None)
    return result


def as_dict(interval: Interval) -> dict[str, float | None]:
    """For JSON, which has no infinity."""
    known = np.isfinite(interval.mean)
    return {
        "mean": interval.mean if known else None,
        "low": interval.low if known else None,
        "high": interval.high if known else None,
    }
