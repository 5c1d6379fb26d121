"""What a recorder can say of a layer: its words, the step they begin at, and how replicas agree on one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from varlab.core import InputError

OK, NO_GRADIENT, SPARSE, EMPTY = "ok", "no-gradient", "sparse", "empty"
LATE = "late"  # first updated after recording began
KINDS = (OK, NO_GRADIENT, SPARSE, EMPTY, LATE)
_FORM = re.compile(rf"({'|'.join(KINDS)})(?:\(step ([0-9]+)\))?")


def from_step(kind: str, step: int) -> str:
    """``sparse(step 3)``: what is wrong, and since when; step 0 is "from the start", and not written."""
    return f"{kind}(step {step})" if step else kind


def faults(statuses: Mapping[str, str]) -> dict[str, str]:
    """The layers with a status other than ok."""
    return {layer: status for layer, status in statuses.items() if status != OK}


def merge(known: Mapping[str, str], seen: Mapping[str, str]) -> dict[str, str]:
    """Of each layer the earliest fault, whichever replica was asked first."""
    merged = dict(known)
    for layer, status in seen.items():
        before = merged.get(layer, OK)
        merged[layer] = min(before, status, key=_rank)
    return merged


def to_numbers(statuses: Mapping[str, str], layers: Sequence[str]) -> NDArray[np.float64]:
    """Shape (2, layer), raveled: kind and step, for ranks that exchange numbers alone.

    Raises
    ------
    InputError
        A status of another form, or of a layer that is not among ``layers``.
    """
    for layer in statuses:
        if layer not in layers:
            raise InputError(f"replicas must have the same layers; {layer} is not in all of them")
    pairs = [_parsed(statuses.get(layer, OK)) for layer in layers]
    return np.array([*(kind for kind, _ in pairs), *(step for _, step in pairs)], dtype=np.float64)


def from_numbers(numbers: NDArray[np.float64], layers: Sequence[str]) -> dict[str, str]:
    """The faults that :func:`to_numbers` wrote."""
    kinds, steps = numbers.astype(int).reshape(2, len(layers))
    found = zip(layers, kinds, steps, strict=True)
    return faults({layer: from_step(KINDS[kind], step) for layer, kind, step in found})


def _parsed(status: str) -> tuple[int, int]:
    form = _FORM.fullmatch(status)
    if form is None:
        raise InputError(f"a status is one of {', '.join(KINDS)}, with a step; got {status!r}")
    return KINDS.index(form[1]), int(form[2] or 0)


def _rank(status: str) -> tuple[bool, int, int]:
    kind, step = _parsed(status)
    return status == OK, step, kind
