"""Reading what an optimiser is about to square into v_t, at sampled coordinates, without touching it.

A step pre-hook of the optimiser sees the gradients after accumulation, clipping and unscaling, as
the optimiser will use them. The model gets no hook at all: its modes, buffers, random streams and
pickling cannot be affected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import cycle
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from varlab.audit.statuses import EMPTY, NO_GRADIENT, OK, SPARSE, from_step
from varlab.core import InputError, require, whole
from varlab.tasks.task import torch_seed

ROWS = 32  # rows that are written in turn, so that a sink may copy many at once
Sink = Callable[[int, NDArray[Any]], None]


@dataclass(frozen=True)
class Layer:
    """One watched parameter: its sampled coordinates and their place in a recorded row."""

    name: str
    parameter: nn.Parameter
    indices: Tensor
    columns: slice


def choose_layers(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    select: str,
    coordinates: int,
    seed: int,
) -> tuple[tuple[Layer, ...], dict[str, str]]:
    """The parameters that match ``select``, with up to ``coordinates`` sampled coordinates each.

    Returns the watched layers and the status of every matching parameter; those that the optimiser
    does not update have status ``no-gradient``, those without elements ``empty``, and neither are
    watched. Tied weights appear once, under their first name.

    Raises
    ------
    InputError
        Nothing matches, or nothing that matches is optimised and has elements.
    """
    coordinates = whole("coordinates", coordinates, 1)
    for name, value, kind in (
        ("model", model, nn.Module),
        ("optimizer", optimizer, torch.optim.Optimizer),
    ):
        if not isinstance(value, kind):
            raise InputError(f"{name} must be a {kind.__name__}; got {type(value).__name__}")
    require(isinstance(select, str), "select", "be a glob over parameter names", select)
    named = {clean_name(name): p for name, p in model.named_parameters()}
    chosen = {name: p for name, p in named.items() if fnmatchcase(name, select)}
    if not chosen:
        some = ", ".join(list(named)[:4]) or "none"
        raise InputError(f"no parameter matches {select!r}; the model has {some}, ...")
    optimised = {id(p) for group in optimizer.param_groups for p in group["params"]}
    status = {}
    layers = []
    start = 0
    for name, parameter in chosen.items():
        if id(parameter) not in optimised or not parameter.requires_grad:
            status[name] = NO_GRADIENT
            continue
        if parameter.is_meta:
            raise InputError(f"{name} is on the meta device and has no values; give it some first")
        if parameter.numel() == 0:
            status[name] = EMPTY
            continue
        status[name] = OK
        # A stream by name: the coordinates of a layer do not depend on what else is selected.
        generator = torch.Generator().manual_seed(torch_seed(seed, "coordinates", name))
        order = torch.randperm(parameter.numel(), generator=generator)[:coordinates]
        indices = order.sort().values.to(parameter.device)
        layers.append(Layer(name, parameter, indices, slice(start, start + len(indices))))
        start += len(indices)
    if not layers and EMPTY in status.values():
        raise InputError(
            f"no parameter that matches {select!r} and is updated has elements; select more"
        )
    if not layers:
        raise InputError(
            f"no parameter that matches {select!r} is updated by the optimizer; pass the optimizer "
            "that trains the model"
        )
    return tuple(layers), status


def clean_name(name: str) -> str:
    """A parameter's name without the prefix that torch.compile adds."""
    return name.replace("_orig_mod.", "")


def coupled_decay(optimizer: torch.optim.Optimizer, group: Mapping[str, Any]) -> float:
    """The weight decay that the optimiser adds to the gradient: none where it is decoupled."""
    if isinstance(optimizer, torch.optim.AdamW) or group.get("decoupled_weight_decay", False):
        return 0
    return float(group.get("weight_decay", 0))


class GradientTap:
    """Calls ``sink(step, row)`` before every ``every``-th step of ``optimizer``.

    ``row`` is a float32 (or float64) array, valid until ``ROWS`` later ones: NaN where a
    parameter had no dense gradient. ``statuses`` says which layers lacked one, and from which step.
    """

    def __init__(
        self,
        layers: tuple[Layer, ...],
        statuses: Mapping[str, str],
        optimizer: torch.optim.Optimizer,
        sink: Sink | None = None,
        *,
        every: int = 1,
    ) -> None:
        self.layers, self.statuses, self.optimizer = layers, dict(statuses), optimizer
        self.sink, self.every = sink, whole("every", every, 1)
        self.step = 0
        wide = any(layer.parameter.dtype == torch.float64 for layer in layers)
        rows = torch.empty(
            ROWS, layers[-1].columns.stop, dtype=torch.float64 if wide else torch.float32
        )
        self.row_dtype = np.float64 if wide else np.float32
        # Views are made once: a row costs a call a layer.
        self._slots = cycle(
            [
                (
                    row.numpy(),
                    [
                        (layer, layer.parameter, layer.indices, row[layer.columns])
                        for layer in layers
                    ],
                )
                for row in rows
            ]
        )
        self._group = {id(p): group for group in optimizer.param_groups for p in group["params"]}
        self._handle = optimizer.register_step_pre_hook(self._before_step)

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

    def _record(self) -> None:
        # With a fused optimiser, GradScaler leaves the unscaling to step(): undo the scale here.
        scale = getattr(self.optimizer, "grad_scale", None)
        as_they_stand = scale is None
        for group in self.optimizer.param_groups:
            decays = group.get("weight_decay", 0) and coupled_decay(self.optimizer, group)
            if decays or group.get("maximize", False):
                as_they_stand = False
        row, places = next(self._slots)
        for layer, parameter, indices, target in places:
            if as_they_stand:
                # A small model takes half a millisecond a step: one call a layer. torch refuses
                # what this call cannot read (none, sparse, another device or dtype).
                try:
                    torch.take(parameter.grad, indices, out=target)  # type: ignore[arg-type]
                    continue
                except (RuntimeError, TypeError):
                    pass
            self._read(layer, target, scale)
        if self.sink is not None:
            self.sink(self.step, row)

    def _read(self, layer: Layer, target: Tensor, scale: Tensor | None) -> None:
        """One layer's entries of the row, whatever its gradient is."""
        gradient = layer.parameter.grad
        if gradient is None or gradient.layout != torch.strided:
            kind = NO_GRADIENT if gradient is None else SPARSE
            if self.statuses[layer.name] == OK:
                self.statuses[layer.name] = from_step(kind, self.step)
            target.fill_(float("nan"))
            return
        group = self._group[id(layer.parameter)]
        values = gradient.detach().reshape(-1)[layer.indices]
        if scale is not None:
            values = values / scale
        if group.get("maximize", False):
            values = -values
        if decay := coupled_decay(self.optimizer, group):
            values = values + decay * layer.parameter.detach().reshape(-1)[layer.indices]
        target.copy_(values)
