"""R Fig. 2 and 3: the sizes of all gradients of a Transformer in its first hundred steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from varlab.tasks.task import build, own_randomness, torch_seed
from varlab.tasks.training import Arm, Experiment, one_thread, training_steps

PAPER_STEPS = (1, 5, 10, 25, 50, 75, 100)
OFFSET = 1e-9  # the authors' code logs ln(abs(g) + 1e-9)


def log_sizes(gradients: NDArray[np.float32]) -> NDArray[np.float64]:
    """ln(abs(g) + 1e-9), as the authors' code has it."""
    return np.asarray(np.log(np.abs(gradients.astype(float)) + OFFSET))


def gradients_at(
    experiment: Experiment,
    arm: Arm,
    *,
    steps: Sequence[int] = PAPER_STEPS,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> NDArray[np.float32]:
    """All gradients of every replica at the listed steps of training.

    Parameters
    ----------
    experiment : Experiment
        Its number of steps is ignored: training ends with the last of ``steps``.
    arm : Arm
        One of the experiment's.
    steps : sequence of int
        Increasing, >= 1.

    Returns
    -------
    ndarray, shape (replica, len(steps), coordinate)
        float32, NaN from the first loss on that is not finite; the runs are those of
        :func:`varlab.tasks.training.train` with the same seed.
    """
    recorded = []
    for replica in range(experiment.seeds):
        run_seed = torch_seed(seed, "train", replica) >> 32
        recorded.append(_one_run(experiment, arm, tuple(steps), run_seed))
        if progress:
            progress(replica + 1, experiment.seeds, arm.name)
    return np.stack(recorded)


def _one_run(
    experiment: Experiment, arm: Arm, steps: tuple[int, ...], seed: int
) -> NDArray[np.float32]:
    task = build(lambda s: experiment.factory(s, optimise=arm.optimise), seed)
    parameters = [p for p in task.model.parameters() if p.requires_grad]
    found = np.full((len(steps), sum(p.numel() for p in parameters)), np.nan, np.float32)
    with one_thread(), own_randomness(torch_seed(seed, "run")):
        for step in training_steps(task, arm, max(steps), []):
            if step in steps:
                flat = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
                found[steps.index(step)] = torch.cat([g.flatten() for g in flat]).numpy(force=True)
    return found
