"""The fused engine: blocks on the GPU through :mod:`varlab.simulate.triton_kernel`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import torch

from varlab.numerics.weights import bias_correction
from varlab.simulate.blocks import Block
from varlab.simulate.moments import Moments
from varlab.simulate.noise import NORMALS, stream_seed
from varlab.simulate.plan import smallest_second_moment
from varlab.simulate.processes import Normal
from varlab.simulate.request import Request

# Bytes of power sums that a launch may leave: more blocks are launched one after another.
SUMS_LIMIT = 2**30


def obstacle(request: Request) -> str | None:
    """Why the fused engine cannot serve a request; None when it can."""
    if find_spec("triton") is None:
        return "Triton is not installed"
    if not all(isinstance(s.law, Normal) for s in request.settings):
        return "its kernel draws normal laws only"
    if request.dtype != "float32":
        return "its kernel computes in float32"
    if _bytes_per_block(request) > SUMS_LIMIT:
        return "so many steps leave too many sums per block"
    return None


def _bytes_per_block(request: Request) -> int:
    from varlab.simulate.triton_kernel import PROGRAM, largest_stack

    programs = -(-request.partition.width // PROGRAM)
    stack = min(len(request.settings), largest_stack(len(request.statistics)))
    return programs * len(request.statistics) * 4 * stack * request.steps * 4


class FusedEngine:
    """Moments of blocks, as :class:`varlab.simulate.eager.EagerEngine` gives them.

    Draws are counter-based (Philox: seed of the block, trajectory, step), so they depend on nothing
    else; the kernel sums over 256 trajectories at a time, and these partial sums are added in a fixed
    binary tree, in float64: the result does not depend on how many blocks are launched together.
    """

    name = "fused"

    def __init__(self, request: Request, device: torch.device) -> None:
        self.request = request
        self.device = device
        self._names = [s.name for s in request.statistics]
        self._centres = _centres(request)

    def __call__(self, blocks: Sequence[Block]) -> list[Moments]:
        """Moments of each block."""
        at_once = max(1, SUMS_LIMIT // _bytes_per_block(self.request))
        parts = [blocks[i : i + at_once] for i in range(0, len(blocks), at_once)]
        return [moments for part in parts for moments in self._launch(part)]

    def _launch(self, blocks: Sequence[Block]) -> list[Moments]:
        from varlab.simulate.triton_kernel import largest_stack

        settings = range(len(self.request.settings))
        most = largest_stack(len(self.request.statistics))
        stacks = [settings[i : i + most] for i in settings[::most]]
        sums = [self._stack(blocks, stack.start, stack.stop) for stack in stacks]
        return [
            Moments.from_shifted_sums(
                block.size,
                self._centres.astype(np.float64),
                np.concatenate([stack[number] for stack in sums], axis=2),
            )
            for number, block in enumerate(blocks)
        ]

    def _stack(self, blocks: Sequence[Block], first: int, last: int) -> np.ndarray:
        """Sums of the settings ``first .. last - 1``, shape (block, 4, statistic, setting, step)."""
        import triton

        from varlab.simulate.triton_kernel import PROGRAM, moments_kernel

        request, where = self.request, self.device
        settings = request.settings[first:last]
        programs = -(-blocks[0].width // PROGRAM)
        seeds = [stream_seed(request.seed, b.index, NORMALS, bits=63) for b in blocks]
        shape = (len(blocks) * programs, len(self._names), 4, len(settings), request.steps)
        sums = torch.empty(shape, dtype=torch.float32, device=where)
        centres = np.ascontiguousarray(self._centres[:, first:last])
        places = {
            name.upper(): self._names.index(name) if name in self._names else -1
            for name in ("psi", "log_psi", "inverse_v", "update")
        }
        moments_kernel[(len(blocks) * programs,)](
            sums,
            torch.from_numpy(centres).to(where),
            torch.tensor(seeds, dtype=torch.int64, device=where),
            torch.tensor([b.size for b in blocks], dtype=torch.int32, device=where),
            torch.tensor([s.law.shift for s in settings], dtype=torch.float32, device=where),
            torch.tensor([1 - s.beta2 for s in settings], dtype=torch.float32, device=where),
            len(settings),
            request.steps,
            programs,
            1 - request.beta1,
            min(smallest_second_moment(s.law, s.beta2, request) for s in settings),
            **places,
            STATISTICS=len(self._names),
            STACK=triton.next_power_of_2(len(settings)),
            SIZE=PROGRAM,
        )
        per_block = sums.view(len(blocks), programs, *shape[1:]).to(torch.float64)
        return _tree_sum(per_block).transpose(1, 2).cpu().numpy()


def _tree_sum(parts: torch.Tensor) -> torch.Tensor:
    """Sum over dimension 1, halves on halves: the same bits for any size of the other dimensions."""
    while parts.shape[1] > 1:
        half = parts.shape[1] // 2
        folded = parts[:, :half] + parts[:, half : 2 * half]
        parts = torch.cat([folded, parts[:, 2 * half :]], dim=1)
    return parts[:, 0]


def _centres(request: Request) -> np.ndarray:
    """What the sums are taken about: the statistics at v = E[v], float32 (statistic, setting, step)."""
    steps = np.arange(1, request.steps + 1)
    shift = np.array([s.law.shift for s in request.settings])[:, None]
    w2 = np.stack([bias_correction(steps, s.beta2) for s in request.settings])
    v = w2 * (1 + shift**2)
    centre = {
        "psi": v**-0.5,
        "log_psi": np.log(v),
        "inverse_v": 1 / v,
        "update": shift * bias_correction(steps, request.beta1) * v**-0.5,
    }
    return np.stack([centre[s.name] for s in request.statistics]).astype(np.float32)
