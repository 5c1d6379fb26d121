"""Which parameters are watched, and at which of their coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from varlab.audit.recorder.statuses import EMPTY, NO_GRADIENT, OK
from varlab.core import InputError, require, whole
from varlab.tasks.task import torch_seed


@dataclass(frozen=True)
class Layer:
    """One watched parameter: its sampled coordinates and their place in a recorded row."""

    name: str
    parameter: nn.Parameter
    indices: Tensor  # into :func:`flat`
    columns: slice


def choose_layers(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    select: str,
    coordinates: int,
    seed: int,
    later: bool = False,
) -> tuple[tuple[Layer, ...], dict[str, str]]:
    """The parameters that match ``select``, with up to ``coordinates`` sampled coordinates each.

    Returns the layers to watch and the status of every matching parameter. Those that the optimiser
    does not update have status ``no-gradient`` and are layers only if they may be updated ``later``;
    those without elements have ``empty`` and are none. Tied weights appear once, under their first
    name, whichever of their names matches.

    Raises
    ------
    InputError
        Nothing matches, or nothing that matches is optimised and has elements.
    """
    coordinates = whole("coordinates", coordinates, 1)
    for what, value, kind in (
        ("model", model, nn.Module),
        ("optimizer", optimizer, torch.optim.Optimizer),
    ):
        if not isinstance(value, kind):
            raise InputError(f"{what} must be a {kind.__name__}; got {type(value).__name__}")
    require(isinstance(select, str), "select", "be a glob over parameter names", select)
    optimised = optimised_ids(optimizer)
    status = {}
    layers = []
    start = 0
    for name, parameter in _matching(model, select).items():
        status[name] = OK
        if id(parameter) not in optimised or not parameter.requires_grad:
            status[name] = NO_GRADIENT
            if not later or parameter.is_meta or is_lazy(parameter):
                continue
        elif is_lazy(parameter):
            raise InputError(f"{name} has no shape yet; run the model once on a batch first")
        elif parameter.is_meta:
            raise InputError(f"{name} is on the meta device and has no values; give it some first")
        size = flat(parameter.detach()).numel()
        if size == 0:
            status[name] = EMPTY
            continue
        # A stream by name: the coordinates of a layer do not depend on what else is selected.
        generator = torch.Generator().manual_seed(torch_seed(seed, "coordinates", name))
        order = torch.randperm(size, generator=generator)[:coordinates]
        indices = order.sort().values.to(parameter.device)
        layers.append(Layer(name, parameter, indices, slice(start, start + len(indices))))
        start += len(indices)
    if OK not in status.values() and EMPTY in status.values():
        raise InputError(
            f"no parameter that matches {select!r} and is updated has elements; select more"
        )
    if OK not in status.values():
        raise InputError(
            f"no parameter that matches {select!r} is updated by the optimizer; pass the optimizer "
            "that trains the model"
        )
    return tuple(layers), status


def _matching(model: nn.Module, select: str) -> dict[str, nn.Parameter]:
    """Parameters of which a name matches, by their first names."""
    names: dict[int, list[str]] = {}
    parameters = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(clean_name(name))
        parameters[id(parameter)] = parameter
    chosen = {
        aliases[0]: parameters[key]
        for key, aliases in names.items()
        if any(fnmatchcase(alias, select) for alias in aliases)
    }
    if not chosen:
        some = ", ".join([aliases[0] for aliases in names.values()][:4]) or "none"
        raise InputError(f"no parameter matches {select!r}; the model has {some}, ...")
    return chosen


def optimised_ids(optimizer: torch.optim.Optimizer) -> set[int]:
    """Which parameters the optimiser updates, by ``id``."""
    return {id(p) for group in optimizer.param_groups for p in group["params"]}


def flat(values: Tensor) -> Tensor:
    """Real numbers in one row; of complex ones both parts, which optimisers square one by one."""
    if values.is_complex():
        values = torch.view_as_real(values.resolve_conj())
    return values.reshape(-1)


def row_dtype(layers: Sequence[Layer]) -> torch.dtype:
    """float64 where a layer is, else float32."""
    wide = any(layer.parameter.dtype in (torch.float64, torch.complex128) for layer in layers)
    return torch.float64 if wide else torch.float32


def numpy_dtype(dtype: torch.dtype) -> np.dtype[Any]:
    """The same type for NumPy."""
    return np.dtype(str(dtype).removeprefix("torch."))


def clean_name(name: str) -> str:
    """A parameter's name without the prefix that torch.compile adds."""
    return name.replace("_orig_mod.", "")
