"""``watch``: one line around the user's own training loop."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import nn

from varlab.audit.protocol import Protocol
from varlab.audit.recorder.recording import Recording
from varlab.audit.recorder.selection import choose_layers
from varlab.audit.recorder.statuses import faults
from varlab.audit.recorder.storage import RecordingWriter, load
from varlab.audit.recorder.tap import ROWS, GradientTap
from varlab.audit.recorder.weight_decay import convention, recorded_quantity
from varlab.core import InputError, real, whole
from varlab.core.samplers import UNKNOWN

DEFAULT_BETA2 = 0.999  # of Adam and of the paper, for optimisers that have no second-moment decay


class LiveRecording(Recording):
    """A recording that grows while training runs; a context manager.

    It can be read, saved and assessed at any time; :meth:`close` removes the hook from the
    optimiser.
    """

    def __init__(self, feed: _Feed) -> None:
        # The base is frozen: what changes lives in the feed.
        object.__setattr__(self, "_feed", feed)
        self._feed: _Feed

    @property
    def dataset(self) -> xr.Dataset:
        """What was recorded so far; see :class:`Recording`."""
        return self._feed.dataset()

    def close(self) -> None:
        """Stop recording; idempotent."""
        self._feed.close(complete=True)

    def __enter__(self) -> LiveRecording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After an error the data are kept but not called complete.
        self._feed.close(complete=kind is None)


class _Feed:
    """Rows from the tap, into memory or into a store, and back as a dataset."""

    def __init__(self, tap: GradientTap, meta: dict[str, Any], path: Path | None) -> None:
        self.tap, self.meta = tap, meta
        self.layers = [layer.name for layer in tap.layers for _ in layer.indices]
        self.blocks: list[NDArray[Any]] = []
        self.fresh: list[NDArray[Any]] = []  # the tap's own rows, which it will write to again
        self.steps: list[int] = []
        self.writer: RecordingWriter | None = None
        self.closed = self.complete = False
        self.noted, self.skipped = dict(tap.statuses), tap.skipped
        if path is not None:
            self.writer = RecordingWriter(
                path,
                replicas=1,
                layers=self.layers,
                statuses=faults(tap.statuses),
                protocol=Protocol.RUN.value,
                dtype=tap.row_dtype,
                attrs={"skipped_steps": 0},
                **meta,
            )
        self.path = path

    def take(self, step: int, row: NDArray[Any]) -> None:
        if self.writer is not None:
            self._note()
            self.writer.write(step, row, replica=0)
        else:
            self.fresh.append(row)
            self.steps.append(step)
            if len(self.fresh) == ROWS:
                self._settle()

    def _note(self) -> None:
        """What is wrong with layers or steps: on disk before the rows that it explains."""
        if self.writer is None:
            return
        if self.tap.statuses != self.noted:
            self.writer.set_statuses(self.tap.statuses)
            self.noted = dict(self.tap.statuses)
        if self.tap.skipped != self.skipped:
            self.writer.set_attrs(skipped_steps=self.tap.skipped)
            self.skipped = self.tap.skipped

    def _settle(self) -> None:
        """Copy what the tap will overwrite."""
        if self.fresh:
            self.blocks.append(np.stack(self.fresh))
            self.fresh.clear()

    def dataset(self) -> xr.Dataset:
        if self.writer is not None and self.path is not None:
            if not self.closed:
                self._note()
                self.writer.flush()
            return load(self.path).dataset
        self._settle()
        if not self.blocks:
            raise InputError("nothing recorded yet: the optimizer has made no step since watch()")
        return Recording.from_arrays(
            np.concatenate(self.blocks)[None],
            self.layers,
            steps=self.steps,
            protocol=Protocol.RUN.value,
            statuses=faults(self.tap.statuses),
            complete=self.complete,
            skipped_steps=self.tap.skipped,
            **self.meta,
        ).dataset

    def close(self, complete: bool) -> None:
        if self.closed:
            return
        self.closed, self.complete = True, complete
        self.tap.close()
        if self.writer is None:
            return
        if complete:
            self._note()
            self.writer.close()
        else:
            with suppress(InputError):  # the error that brought us here says more
                self._note()
            self.writer.leave()


def watch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    select: str = "*",
    coordinates: int = 64,
    every: int = 1,
    seed: int = 0,
    beta2: float | None = None,
    path: str | Path | None = None,
    task: str | None = None,
    sampler: str = UNKNOWN,
    weight_decay: str | None = None,
) -> LiveRecording:
    """Record the gradients that ``optimizer`` squares into v_t, at sampled coordinates.

    Training is not changed in any bit: nothing is attached to the model, only gradients are read.
    Memory and disk: (steps / every) x selected coordinates x 4 bytes (8 for float64 models).
    Parameters that are not updated yet are NaN until they are; real and imaginary parts of complex
    ones are coordinates of their own. Steps that a fused optimizer skips because a GradScaler found
    an overflow are counted in ``attrs["skipped_steps"]`` and not recorded, as v_t does not see them.
    Step hooks that change gradients are seen if they were registered before.

    Parameters
    ----------
    model : torch.nn.Module
    optimizer : torch.optim.Optimizer
        Any; its step() triggers the recording.
    select : str
        Glob over parameter names, e.g. ``"blocks.*.weight"``; a tied weight has several, and goes
        by the first.
    coordinates : int
        Sampled per parameter (all of a smaller one), by ``seed`` and name.
    every : int
        Record every so many steps.
    beta2 : float, optional
        Decay of the second moment; read from the optimizer when None (0.999 where it has none).
    path : path, optional
        Zarr store that is appended to as training goes, readable after a kill; memory otherwise.
    task, sampler : str
        Recorded in the report.
    weight_decay : {"coupled", "decoupled"}, optional
        Whether the optimizer adds weight_decay * parameter to the gradient that it squares. None:
        as known of the optimizers of torch and varlab; of another class the gradient is recorded
        without, and the recording says so.

    Raises
    ------
    InputError
        An empty selection, an optimizer of another model, or a path that exists or is not writable.
        Later, from the optimizer's step(), when the disk is full: what was recorded stays readable.
    """
    layers, statuses = choose_layers(
        model, optimizer, select=select, coordinates=coordinates, seed=seed, later=True
    )
    meta = {
        "beta2": second_moment_decay(optimizer) if beta2 is None else beta2,
        "sampler": sampler,
        "quantity": recorded_quantity(optimizer, convention(optimizer, weight_decay)),
        "task": task or type(model).__name__,
        "seed": whole("seed", seed, 0),
    }
    meta["beta2"] = real("beta2", meta["beta2"], "lie in [0, 1)", lambda b: 0 <= b < 1)
    tap = GradientTap(layers, statuses, optimizer, every=every, weight_decay=weight_decay)
    try:
        feed = _Feed(tap, meta, None if path is None else Path(path))
    except InputError:
        tap.close()
        raise
    tap.sink = feed.take
    return LiveRecording(feed)


def second_moment_decay(optimizer: torch.optim.Optimizer) -> float:
    """beta2 of Adam's family, alpha of RMSprop, else 0.999."""
    group = optimizer.param_groups[0]
    if "betas" in group:
        return float(group["betas"][1])
    return float(group.get("alpha", DEFAULT_BETA2))
