"""Data sets on a device: moved once, whoever asks for them."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor

Data = TypeVar("Data")


def on_device(data: Data, device: torch.device) -> Data:
    """A data set (a frozen dataclass with tensors) on ``device``; itself where it is there already."""
    moved: Data = _moved(data, device)
    return moved


@cache  # every replica of an audit asks for the same data
def _moved(data: Any, device: torch.device) -> Any:
    tensors = {
        f.name: value
        for f in fields(data)
        if isinstance(value := getattr(data, f.name), Tensor) and value.device != device
    }
    return replace(data, **{name: t.to(device) for name, t in tensors.items()}) if tensors else data
