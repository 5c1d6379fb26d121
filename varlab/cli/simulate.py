"""``varlab simulate``: Monte-Carlo moments of the adaptive rate, held against the exact law."""

from __future__ import annotations

import json as json_module
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from varlab.cli.options import Json, Out, Seed, console, deliver_json, prepare
from varlab.core import InputError

if TYPE_CHECKING:
    from varlab.simulate import Process, Progress, Simulation

SCHEMA = 1
STORE = "simulation.zarr"
# Options that take several values after one mention: --mu 0 0.1 1.
LISTS = ("--law", "--mu", "--beta2", "--statistics")


class DeviceOption(StrEnum):
    """Values of --device."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class EngineOption(StrEnum):
    """Values of --engine."""

    auto = "auto"
    eager = "eager"
    compiled = "compiled"
    fused = "fused"


class PrecisionOption(StrEnum):
    """Values of --dtype."""

    float32 = "float32"
    float64 = "float64"


def command(
    law: Annotated[
        list[str] | None,
        typer.Option(help="name or name:parameter=value,...; several allowed. See --list."),
    ] = None,
    mu: Annotated[list[float] | None, typer.Option(help="Means; several allowed.")] = None,
    sigma: Annotated[float, typer.Option(help="Scale of the gradients.")] = 1.0,
    beta2: Annotated[list[float] | None, typer.Option(help="Several allowed; 0.999.")] = None,
    trajectories: Annotated[int, typer.Option(help="Independent trajectories.")] = 5000,
    steps: Annotated[int, typer.Option(help="Steps of each.")] = 1000,
    statistics: Annotated[
        list[str] | None, typer.Option(help="psi log_psi inverse_v update; all by default.")
    ] = None,
    device: Annotated[DeviceOption, typer.Option(help="Where to run.")] = DeviceOption.auto,
    engine: Annotated[
        EngineOption, typer.Option(help="How to compute; auto: the fastest for this request.")
    ] = EngineOption.auto,
    dtype: Annotated[
        PrecisionOption, typer.Option(help="Precision of the averages.")
    ] = PrecisionOption.float32,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores by default.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the store in --out.")] = False,
    list_laws: Annotated[bool, typer.Option("--list", help="Print the laws and stop.")] = False,
    seed: Seed = 0,
    out: Out = None,
    json: Json = None,
) -> int:
    """Simulate Adam's adaptive rate beside its exact law.

    Exit status 1 if the two disagree. Fig. 9 of the paper: --mu 0 0.001 0.01 0.1 1 10
    --trajectories 5000 --steps 6000.
    """
    from varlab.simulate import LAWS, simulate
    from varlab.simulate.distributed import speaks

    if list_laws:
        for name, kind in LAWS.items():
            print(f"{name:<14} {(kind.__doc__ or '').splitlines()[0]}")
        return 0
    laws = _laws(law or ["normal"], mu or [], sigma)
    if resume and out is None:
        raise InputError("--resume needs --out, the folder with the store to continue")
    prepare(out, json)
    with _bar() as progress:
        simulation = simulate(
            laws,
            beta2=beta2 or [0.999],
            steps=steps,
            trajectories=trajectories,
            seed=seed,
            device=device.value,
            engine=engine.value,
            dtype=dtype.value,
            statistics=statistics,
            out=None if out is None else out / STORE,
            resume=resume,
            progress=progress,
            threads=threads,
        )
    if not speaks():  # under torchrun one process speaks
        return 0
    terminal = console(json_on_stdout=json == "-")
    terminal.print(simulation.summary(), markup=False)
    if out is not None:
        terminal.print(f"wrote {out / STORE}", style="dim")
    agrees, comparison = _compare(simulation)
    if comparison:
        terminal.print(comparison, markup=False)
    deliver_json(_json(simulation, agrees), json)
    return 0 if agrees is not False else 1


def _laws(names: Sequence[str], means: Sequence[float], sigma: float) -> list[Process]:
    from varlab.simulate import law

    for name in names:
        if means and re.search(r"[:,]\s*mu\s*=", name):
            raise InputError(f"mu is given by --mu and by --law {name}; give it once")
    return [law(name, mu=mean, sigma=sigma) for name in names for mean in means or [0.0]]


def _compare(simulation: Simulation) -> tuple[bool | None, str]:
    """Whether it agrees with the exact law, and the sentence; None where there is nothing to compare."""
    from varlab.simulate.comparison import NothingToCompareError

    try:
        comparison = simulation.compare()
    except NothingToCompareError:
        return None, ""
    return comparison.agrees, comparison.summary()


def _json(simulation: Simulation, agrees: bool | None) -> str:
    frame = simulation.to_frame()
    rows = json_module.loads(frame.to_json(orient="records", double_precision=15))
    attributes = {key: simulation.dataset.attrs[key] for key in ("request", "seed", "device")}
    data = {"schema": SCHEMA, **attributes, "agrees_with_exact_law": agrees, "rows": rows}
    return json_module.dumps(data, allow_nan=False) + "\n"


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None] | None]:
    """Trajectories done, rate and time left; none when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("simulating"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} trajectories, {task.fields[rate]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1, rate="")

        def report(state: Progress) -> None:
            rate = f"{state.rate / 1e6:.0f} M draws/s, {state.eta:.0f} s left"
            bar.update(task, completed=state.done, total=state.total, rate=rate)

        yield report


def spread(arguments: Sequence[str]) -> list[str]:
    """``--mu 0 0.1`` as ``--mu 0 --mu 0.1``, for the options that take several values."""
    found: list[str] = []
    current: str | None = None
    for argument in arguments:
        if argument.startswith("--") or argument == "-h":
            current = argument if argument in LISTS else None
            found.append(argument)
        elif current is not None and found[-1] != current:
            found += [current, argument]
        else:
            found.append(argument)
    return found
