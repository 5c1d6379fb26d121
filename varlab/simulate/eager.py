"""The eager engine: one block of trajectories in torch, tile by tile, nothing larger than a tile kept.

Per tile: draw, average, and reduce each statistic to four row sums about its first trajectory. For
g = mu + sigma x all settings of a path share the averages of x and x^2, because
v = avg(x^2) + 2 mu avg(x) + mu^2 (1 - b2^t) in units of sigma. Averages stay without their bias
correction: it depends on t alone and is applied to the moments, in float64.
"""

from __future__ import annotations

import numpy as np
import torch

from varlab.numerics.weights import bias_correction
from varlab.simulate.blocks import Block
from varlab.simulate.moments import Moments
from varlab.simulate.noise import Noise
from varlab.simulate.plan import Group, Plan
from varlab.simulate.workspaces import WorkspaceEngine

# The shared averages cancel where v is much smaller than mu^2: possible while few gradients weigh in,
# that is early, or at any step below this beta2. There each setting squares its own gradients.
DIRECT_BELOW = 0.9
DIRECT_STEPS = 16


def few_gradients(made: int, beta2: float) -> bool:
    """Whether few gradients weigh in the averages of the tile that begins after ``made`` steps."""
    return made < DIRECT_STEPS or beta2 < DIRECT_BELOW


class EagerEngine(WorkspaceEngine):
    """Moments of blocks by torch operations; callable from several threads at once.

    ``engine(blocks)`` gives, per block, the moments of every statistic over its trajectories:
    ``values`` of shape (4, statistic, setting, step), in units of sigma and without bias corrections
    (:func:`varlab.simulate.corrections.corrected` applies both).
    """

    name = "eager"

    def workspace(self) -> _Workspace:
        """Buffers for one thread."""
        return _Workspace(self.plan)


class _Workspace:
    """The buffers of one thread: all blocks of a run have the same width."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        rows, width, paths = plan.rows, plan.request.partition.width, len(plan.paths)
        self.width = width
        self.asks_update = "update" in plan.names
        self.keeps_x = self.asks_update or any(not group.plain for group in plan.groups)
        # channels: the squares of all paths, then the paths themselves
        self.channels = self._empty(rows, 2 * paths if self.keeps_x else paths, width)
        self.averages = {
            b: self._empty(rows, 2 * paths if plan.shifted(b) else paths, width) for b in plan.betas
        }
        self.momenta = self._empty(rows, paths, width) if self.asks_update else None
        # (averages, values averaged, beta), row by row: views are made once
        self.recursions = [
            (average.unbind(), self.channels[:, : average.shape[1]].unbind(), beta2)
            for beta2, average in self.averages.items()
        ]
        if self.momenta is not None:
            values = self.channels[:, paths:].unbind()
            self.recursions.append((self.momenta.unbind(), values, plan.request.beta1))
        moved = [group for group in plan.groups if not group.plain]
        self.own = {group: self._empty(len(group.members), width) for group in moved}
        # what mu contributes to the averages so far, per tile of shape (row, member, 1)
        self.shifts = {group: self._tensor(np.array(group.shifts)[:, None]) for group in moved}
        self.gathered = {g: self._gathered(g, g.beta2, power=2) for g in moved}
        self.gathered_mean = {g: self._gathered(g, plan.request.beta1, power=1) for g in moved}
        largest = max(len(group.members) for group in plan.groups)
        self.buffers = [self._empty(rows * largest * width) for _ in range(4)]
        self.ones = self._empty(width).fill_(1.0)
        self.size = width
        self.sums = {
            group: self._empty(plan.tiles, len(plan.names), 5, rows * len(group.members))
            for group in plan.groups
        }

    def run(self, block: Block) -> Moments:
        """Moments of one block."""
        plan, paths = self.plan, len(self.plan.paths)
        self.size = block.size
        for averages, _, _ in self.recursions:
            averages[-1].zero_()
        for own in self.own.values():
            own.zero_()
        noise = Noise(plan.request.seed, block, plan.rows, plan.dtype, plan.device)
        tiles = [unit.unit_path(noise) for unit in plan.paths]
        for tile in range(plan.tiles):
            made = tile * plan.rows
            noise.advance()
            for number, path in enumerate(tiles):
                x = path(made)
                torch.mul(x, x, out=self.channels[:, number])
                if self.keeps_x:
                    self.channels[:, paths + number] = x
            for averages, values, beta in self.recursions:
                last = averages[-1]
                for row, value in zip(averages, values, strict=True):
                    torch.lerp(last, value, 1 - beta, out=row)
                    last = row
            for group in plan.groups:
                self._reduce(group, self._second_moment(group, made), tile)
        return self._collect(block)

    def _second_moment(self, group: Group, made: int) -> torch.Tensor:
        """Biased second moment v of a group's settings over a tile, shape (row, member, trajectory)."""
        plan, paths = self.plan, len(self.plan.paths)
        averages = self.averages[group.beta2]
        direct = few_gradients(made, group.beta2)
        if group.plain:
            v = averages[:, group.path : group.path + 1]
            return v.clamp_min(group.floor) if direct else v
        v = self._stack(3, len(group.members))
        if direct:
            torch.add(self.channels[:, paths + group.path, None], self.shifts[group], out=v)
            v.mul_(v)
            last = self.own[group]
            for row in v:
                last.lerp_(row, 1 - group.beta2)
                row.copy_(last)
            return v.clamp_min_(group.floor)
        shared, square = averages[:, paths + group.path, None], averages[:, group.path, None]
        torch.addcmul(square, shared, self.shifts[group], value=2, out=v)
        return v.add_(self.gathered[group][made // plan.rows])

    def _reduce(self, group: Group, v: torch.Tensor, tile: int) -> None:
        """Row sums of every statistic of the stack ``v``."""
        names, sums, size = self.plan.names, self.sums[group][tile], v.shape[1]
        value = self._stack(0, size)
        # averages carry over to the next tile; an assembled stack may be used up
        psi = self._stack(1, size) if group.plain else v
        if "log_psi" in names:
            torch.log(v, out=value)
            self._row_sums(value, sums[names.index("log_psi")])
        if "inverse_v" in names:
            torch.reciprocal(v, out=value)
            self._row_sums(value, sums[names.index("inverse_v")])
        if "psi" in names or self.momenta is not None:
            torch.rsqrt(v, out=psi)
        if self.momenta is not None:
            momentum = self.momenta[:, group.path, None]
            if group.plain:
                torch.mul(momentum, psi, out=value)
            else:
                torch.add(momentum, self.gathered_mean[group][tile], out=value)
                value.mul_(psi)
            self._row_sums(value, sums[names.index("update")])
        if "psi" in names:
            self._row_sums(psi, sums[names.index("psi")])

    def _gathered(self, group: Group, beta: float, power: int) -> torch.Tensor:
        """Powers of mu times 1 - beta^t, shape (tile, row, member, 1)."""
        steps = np.arange(1, self.plan.tiles * self.plan.rows + 1)
        weight = bias_correction(steps, beta).reshape(self.plan.tiles, self.plan.rows, 1)
        return self._tensor((weight * np.array(group.shifts) ** power)[..., None])

    def _row_sums(self, x: torch.Tensor, out: torch.Tensor) -> None:
        """First entry c of each row of ``x``, sums of (x - c)^k, k = 1..3, root of the sum for k = 4.

        ``x`` is used up.
        """
        shift, s1, s2, s3, root4 = out
        d = x.view(-1, self.width)
        d2 = self._stack(2, x.shape[1]).view(-1, self.width)
        shift.copy_(d[:, 0])
        d.sub_(shift[:, None])
        if self.size < self.width:
            d[:, self.size :] = 0.0  # padding columns count for nothing
        # a product with ones is the fastest row sum, a norm the fastest sum of squares
        torch.mv(d, self.ones, out=s1)
        torch.mul(d, d, out=d2)
        torch.mv(d2, self.ones, out=s2)
        d.mul_(d2)
        torch.mv(d, self.ones, out=s3)
        torch.linalg.vector_norm(d2, dim=1, out=root4)

    def _collect(self, block: Block) -> Moments:
        """Sums of all tiles, in float64, as central moments."""
        plan = self.plan
        rows, tiles, statistics = plan.rows, plan.tiles, len(plan.names)
        table = np.empty((5, statistics, len(plan.request.settings), tiles * rows))
        for group, sums in self.sums.items():
            size = len(group.members)
            parts = sums.cpu().to(torch.float64).numpy().reshape(tiles, statistics, 5, rows, size)
            # (tile, statistic, power, row, member) -> (power, statistic, member, tile and row)
            ordered = parts.transpose(2, 1, 4, 0, 3).reshape(5, statistics, size, tiles * rows)
            table[:, :, list(group.members)] = ordered
        table[4] **= 2
        table = table[..., : plan.request.steps]
        return Moments.from_shifted_sums(block.size, table[0], table[1:])

    def _stack(self, number: int, members: int) -> torch.Tensor:
        """Work buffer ``number`` as a contiguous stack, shape (row, member, trajectory)."""
        rows, width = self.plan.rows, self.width
        return self.buffers[number][: rows * members * width].view(rows, members, width)

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(self.plan.device, self.plan.dtype)

    def _empty(self, *shape: int) -> torch.Tensor:
        return torch.empty(*shape, dtype=self.plan.dtype, device=self.plan.device)
