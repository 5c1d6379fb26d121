"""Built-in tasks whose weights start from zero-mean normals, as R's footnote 2 supposes.

torch draws the weights of most layers from uniform laws by default.
"""

from __future__ import annotations

from typing import Any

import torch

from varlab.tasks.builtin import builtin
from varlab.tasks.task import Task, torch_seed


def normal_weights(
    name: str, options: dict[str, Any], seed: int, order_seed: int | None = None
) -> Task:
    """The task ``name`` with every weight matrix or kernel redrawn from N(0, s^2).

    s is the root mean square that torch's own initialisation gave it; biases and the scales of
    normalisation layers stay as they are.
    """
    task = builtin(name, **options)(seed, order_seed=order_seed)
    generator = torch.Generator().manual_seed(torch_seed(seed, "normal-weights"))
    with torch.no_grad():
        for parameter in task.model.parameters():
            if parameter.ndim >= 2:
                scale = parameter.square().mean().sqrt()
                parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return task
