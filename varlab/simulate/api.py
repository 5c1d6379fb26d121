"""``simulate()``: check, choose an engine, deal the segments, merge, label."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from importlib import metadata

import numpy as np
import torch

from varlab import __version__
from varlab.core import among, require, whole
from varlab.core.devices import usable
from varlab.simulate.distributed import world
from varlab.simulate.engines import EngineName, choose_engine
from varlab.simulate.processes import Process
from varlab.simulate.progress import Progress
from varlab.simulate.request import Precision, Request, request
from varlab.simulate.run import run
from varlab.simulate.simulation import Simulation

# Blocks per launch on a GPU: 64 of 32768 trajectories fill any of today's.
GPU_CHUNK = 64

# Threads, or blocks of a chunk: more than any machine has use for.
MOST_AT_ONCE = 2**20


def simulate(
    law: Process | Sequence[Process],
    *,
    beta2: float | Sequence[float],
    steps: int,
    trajectories: int,
    seed: int = 0,
    device: str = "auto",
    beta1: float = 0.9,
    dtype: Precision = "float32",
    statistics: Sequence[str] | None = None,
    engine: EngineName = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
    threads: int | None = None,
    chunk: int | None = None,
) -> Simulation:
    """Simulate gradients and the adaptive rate psi_t = 1/sqrt(vhat_t) that Adam makes of them.

    Parameters
    ----------
    law : Process or sequence of Process
        Gradient processes (:mod:`varlab.simulate.processes`). All share one stream of normals
        (common random numbers), so that they differ by their law and not by chance.
    beta2 : float or sequence of float
        In [0, 1). Every law is combined with every value.
    steps, trajectories : int
        Steps per trajectory (>= 1) and number of trajectories (>= 2). Memory grows with the former
        only.
    seed : int
        Root seed. The result depends on it and the request alone, bit for bit on a given machine:
        not on ``threads``, ``chunk``, kills and resumptions, or the number of processes.
    device : str
        ``"auto"`` (CUDA where there is one), ``"cpu"`` or ``"cuda"``. CPU and GPU draw from different
        generators.
    beta1 : float
        For the update mhat_t psi_t.
    dtype : {"float32", "float64"}
        Precision of the averages. The draws are float32 in both, and the same.
    statistics : sequence of str, optional
        Some of ``psi``, ``log_psi``, ``inverse_v``, ``update``; all by default. Fewer is faster.
    engine : {"auto", "eager", "compiled", "fused"}
        ``eager``: torch operations, anywhere. ``compiled``: a numba kernel (extra ``fast``) on the same
        normals, CPU only; the two differ by rounding. ``fused``: one Triton kernel, normal laws on CUDA
        only. ``auto`` takes ``fused`` where it applies; ``compiled`` on a CPU with numba for
        10^8 gradients (settings x steps x trajectories) or more, a few tenths of a second, which is what
        numba takes to load (and some seconds more to compile, once); ``eager`` for the rest.
    out : path, optional
        Zarr store to create; segments of trajectories are added as they are done.
    resume : bool
        Continue the store at ``out`` (or start it): the result is that of an uninterrupted run.
    progress : callable, optional
        Called with a :class:`Progress` as blocks are done.
    threads : int, optional
        Blocks at a time; the number of cores by default.
    chunk : int, optional
        Blocks handed to a thread (or launched on a GPU) at once.

    Returns
    -------
    Simulation
        The same on every rank under ``torchrun``; rank 0 writes ``out``.

    Raises
    ------
    DomainError, InputError
        For a value outside its domain; for a store that exists (without ``resume``) or that does not
        belong to this request (with it), which is left untouched.
    """
    asked = request(
        law,
        beta2=beta2,
        steps=steps,
        trajectories=trajectories,
        seed=seed,
        beta1=beta1,
        dtype=dtype,
        statistics=statistics,
    )
    for name, value in (("threads", threads), ("chunk", chunk)):
        if value is not None:
            whole(name, value, 1, MOST_AT_ONCE)
    require(out is not None or not resume, "out", "name the store to resume", out)
    kind = device_type(device)
    with world(kind) as ranks:
        where = torch.device(kind, ranks.local_rank) if kind == "cuda" else torch.device(kind)
        chosen, name = choose_engine(asked, where, engine)
        # torch's own count respects affinity, OMP_NUM_THREADS and torchrun
        workers = 1 if kind == "cuda" else torch.get_num_threads()
        return Simulation(
            run(
                asked,
                chosen,
                ranks,
                where,
                attributes(asked, name, where),
                out=out,
                resume=resume,
                progress=progress,
                threads=threads or workers,
                chunk=chunk or (GPU_CHUNK if kind == "cuda" else 1),
            )
        )


def device_type(device: str) -> str:
    """``cpu`` or ``cuda`` for what was asked."""
    require(among(device, ("auto", "cpu", "cuda")), "device", "be 'auto', 'cpu' or 'cuda'", device)
    return usable(device, torch.cuda.is_available())


def attributes(asked: Request, engine: str, where: torch.device) -> dict[str, str | int]:
    """Request, seed, versions, device: what a result must say about itself."""
    versions = {
        "varlab": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    if engine == "compiled":
        versions["numba"] = metadata.version("numba")
    on_gpu = where.type == "cuda"
    return {
        "request": json.dumps(asked.to_json()),
        "seed": asked.seed,
        "versions": json.dumps(versions),
        "device": torch.cuda.get_device_name(where) if on_gpu else f"cpu ({platform.machine()})",
        "engine": f"{engine}-{where.type}",
    }
