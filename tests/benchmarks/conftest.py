"""One table of all ratios at the end of a run; ``--measured FILE`` keeps it as JSON for the README."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes
    ----------
    name, ours, against : str
        What was compared, our figure and the other's, each with its unit.
    ratio : float
        How many times better ours is, unless ``bound`` reads "at most".
    bound : str
        What is asked, ``"at least 15"`` or ``"at most 0.5"``; empty where nothing is.
    met : bool or None
    limit : str
        What stands in the way of more, or how the figure was come by.
    """

    name: str
    ours: str
    against: str
    ratio: float
    bound: str = ""
    met: bool | None = None
    limit: str = ""


ROWS = pytest.StashKey[list[Row]]()


def pytest_addoption(parser):
    parser.addoption("--measured", metavar="FILE", help="keep the table of the benchmarks there")


def pytest_configure(config):
    config.stash[ROWS] = []


@pytest.fixture
def measured(request):
    """``measured(name, ours, against, ratio, at_least=... or at_most=..., limit=...)`` adds a row."""

    def add(name, ours, against, ratio, *, at_least=None, at_most=None, limit=""):
        bound, met = "", None
        if at_least is not None:
            bound, met = f"at least {at_least:g}", bool(ratio >= at_least)
        if at_most is not None:
            bound, met = f"at most {at_most:g}", bool(ratio <= at_most)
        row = Row(name, ours, against, float(ratio), bound, met, limit)
        request.config.stash[ROWS].append(row)

    return add


BUSY = "two threads get {:.1f} cores just now: nothing to be timed"
PATIENCE = 60  # seconds


def cores_to_be_had():
    """How many cores two threads get just now, by drawing normals, which holds no lock."""
    import time
    from concurrent.futures import ThreadPoolExecutor

    import torch

    def spin(seed):
        tile, generator = torch.empty(2**18), torch.Generator().manual_seed(seed)
        end = time.perf_counter() + 0.4
        while time.perf_counter() < end:
            tile.normal_(generator=generator)

    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        list(pool.map(spin, range(2)))
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


@pytest.fixture
def two_cores():
    """Waits for two cores, and skips if none come: a wall clock would tell of other work."""
    import time

    given_up = time.monotonic() + PATIENCE
    while (had := cores_to_be_had()) < 1.8:
        if time.monotonic() > given_up:
            pytest.skip(BUSY.format(had))
        time.sleep(2)


def without_a_row(stats):
    """The benchmarks of a run that left no row: skipped for want of quiet, or broken before it.

    A missed bound has its row; what needs a GPU has none where there is none.
    """
    busy = BUSY.partition("{")[0]
    skipped = [r for r in stats.get("skipped", []) if busy in str(r.longrepr)]
    broken = [r for r in stats.get("failed", []) if "AssertionError" not in str(r.longrepr)]
    return [r.nodeid for r in (*skipped, *broken, *stats.get("error", []))]


def machine():
    """What the figures were taken on, without its name."""
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{len(os.sched_getaffinity(0))} CPU cores, {gpu}, torch {torch.__version__}"


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"side by side, {machine()}", title_justify="left")
    for column in ("name", "ours", "against", "ratio", "asked", "met", "limit"):
        table.add_column(column, overflow="fold", justify="right" if column == "ratio" else "left")
    signs = {True: "yes", False: "NO", None: ""}
    for row in rows:
        ratio = f"{row.ratio:.3g}"
        cells = (row.name, row.ours, row.against, ratio, row.bound, signs[row.met], row.limit)
        table.add_row(*map(Text, cells))  # "[psi_t]" is no markup
    console = Console(width=max(terminalreporter._tw.fullwidth, 150))
    with console.capture() as capture:
        console.print(table)
    terminalreporter.write(capture.get())
    path = config.getoption("--measured", default=None)
    if path and (missing := without_a_row(terminalreporter.stats)):
        terminalreporter.write_line(f"{path} stays as it was: no figure from {', '.join(missing)}")
    elif path:
        load = os.getloadavg()[0]
        data = {
            "machine": machine(),
            "load": round(load, 1),
            "command": "make benchmark",
            "rows": [{**asdict(row), "ratio": float(f"{row.ratio:.3g}")} for row in rows],
        }
        text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        Path(path).write_text(text, encoding="utf-8")
