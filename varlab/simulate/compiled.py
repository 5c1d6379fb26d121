"""The compiled engine: one block of trajectories on a core, each tile swept once by a numba kernel.

The normals are those of :class:`varlab.simulate.eager.EagerEngine`, drawn and shaped by torch; what comes
after costs a tenth of the draw where the eager engine makes a dozen passes. Each setting squares its own
gradients, so nothing cancels and nothing is shared but the path.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import torch

from varlab.simulate.blocks import Block
from varlab.simulate.eager import few_gradients
from varlab.simulate.moments import Moments
from varlab.simulate.noise import Noise
from varlab.simulate.plan import Group, Plan
from varlab.simulate.request import Request
from varlab.simulate.workspaces import WorkspaceEngine

# Gradients times settings: with fewer the eager engine is done in the time that numba takes to load.
WORTHWHILE = 10**8


def obstacle() -> str | None:
    """Why the compiled engine cannot be used; None when it can. Imports numba."""
    if find_spec("numba") is None:
        return "numba is not installed (pip install 'varlab[fast]')"
    try:
        import numba  # noqa: F401
    except ImportError as error:  # such as a NumPy too new for it
        return f"numba cannot be imported ({error})"
    return None


def worthwhile(request: Request) -> bool:
    """Whether a request is large enough to load numba for it: decided by the request alone."""
    return len(request.settings) * request.steps * request.trajectories >= WORTHWHILE


class CompiledEngine(WorkspaceEngine):
    """Moments of blocks, as :class:`varlab.simulate.eager.EagerEngine` gives them, on the CPU.

    The two differ by rounding alone: this one's is smaller, as float32 sums run over no more than 1024
    trajectories and are taken about a robust centre. A trajectory whose average overflows is lost from
    the next step on (infinity less infinity), and with it the moments of these steps, as there.
    """

    name = "compiled"

    def workspace(self) -> _Workspace:
        """Buffers for one thread."""
        return _Workspace(self.plan)


class _Workspace:
    """The buffers of one thread: all blocks of a run have the same width."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        # psi is summed in any case: where it was not asked for, at a place of its own behind the others
        self.names = plan.names if "psi" in plan.names else (*plan.names, "psi")
        self.groups = [_GroupState(plan, group, self.names) for group in plan.groups]
        width = plan.request.partition.width
        largest = max(len(group.members) for group in plan.groups)
        self.kept = torch.empty(
            largest if "log_psi" in self.names else 0, plan.rows, width, dtype=plan.dtype
        )

    def run(self, block: Block) -> Moments:
        """Moments of one block."""
        plan = self.plan
        for state in self.groups:
            state.reset()
        noise = Noise(plan.request.seed, block, plan.rows, plan.dtype)
        paths = [unit.unit_path(noise) for unit in plan.paths]
        for tile in range(plan.tiles):
            noise.advance()
            tiles = [path(tile * plan.rows).contiguous() for path in paths]
            for state in self.groups:
                state.add(tiles[state.group.path], block.size, tile, self.kept)
        return self._collect(block)

    def _collect(self, block: Block) -> Moments:
        """Sums of all tiles as central moments."""
        plan, asked = self.plan, len(self.plan.names)
        rows, tiles = plan.rows, plan.tiles
        table = np.empty((5, asked, len(plan.request.settings), tiles * rows))
        for state in self.groups:
            # (tile, member, place, row, power) -> (power, place, member, tile and row)
            ordered = state.entries[:, :, :asked].transpose(4, 2, 1, 0, 3)
            shape = (5, asked, len(state.group.members), tiles * rows)
            table[:, :, list(state.group.members)] = ordered.reshape(shape)
        table = table[..., : plan.request.steps]
        return Moments.from_shifted_sums(block.size, table[0], table[1:])


class _GroupState:
    """Averages and sums of the settings of one group."""

    def __init__(self, plan: Plan, group: Group, names: tuple[str, ...]) -> None:
        self.plan, self.group = plan, group
        places = {name: number for number, name in enumerate(names)}
        self.psi, self.inverse_v, self.update, self.log_psi = (
            places.get(name, -1) for name in ("psi", "inverse_v", "update", "log_psi")
        )
        members, width = len(group.members), plan.request.partition.width
        self.v = self._empty(members, width)
        self.m = self._empty(members if self.update >= 0 else 0, width)
        self.entries = np.empty((plan.tiles, members, len(names), plan.rows, 5))
        number = self.v.dtype.type
        self.shifts = np.array(group.shifts, number)
        self.weights = [
            number(weight)
            for beta in (group.beta2, plan.request.beta1)
            for weight in (beta, 1 - beta)
        ]

    def reset(self) -> None:
        """Averages of no gradients."""
        self.v[:] = 0
        self.m[:] = 0

    def add(self, x: torch.Tensor, size: int, tile: int, kept: torch.Tensor) -> None:
        """Sums of a tile ``x`` of the group's path, the first ``size`` columns; uses up ``kept``."""
        from varlab.simulate.compiled_kernel import tile_sums, value_sums

        few = few_gradients(tile * self.plan.rows, self.group.beta2)
        kept = kept[: len(self.group.members)]
        tile_sums(
            x.numpy(),
            size,
            self.shifts,
            *self.weights,
            self.v.dtype.type(self.group.floor if few else 0.0),
            self.v,
            self.m,
            kept.numpy(),
            self.psi,
            self.inverse_v,
            self.update,
            self.entries[tile],
        )
        if self.log_psi >= 0:
            # torch's logarithm is vectorised, the compiler's is not
            kept[..., :size].log_()
            value_sums(kept.numpy(), size, self.log_psi, self.entries[tile])

    def _empty(self, *shape: int) -> np.ndarray:
        # torch aligns to cache lines
        return torch.empty(*shape, dtype=self.plan.dtype).numpy()
