"""Reading what an optimiser is about to square into v_t, at sampled coordinates, without touching it.

A step pre-hook of the optimiser sees the gradients after accumulation, clipping and unscaling, as
the optimiser will use them. The model gets no hook at all: its modes, buffers, random streams and
pickling cannot be affected.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from varlab.audit.recorder.selection import Layer, flat, numpy_dtype, optimised_ids, row_dtype
from varlab.audit.recorder.statuses import LATE, NO_GRADIENT, OK, SPARSE, from_step
from varlab.audit.recorder.weight_decay import convention, coupled_decay
from varlab.core import whole

ROWS = 32  # rows that are written in turn, so that a sink may copy many at once
Sink = Callable[[int, NDArray[Any]], None]
# A layer, its parts at hand, its piece of a row, and whether torch.take may write there.
Place = tuple[Layer, nn.Parameter, Tensor, Tensor, bool]


class GradientTap:
    """Calls ``sink(step, row)`` before every ``every``-th step of ``optimizer``.

    ``row`` is a float32 (or float64) array, valid until ``ROWS`` later ones: NaN where a
    parameter had no dense gradient. ``statuses`` says which layers lacked one, and from which step.
    ``skipped`` counts the steps that a fused optimiser skips because GradScaler found an overflow:
    they have neither number nor row, as v_t does not see them.
    """

    def __init__(
        self,
        layers: tuple[Layer, ...],
        statuses: Mapping[str, str],
        optimizer: torch.optim.Optimizer,
        sink: Sink | None = None,
        *,
        every: int = 1,
        weight_decay: str | None = None,
    ) -> None:
        self.layers, self.statuses, self.optimizer = layers, dict(statuses), optimizer
        self.sink, self.every = sink, whole("every", every, 1)
        self.convention = convention(optimizer, weight_decay)
        self.step = self.skipped = 0
        self.row_dtype = numpy_dtype(row_dtype(layers))
        # Views are made once: a row costs a call a layer.
        nothing = np.full((ROWS, layers[-1].columns.stop), np.nan, dtype=self.row_dtype)
        self._rows: list[tuple[NDArray[Any], list[Place]]] = [(row, []) for row in nothing]
        self._slots = cycle(self._rows)
        # Not updated yet: asked at every step, NaN until then.
        self._waiting = [layer for layer in layers if self.statuses[layer.name] == NO_GRADIENT]
        self._watch([layer for layer in layers if self.statuses[layer.name] != NO_GRADIENT])
        self._warned = False
        self._handle = optimizer.register_step_pre_hook(self._before_step)

    def _watch(self, layers: Sequence[Layer]) -> None:
        """Give ``layers`` their places in the rows."""
        dtype = row_dtype(self.layers)
        for layer in layers:
            parameter = layer.parameter
            simple = parameter.dtype == dtype and parameter.device.type == "cpu"
            for row, places in self._rows:
                target = torch.from_numpy(row[layer.columns])
                places.append((layer, parameter, layer.indices, target, simple))

    def close(self) -> None:
        """Remove the hook; idempotent."""
        self._handle.remove()

    def record_now(self) -> None:
        """Hand over the gradients as they stand, without a step of the optimiser."""
        self.step += 1
        self._record()

    def _before_step(
        self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        if next(reversed(optimizer._optimizer_step_pre_hooks)) != self._handle.id:
            self._warn_of_later_hooks()
        found_inf = getattr(optimizer, "found_inf", None)
        if isinstance(found_inf, Tensor) and found_inf.any():
            self.skipped += 1
            return None
        self.step += 1
        if (self.step - 1) % self.every:
            return None
        # torch hands over step()'s arguments with the optimizer itself in front.
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        if closure is None:
            self._record()
            return None
        return self._with_recording(closure, args, kwargs)

    def _with_recording(
        self, closure: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Gradients appear only inside the closure: record after its first evaluation."""
        pending = [True]

        def recorded() -> Any:
            loss = closure()
            if pending.pop() if pending else False:
                self._record()
            return loss

        if "closure" in kwargs:
            return args, {**kwargs, "closure": recorded}
        return (args[0], recorded, *args[2:]), kwargs

    def _warn_of_later_hooks(self) -> None:
        """Hooks run in the order of registration: what later ones do to gradients goes unseen."""
        hooks = self.optimizer._optimizer_step_pre_hooks
        after = list(hooks)[list(hooks).index(self._handle.id) + 1 :]
        others = [i for i in after if not isinstance(_owner(hooks[i]), GradientTap)]
        if others and not self._warned:
            self._warned = True
            warnings.warn(
                "a step hook was registered after watch(): what it does to gradients is not "
                "recorded; register it before watch()",
                stacklevel=2,
            )

    def _record(self) -> None:
        if self._waiting:
            self._admit()
        # With a fused optimiser, GradScaler leaves the unscaling to step(): undo the scale here.
        scale = getattr(self.optimizer, "grad_scale", None)
        as_they_stand = scale is None
        for group in self.optimizer.param_groups:
            decays = group.get("weight_decay", 0) and coupled_decay(group, self.convention)
            if decays or group.get("maximize", False):
                as_they_stand = False
        groups: dict[int, Mapping[str, Any]] = {}
        row, places = next(self._slots)
        for layer, parameter, indices, target, simple in places:
            if as_they_stand and simple:
                # A small model takes half a millisecond a step: one call a layer. torch refuses
                # what this call cannot read (none, sparse, another device or dtype).
                try:
                    torch.take(parameter.grad, indices, out=target)  # type: ignore[arg-type]
                    continue
                except (RuntimeError, TypeError):
                    pass
            if not groups:  # anew: load_state_dict replaces them
                groups = {id(p): g for g in self.optimizer.param_groups for p in g["params"]}
            self._read(layer, target, scale, groups)
        if self.sink is not None:
            self.sink(self.step, row)

    def _admit(self) -> None:
        """Watch layers from the step on at which the optimiser first updates them."""
        ready = [
            layer
            for layer in self._waiting
            if layer.parameter.requires_grad and layer.parameter.grad is not None
        ]
        optimised = optimised_ids(self.optimizer) if ready else set()
        ready = [layer for layer in ready if id(layer.parameter) in optimised]
        for layer in ready:
            self.statuses[layer.name] = OK if self.step == 1 else from_step(LATE, self.step)
        self._waiting = [
            layer for layer in self._waiting if self.statuses[layer.name] == NO_GRADIENT
        ]
        self._watch(ready)

    def _read(
        self,
        layer: Layer,
        target: Tensor,
        scale: Tensor | None,
        groups: Mapping[int, Mapping[str, Any]],
    ) -> None:
        """One layer's entries of the row, whatever its gradient is."""
        gradient = layer.parameter.grad
        if gradient is None or gradient.layout != torch.strided:
            kind = NO_GRADIENT if gradient is None else SPARSE
            if self.statuses[layer.name] == OK:
                self.statuses[layer.name] = from_step(kind, self.step)
            target.fill_(torch.nan)
            return
        group = groups.get(id(layer.parameter), {})
        values = flat(gradient.detach())[layer.indices]
        if scale is not None:
            values = values / scale
        if group.get("maximize", False):
            values = -values
        if decay := coupled_decay(group, self.convention):
            values = values + decay * flat(layer.parameter.detach())[layer.indices]
        target.copy_(values)


def _owner(hook: Callable[..., Any]) -> Any:
    """What a bound method is bound to."""
    return getattr(hook, "__self__", None)
