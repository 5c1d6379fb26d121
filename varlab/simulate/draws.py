"""The gradients themselves, for those who want to compute something else from them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from varlab.core import require
from varlab.core.memory import require_memory
from varlab.simulate.noise import Noise
from varlab.simulate.plan import rows_per_tile
from varlab.simulate.processes import Process
from varlab.simulate.request import request


def gradients(law: Process, *, steps: int, trajectories: int, seed: int = 0) -> np.ndarray:
    """The very gradients that :func:`varlab.simulate.simulate` averages, on the CPU.

    Parameters
    ----------
    law : Process
    steps, trajectories, seed : int
        As for ``simulate``.

    Returns
    -------
    ndarray of shape (steps, trajectories), float64
        Held in memory as a whole: meant for modest sizes.

    Raises
    ------
    InputError
        For an argument outside its domain, or more gradients than memory can hold.
    """
    one = isinstance(law, Process) or not isinstance(law, Iterable)
    require(one, "law", "be one gradient process", law, "call once for each")
    asked = request(
        law, beta2=0.0, steps=steps, trajectories=trajectories, seed=seed, dtype="float64"
    )
    steps, trajectories, seed = asked.steps, asked.trajectories, asked.seed
    # the unit path, and the gradients made of it
    size = 2 * 8 * steps * trajectories
    what = f"an array of {steps} steps by {trajectories} trajectories"
    require_memory(size, what, "ask for fewer, or let simulate() average them")
    partition = asked.partition
    rows = rows_per_tile(partition.width)
    table = np.empty((steps, trajectories))
    for index in range(partition.count):
        block = partition.block(index)
        noise = Noise(seed, block, rows, torch.float64)
        path = law.unit_path(noise)
        for made in range(0, steps, rows):
            noise.advance()
            kept = min(rows, steps - made)
            x = path(made)[:kept, : block.size].numpy()
            table[made : made + kept, block.start : block.start + block.size] = x
    return law.mu + law.sigma * table
