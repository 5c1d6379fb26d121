"""R Fig. 4: an LSTM language model trained with Adam and with RAdam."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from varlab.tasks.experiments.arms import adam, experiment, radam
from varlab.tasks.training import Experiment

# 6 ms a step on one core. The paper: hidden=2048, embedding=300, dropout=0.1, length=20, batch=128.
TASK = {"layers": 2, "hidden": 64, "embedding": 32, "length": 20, "batch": 16}
CLIP = 5.0  # the paper's


def language_model(
    *, steps: int = 400, seeds: int = 4, lr: float = 1e-3, **task: Any
) -> Experiment:
    """Adam and RAdam with the paper's clipping.

    Parameters
    ----------
    steps, seeds : int
    lr : float
        Of both; the paper's is 1e-3.
    **task
        Options of ``lstm-lm``.
    """
    arms = tuple(replace(make(lr), clip=CLIP) for make in (adam, radam))
    options = {**TASK, **task}
    return experiment(
        "language-model", "lstm-lm", options, arms, steps=steps, seeds=seeds, lr=lr, clip=CLIP
    )
