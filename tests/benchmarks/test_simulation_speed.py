"""Speed of the simulation, as ratios of runs interleaved in one process: medians of pairs.

Wall clocks decide. On a machine that others use, two threads get their two cores only in part and a single one
nearly all of its own, so that they do not compare: nothing is timed there (fixture ``two_cores``).

Run with ``make benchmark``. ``auto`` takes the compiled engine here (with numba installed); the eager one
stands beside it. Drawing a normal costs about 3.4 ns a core (Mersenne twister 2.8, Box-Muller 0.6); what follows
costs for Var[psi] 0.3 ns a setting compiled and 1.5 eager, for every statistic 2 and 5. So the next factor
would have to come from another generator than torch.Tensor.normal_'s Mersenne twister, and other draws.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from varlab.numerics import rectification
from varlab.simulate import Normal, simulate
from varlab.simulate.blocks import Partition
from varlab.simulate.plan import rows_per_tile

pytestmark = pytest.mark.benchmark

CORES = 2
FIG9_MUS = (0.0, 0.001, 0.01, 0.1, 1.0, 10.0)
FIG9 = {"beta2": 0.999, "steps": 6000, "trajectories": 5000}
SINGLE = {"beta2": 0.999, "steps": 400, "trajectories": 2**18}
ON_CPU = {"device": "cpu", "threads": CORES}
REPEATS = 7
LIMIT = "the Mersenne twister of normal_: 2.8 of its 3.4 ns a normal and core"


@dataclass(frozen=True)
class Timing:
    """Wall clocks: medians over interleaved pairs of runs."""

    slow: float
    fast: float
    ratio: float
    cores_had: float

    def shown(self, rival):
        """Both sides of a row of the table."""
        return f"{self.fast:.3f} s", f"{rival}, {self.slow:.3f} s"

    def __str__(self):
        return (
            f"{self.slow:.3f} s against {self.fast:.3f} s, ratio {self.ratio:.2f}; "
            f"cores had by the second {self.cores_had:.2f}"
        )


def timed(function):
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - cpu


def compare(slow, fast, *, repeats=REPEATS):
    """Time ``slow`` and ``fast`` in turn."""
    fast()
    pairs = [(timed(slow), timed(fast)) for _ in range(repeats)]
    return Timing(
        statistics.median(a[0] for a, _ in pairs),
        statistics.median(b[0] for _, b in pairs),
        statistics.median(a[0] / b[0] for a, b in pairs),
        statistics.median(b[1] / b[0] for _, b in pairs),
    )


def named(run):
    """The engine that a run takes."""
    return run().dataset.attrs["engine"]


def numpy_loop(mu, beta2, steps, trajectories, seed=0):
    """As a user would write it: one mu, step by step, float64."""
    rng = np.random.default_rng(seed)
    factor = rectification(np.arange(1, steps + 1), beta2)
    v = np.zeros(trajectories)
    mean, variance, rectified = np.empty(steps), np.empty(steps), np.empty(steps)
    for t in range(1, steps + 1):
        g = rng.normal(mu, 1.0, trajectories)
        v = beta2 * v + (1 - beta2) * g * g
        psi = 1 / np.sqrt(v / (1 - beta2**t))
        mean[t - 1] = psi.mean()
        variance[t - 1] = psi.var(ddof=1)
        rectified[t - 1] = (factor[t - 1] * psi).var(ddof=1)
    return mean, variance, rectified


def draw_alone(steps, trajectories, **_):
    """The same number of normals through torch.Tensor.normal_ on both cores, in the engine's own tiles."""
    partition = Partition(trajectories)
    rows = rows_per_tile(partition.width)

    def block(index):
        tile = torch.empty(rows, partition.width)
        generator = torch.Generator().manual_seed(index)
        for _ in range(-(-steps // rows)):
            tile.normal_(generator=generator)

    with ThreadPoolExecutor(CORES, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        list(pool.map(block, range(partition.count)))
    torch.set_num_threads(CORES)


@pytest.mark.parametrize(("engine", "least"), [("auto", 15), ("eager", 8)])
def test_fig9_against_a_numpy_loop(engine, least, measured, two_cores):
    laws = [Normal(mu) for mu in FIG9_MUS]

    def ours():
        return simulate(laws, statistics=["psi"], engine=engine, **ON_CPU, **FIG9)

    def theirs():
        for mu in FIG9_MUS:
            numpy_loop(mu, **FIG9)

    timing = compare(theirs, ours, repeats=5)
    print(f"\nFig. 9, six mu, NumPy loop against simulate ({named(ours)}): {timing}")
    measured(
        f"Fig. 9, six mu, {named(ours)}",
        *timing.shown("NumPy loop"),
        timing.ratio,
        at_least=least,
        limit=LIMIT,
    )
    assert timing.ratio >= least


@pytest.mark.parametrize(
    ("asked", "engine", "share"),
    [
        (["psi"], "auto", 0.60),
        (None, "auto", 0.25),
        (["psi"], "eager", 0.40),
        (None, "eager", 0.20),
    ],
)
def test_a_single_law_against_drawing_its_normals(asked, engine, share, measured, two_cores):
    def ours():
        return simulate(Normal(), statistics=asked, engine=engine, **ON_CPU, **SINGLE)

    timing = compare(lambda: draw_alone(**SINGLE), ours)
    draws = SINGLE["steps"] * SINGLE["trajectories"]
    print(
        f"\n{asked or 'every statistic'} ({named(ours)}): {timing.ratio:.0%} of the rate of normal_ "
        f"({draws / timing.fast / 1e6:.0f} million draws a second): {timing}"
    )
    what = "psi alone" if asked else "every statistic"
    name = f"one law, {what}, {named(ours)}: share of normal_'s rate"
    measured(name, *timing.shown("normal_ alone"), timing.ratio, at_least=share, limit=LIMIT)
    assert timing.ratio >= share


def on_device(function):
    """Seconds on the GPU, by events."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    function()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / 1000


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here: the kernel is not timed")
def test_the_fused_kernel_against_eager_torch_on_the_same_gpu(measured):
    def run(engine, trajectories):
        simulate(
            Normal(),
            beta2=0.999,
            steps=1000,
            trajectories=trajectories,
            device="cuda",
            engine=engine,
        )

    few, many = 2**20, 2**24
    run("fused", many)
    run("eager", few)
    pairs = [
        (on_device(lambda: run("eager", few)), on_device(lambda: run("fused", many)))
        for _ in range(5)
    ]
    factor = statistics.median(a / few / (b / many) for a, b in pairs)
    fused = statistics.median(b for _, b in pairs)
    print(
        f"\n{torch.cuda.get_device_name()}: fused {many * 1000 / fused / 1e9:.1f} billion draws a second, "
        f"{factor:.0f} times eager torch per draw"
    )
    rates = (many * 1000 / fused / 1e9, many * 1000 / (factor * fused) / 1e9)
    ours, theirs = (f"{rate:.1f} billion draws a second" for rate in rates)
    measured("fused kernel", ours, f"eager torch, same GPU, {theirs}", factor, at_least=20)
    assert factor >= 20
