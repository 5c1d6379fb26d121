"""R Fig. 7: RAdam against Adam with four lengths of warm-up, at four learning rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varlab.tasks.experiments.arms import RATES, adam_with_warmup, at_rate, experiment, radam
from varlab.tasks.experiments.robustness import TASK
from varlab.tasks.training import Experiment

PAPER_LENGTHS = (100, 200, 500, 1000)


def warmup_tuning(
    *,
    steps: int = 200,
    seeds: int = 3,
    rates: Sequence[float] = RATES,
    lengths: Sequence[int] | None = None,
    **task: Any,
) -> Experiment:
    """RAdam and Adam with each warm-up, at every rate.

    Parameters
    ----------
    steps, seeds : int
    rates : sequence of float
    lengths : sequence of int, optional
        Warm-up lengths. When None, the paper's 100, 200, 500, 1000 in the same proportions, the
        longest being half the run: as shares of a short run the paper's own would be below one step.
    **task
        Options of ``resnet20``.
    """
    lengths = scaled_lengths(steps) if lengths is None else tuple(lengths)
    arms = tuple(
        arm
        for lr in rates
        for arm in (
            radam(lr, at_rate("RAdam", lr)),
            *(adam_with_warmup(lr, n, at_rate(f"warm-up {n}", lr)) for n in lengths),
        )
    )
    return experiment(
        "warmup-tuning",
        "resnet20",
        {**TASK, **task},
        arms,
        steps=steps,
        seeds=seeds,
        rates=list(rates),
        lengths=list(lengths),
    )


def scaled_lengths(steps: int) -> tuple[int, ...]:
    """The paper's four lengths in proportion, the longest being half of ``steps``."""
    return tuple(max(1, round(n * steps / (2 * PAPER_LENGTHS[-1]))) for n in PAPER_LENGTHS)
