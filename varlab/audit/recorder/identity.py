"""What makes two recordings the same run: the request as JSON, and the first thing that differs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

SHOWN = 60
SAME = ("layers", "beta2", "protocol", "sampler", "quantity", "task", "seed")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def factory_text(factory: Any) -> dict[str, Any]:
    """Name and options of a task factory: of a ``functools.partial`` its arguments as text, sorted.

    What a closure or an edited source file changes is not seen.
    """
    options: dict[str, str] = {}
    while isinstance(factory, partial):
        own = {f"argument {i}": value for i, value in enumerate(factory.args)}
        inner = {name: _text(value) for name, value in {**own, **factory.keywords}.items()}
        options = {**inner, **options}
        factory = factory.func
    return {
        "factory": getattr(factory, "__qualname__", None) or _text(factory),
        "options": dict(sorted(options.items())),
    }


def identity(attrs: Mapping[str, Any], replicas: int, arrays: Any) -> dict[str, Any]:
    """What a store and its continuation share: of their attributes and label arrays."""
    return {
        "replicas": replicas,
        "request": attrs.get("request", {}),
        "steps": attrs.get("steps_planned"),
        **{name: attrs.get(name) for name in SAME},
        "inits": np.asarray(arrays["init"]).tolist(),
        "orders": np.asarray(arrays["order"]).tolist(),
        "layer of each coordinate": np.asarray(arrays["layer_index"]).tolist(),
    }


def allow_more(stored: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """``stored`` as if it had been planned with more steps, where more are asked for."""
    there, here = stored["steps"], asked["steps"]
    longer = there is not None and here is not None and here > there
    return {**stored, "steps": here if longer else there}


def first_difference(stored: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """``after is 0 there, 30 here``, or an empty text; nested mappings are compared inside."""
    for name in dict.fromkeys([*asked, *stored]):
        there, here = stored.get(name), asked.get(name)
        if there == here:
            continue
        if isinstance(there, Mapping) and isinstance(here, Mapping):
            return first_difference(there, here)
        return f"{name} is {_shown(there)} there, {_shown(here)} here"
    return ""


def _text(value: Any) -> str:
    """One line that the next process writes alike: without addresses."""
    return _ADDRESS.sub("", " ".join(repr(value).split()))


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
