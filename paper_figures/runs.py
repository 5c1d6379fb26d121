"""What the figures of training runs share: how they are run, and how a curve with its interval is drawn."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper_figures.style import gaps

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from varlab.tasks.training import Experiment

Progress = Callable[[int, int, str], None]
# mean, low, high; None where a run diverged.
Interval = Mapping[str, Any]

# Seeds under each budget are the figure's own times this.
SEEDS = {"fast": 1, "full": 3}


# The paper's ResNet-20: 186 epochs of the 391 batches of 128 that CIFAR-10 has.
PAPER_RESNET: Mapping[str, Any] = {
    "steps": 186 * 391,
    "depth": 20,
    "width": 16,
    "batch": 128,
}
# The paper's Transformer on IWSLT'14. Its batches hold up to 4000 tokens, here 160 pairs.
PAPER_TRANSFORMER: Mapping[str, Any] = {
    "steps": 70_000,
    "warmup": 4000,
    "lr": 3e-4,
    "layers": 6,
    "width": 512,
    "heads": 4,
    "feedforward": 1024,
    "dropout": 0.3,
    "longest": 120,
    "batch": 160,
}
MODELS = {
    "resnet20": "ResNet-{depth} of width {width}, {data}, {steps} steps of {batch}",
    "lenet": "{data} enlarged to 32 x 32, {steps} steps of {batch}",
    "transformer-mt": "{layers}+{layers} layers of width {width}, {data}, {steps} steps of {batch}",
    "lstm-lm": "{layers} x {hidden} over bytes of {data}, lr {lr:g}, {steps} steps of {batch}",
}
BUNDLED = {
    "resnet20": "8 x 8 digits",
    "lenet": "8 x 8 digits",
    "transformer-mt": "CLDR names",
    "lstm-lm": "Python's library",
}


@dataclass(frozen=True)
class Runs:
    """How a figure's training runs are sized, kept and reported.

    Attributes
    ----------
    options : mapping
        Of the experiment and its task, in place of the figure's own: ``steps``, ``seeds``,
        ``data``, ``device``, ``depth``, ...
    folder : path, optional
        Keeps every finished run, so that a killed figure goes on where it was.
    progress : callable, optional
        ``progress(done, total, what)`` after each run.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    progress: Progress | None = None

    def sized(self, make: Callable[..., Experiment], **own: Any) -> Experiment:
        """The experiment of the figure's ``own`` sizes, or of those asked for.

        Raises
        ------
        InputError
            An option that neither the experiment nor its task has.
        """
        return make(**{**own, **self.options})

    def train(self, experiment: Experiment, seed: int, name: str = "runs") -> xr.Dataset:
        """All runs of an experiment, on all cores or on one GPU; kept under ``name``."""
        from varlab.core.cores import usable_cores
        from varlab.tasks.training import train

        on_cpu = self.options.get("device", "cpu") == "cpu"
        return train(
            experiment,
            seed=seed,
            out=None if self.folder is None else self.folder / name,
            jobs=usable_cores() if on_cpu else 1,
            progress=self.progress,
        )


# What bands, bars and brackets show, for a caption.
INTERVALS = "95% t intervals over seeds"


def asked(request: str) -> dict[str, Any]:
    """The request of an experiment, as its results and a figure's data keep it."""
    sizes: dict[str, Any] = json.loads(request)
    return sizes


def here(request: Mapping[str, Any]) -> str:
    """Model, data and length of the runs, for a caption."""
    task = str(request["task"])
    data = request.get("data")
    known = {**request, "data": BUNDLED[task] if data is None else Path(str(data)).name}
    return MODELS[task].format(**known)


def draw_curve(
    ax: Axes,
    curve: Mapping[str, Sequence[float | None]],
    color: str,
    label: str,
    *,
    band: bool = True,
    **line: Any,
) -> None:
    """Mean and, as a band, interval of :func:`varlab.tasks.experiments.summary.curve`."""
    steps = [float(s) for s in curve["step"] if s is not None]
    mean, low, high = (gaps(curve[key]) for key in ("mean", "low", "high"))
    ax.plot(steps, mean, color=color, label=label, **line)
    if band:
        ax.fill_between(steps, low, high, color=color, alpha=0.15, lw=0)


def within_percent(interval: Interval) -> Interval:
    """The t interval of a mean percentage, taken on its logit, so that it stays between 0 and 100.

    To first order the logit of a mean p has the standard error of p over p (1 - p) (delta method).
    """
    if interval["mean"] in (None, 0.0, 100.0):  # diverged, or every run at the bound
        return interval
    share, reach = interval["mean"] / 100, (interval["high"] - interval["mean"]) / 100
    logit, reach = math.log(share / (1 - share)), reach / (share * (1 - share))
    low, high = (50 * (1 + math.tanh(x / 2)) for x in (logit - reach, logit + reach))
    # Seeds that agree have no width: there rounding may pass the mean.
    return {
        "mean": interval["mean"],
        "low": min(low, interval["mean"]),
        "high": max(high, interval["mean"]),
    }


def above_zero(interval: Interval) -> Interval:
    """The t interval of a mean loss, taken on its logarithm (delta method): it stays above 0."""
    mean = interval["mean"]
    if not mean:  # diverged, or every run at 0
        return interval
    factor = math.exp((interval["high"] - mean) / mean)
    return {"mean": mean, "low": mean / factor, "high": mean * factor}


def written(interval: Interval, digits: int, unit: str = "") -> str:
    """``mean unit [low, high]``, or that a run diverged."""
    if interval["mean"] is None:
        return "diverged"
    mean, low, high = (f"{interval[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return f"{mean}{unit and ' '}{unit} [{low}, {high}]"


def draw_interval(ax: Axes, x: float, interval: Interval, color: str, **marker: Any) -> None:
    """A mean with its interval at ``x``; nothing where a run diverged."""
    mean, low, high = (interval[key] for key in ("mean", "low", "high"))
    if mean is None or low is None or high is None:
        return
    ax.errorbar(
        [x], [mean], [[mean - low], [high - mean]], color=color, capsize=2, lw=1, ms=4, **marker
    )
