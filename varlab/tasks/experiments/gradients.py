"""R Fig. 2 and 3: the sizes of all gradients of a Transformer in its first hundred steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from varlab.tasks.task import build, own_randomness, torch_seed
from varlab.tasks.training import Arm, Experiment, advance, one_thread

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
        float32; the runs are those of :func:`varlab.tasks.training.train` with the same seed.
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
    scheduler = arm.schedule(task.optimizer) if arm.schedule else None
    parameters = [p for p in task.model.parameters() if p.requires_grad]
    rows, losses = [], []
    with one_thread(), own_randomness(torch_seed(seed, "run")):
        for step, batch in enumerate(task.batches, 1):
            task.optimizer.zero_grad(set_to_none=True)
            loss = task.loss(task.model, batch)
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(float(loss.detach()))
            if step in steps:
                flat = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
                rows.append(torch.cat([g.flatten() for g in flat]).numpy(force=True).copy())
            if step == max(steps):
                break
            if arm.clip is not None:
                torch.nn.utils.clip_grad_norm_(task.model.parameters(), arm.clip)
            task.optimizer.step()
            advance(scheduler, arm, step, losses)
    return np.stack(rows)
