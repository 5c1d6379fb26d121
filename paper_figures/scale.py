"""Cost over trajectories, steps, parameters and replicas: time and peak memory.

Four things that grow: simulate with the number of trajectories and of steps, psi_variance_path with the
number of steps, RAdam.step with the number of parameters, an ensemble audit with the number of replicas.
Each point is a process of its own: CPU seconds of the work, after a small run that warms up what
loads late, and the peak of resident memory above that of the same process before the work. An exponent
is the slope of a line through the upper half of the points on logarithmic axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.store import Data

# What is run at size n: ``work`` is timed; ``prepare`` warms up. Threads start after the fork only.
SIMULATE = """
from varlab.simulate import Normal, simulate
def run(n, t):
    simulate(Normal(), beta2=0.999, steps=t, trajectories=n, threads=1, device="cpu", engine="compiled",
        statistics=["psi"])
"""
RADAM = """
import torch
from varlab.optim import RAdam
torch.set_num_threads(1)
def prepared(n):
    p = torch.zeros(n, requires_grad=True)
    p.grad = torch.ones(n)
    optimizer = RAdam([p])
    run(optimizer, 8)
    return optimizer
def run(optimizer, steps):
    for _ in range(steps): optimizer.step()
"""
AUDIT = """
import tempfile
from varlab.audit.recorder.record import record
from varlab.tasks import builtin
place = tempfile.TemporaryDirectory()
def run(n, name):
    out = f"{place.name}/{os.getpid()}{name}"
    record(builtin("mlp", device="cpu"), replicas=n, steps=10, coordinates=16, out=out)
"""
SERIES = {
    "trajectories": {
        "label": "simulate, 100 steps",
        "axis": "trajectories",
        "imports": SIMULATE,
        "prepare": "run(1000, 2)",
        "work": "run(n, 100)",
        "fast": (10_000, 30_000, 100_000, 300_000, 1_000_000),
        "full": (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000),
    },
    "steps": {
        "label": "simulate, 10,000 trajectories",
        "axis": "steps",
        "imports": SIMULATE,
        "prepare": "run(1000, 2)",
        "work": "run(10_000, n)",
        "fast": (100, 300, 1000, 3000, 10_000),
        "full": (100, 300, 1000, 3000, 10_000, 30_000, 100_000),
    },
    "path": {
        "label": "psi_variance_path",
        "axis": "steps",
        "imports": "from varlab.numerics import psi_variance_path",
        "prepare": "psi_variance_path(400, 0.9)",
        "work": "psi_variance_path(n, 0.9999)",
        "fast": (100, 1000, 10_000, 100_000, 1_000_000),
        "full": (100, 1000, 10_000, 100_000, 1_000_000, 10_000_000),
    },
    "parameters": {
        "label": "RAdam.step",
        "axis": "parameters",
        "imports": RADAM,
        "prepare": "optimizer = prepared(n)",
        "work": "run(optimizer, 10)",
        "fast": (10_000, 100_000, 1_000_000, 10_000_000),
        "full": (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000),
    },
    "replicas": {
        "label": "ensemble audit of mlp, 10 steps",
        "axis": "replicas",
        "imports": AUDIT,
        "prepare": "run(2, 'warm')",
        "work": "run(n, 'done')",
        "fast": (8, 16, 32, 64, 128),
        "full": (8, 16, 32, 64, 128, 256, 512),
    },
}
CHILD = """
import json, os, resource, time
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
{imports}
for n in {sizes}:
    if pid := os.fork():
        assert os.waitpid(pid, 0)[1] == 0
        continue
    {prepare}
    before, start = peak(), time.process_time()
    {work}
    print(json.dumps([time.process_time() - start, before, peak()]), flush=True)
    os._exit(0)
"""


def generate(budget: str, seed: int) -> Data:
    """Every series, each point in a process of its own; ``full`` goes one decade further."""
    import numpy as np

    from varlab.core.cores import usable_cores

    panels = []
    for name, series in SERIES.items():
        sizes = [int(n) for n in series["full" if budget == "full" else "fast"]]
        points = _measured(series, sizes)
        upper = len(sizes) // 2
        seconds = [p[0] for p in points]
        slope = np.polyfit(np.log(sizes[upper:]), np.log(seconds[upper:]), 1)[0]
        panels.append(
            {
                "name": name,
                "label": series["label"],
                "axis": series["axis"],
                "size": sizes,
                "seconds": seconds,
                "memory": [p[2] - p[1] for p in points],
                "base": points[0][1],
                "exponent": round(float(slope), 2),
            }
        )
    return {"panels": panels, "machine": f"{usable_cores()} CPU cores"}


def _measured(series: Data, sizes: list[int]) -> list[list[float]]:
    """CPU seconds, and peak memory in MB before and after the work, for each size."""
    import json
    import os
    import subprocess
    import sys

    parts = {key: series[key] for key in ("imports", "prepare", "work")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD.format(sizes=sizes, **parts)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def draw(data: Data) -> Figure:
    """A column a series: time above with a guide of slope 1, memory below."""
    import matplotlib.pyplot as plt

    from paper_figures.style import BLUE, GREY, ORANGE, PAGE, caption

    panels = data["panels"]
    figure, axes = plt.subplots(2, len(panels), figsize=(PAGE, 3.3), sharex="col", sharey="row")
    for column, panel in zip(axes.T, panels, strict=True):
        time, memory = column
        sizes, seconds = panel["size"], panel["seconds"]
        time.loglog(sizes, seconds, "o-", color=BLUE, ms=3)
        guide = [seconds[-1] * n / sizes[-1] for n in sizes]
        time.loglog(sizes, guide, color=GREY, ls=(0, (4, 2)), lw=0.8, zorder=0)
        time.set_title(panel["label"].replace(", ", ",\n", 1), fontsize=7)
        time.annotate(
            f"exponent {panel['exponent']:.2f}",
            (0.97, 0.05),
            xycoords="axes fraction",
            ha="right",
            fontsize=7,
        )
        # Below 1 MB the operating system's pages are all that is seen.
        memory.loglog(sizes, [max(m, 1.0) for m in panel["memory"]], "s-", color=ORANGE, ms=3)
        memory.set_xlabel(panel["axis"])
    axes[0, 0].set_ylabel("CPU seconds")
    axes[1, 0].set_ylabel("peak memory, MB\nabove the start")
    axes[1, 0].set_ylim(0.8, None)
    caption(
        figure,
        f"{data['machine']}, one thread; each point a process of its own. Dashed: slope 1. The exponent is "
        "fitted to the upper half of the points. RAdam.step: ten steps. Memory below 1 MB is drawn at 1.",
    )
    return figure
