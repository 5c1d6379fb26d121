"""Which engine computes a request: the one asked for, or the fastest that can."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from varlab.core import InputError, among, require
from varlab.simulate import compiled
from varlab.simulate.eager import EagerEngine
from varlab.simulate.plan import make_plan
from varlab.simulate.request import Request
from varlab.simulate.schedule import Engine

EngineName = Literal["auto", "eager", "compiled", "fused"]


def choose_engine(asked: Request, where: torch.device, name: str) -> tuple[Engine, str]:
    """The engine and its name for attributes.

    For ``auto`` a function of the request, the device and what is installed: not of threads, chunks or
    what has run before, so that repeating a request repeats its bits.
    """
    require(
        among(name, get_args(EngineName)),
        "engine",
        "be 'auto', 'eager', 'compiled' or 'fused'",
        name,
    )
    if name in ("auto", "fused"):
        reason = _fused_obstacle(asked, where)
        if reason is None:
            from varlab.simulate.fused import FusedEngine

            return FusedEngine(asked, where), "fused"
        _refuse(name, "fused", reason)
    if name in ("auto", "compiled"):
        reason = _compiled_obstacle(asked, where, name)
        if reason is None:
            return compiled.CompiledEngine(make_plan(asked, where)), "compiled"
        _refuse(name, "compiled", reason)
    return EagerEngine(make_plan(asked, where)), "eager"


def _fused_obstacle(asked: Request, where: torch.device) -> str | None:
    if where.type != "cuda":
        return "it needs a GPU"
    # Triton is there only where torch came with CUDA: imported only then
    from varlab.simulate.fused import obstacle

    return obstacle(asked)


def _compiled_obstacle(asked: Request, where: torch.device, name: str) -> str | None:
    if where.type != "cpu":
        return "it runs on the CPU only"
    if name == "auto" and not compiled.worthwhile(asked):
        return "the request is too small to load numba for"
    return compiled.obstacle()


def _refuse(asked: str, engine: str, reason: str) -> None:
    """An engine asked for by name is that one or an error."""
    if asked == engine:
        raise InputError(f"engine must be 'eager' or 'auto' here; got {asked!r}; {reason}")
