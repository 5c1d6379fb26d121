"""What the figures of training runs share: how they are run, and how a curve with its interval is drawn."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from varlab.tasks.training import Experiment

Progress = Callable[[int, int, str], None]

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


def asked(data: xr.Dataset) -> dict[str, Any]:
    """The request of an experiment, from its results."""
    request: dict[str, Any] = json.loads(data.attrs["request"])
    return request


def here(request: Mapping[str, Any]) -> str:
    """Model, data and length of the runs, for a caption."""
    task = str(request["task"])
    data = request.get("data")
    known = {**request, "data": BUNDLED[task] if data is None else Path(str(data)).name}
    return MODELS[task].format(**known)


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
