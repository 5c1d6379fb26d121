"""``varlab audit``: does the i.i.d. N(0, s^2) assumption hold on this model, and what does it cost?"""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from varlab.cli.options import (
    Band,
    Json,
    Level,
    Out,
    Seed,
    console,
    deliver_json,
    parsed_bands,
    parsed_options,
    prepare,
    progress_bar,
)
from varlab.core import InputError
from varlab.core.files import write_atomic
from varlab.core.targets import FORMS, load_callable

if TYPE_CHECKING:
    from rich.console import Console

    from varlab.audit.recorder.recording import Recording
    from varlab.audit.result import Audit

STORE = "recording.zarr"


class ProtocolOption(StrEnum):
    """Values of --protocol."""

    ensemble = "ensemble"
    run = "run"
    frozen = "frozen"


def command(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="A built-in task (--list), module:factory or path/to/file.py:factory.",
        ),
    ] = None,
    protocol: Annotated[
        ProtocolOption, typer.Option(help="What is random: replicas, one run, or minibatches.")
    ] = ProtocolOption.ensemble,
    replicas: Annotated[
        int | None, typer.Option(help="Of an ensemble, at least 2, tested from 24 on; 64.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Training steps, or draws under frozen, at least 1. ensemble: 40, all assumptions "
            "tested from 2 on; run: 400, tested from 96 on; frozen: 400, tested from 32 on."
        ),
    ] = None,
    inits: Annotated[
        int | None, typer.Option(help="Initialisations, at least 1, crossed with --orders.")
    ] = None,
    orders: Annotated[
        int | None, typer.Option(help="Data orders, at least 1, crossed with --inits.")
    ] = None,
    select: Annotated[str, typer.Option(help="Glob over parameter names.")] = "*",
    coordinates: Annotated[
        int, typer.Option(help="Sampled coordinates per parameter, at least 1.")
    ] = 64,
    after: Annotated[
        int, typer.Option(help="Under run and frozen, train so many steps before recording.")
    ] = 0,
    data: Annotated[Path | None, typer.Option(help="Data of a built-in task.")] = None,
    norm: Annotated[str | None, typer.Option(help="post or pre, for Transformers.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="name=value of a built-in task; several allowed.")
    ] = None,
    device: Annotated[
        str, typer.Option(help="Of a built-in task: auto (a GPU where there is one), cpu, cuda.")
    ] = "auto",
    band: Band = None,
    level: Level = 0.05,
    trials: Annotated[
        int,
        typer.Option(
            "--calibrate",
            metavar="N",
            min=0,
            help="Count false alarms on N synthetic nulls of the recording's own shape.",
        ),
    ] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the recording in --out.")
    ] = False,
    list_tasks: Annotated[
        bool, typer.Option("--list", help="Print the built-in tasks and stop.")
    ] = False,
    seed: Seed = 0,
    out: Out = None,
    json: Json = None,
) -> int:
    """Four verdicts and a violation budget per layer of a model.

    Exit status 1 if one of the model's verdicts is undecided, those apart that the protocol cannot give.
    """
    from varlab.audit.assess import DEFAULT_STEPS, assess
    from varlab.audit.assess_recording import checked_limits
    from varlab.audit.protocol import Protocol
    from varlab.audit.recorder.record import record
    from varlab.simulate.distributed import speaks
    from varlab.tasks import TASKS

    if list_tasks:
        for name, task in TASKS.items():
            print(f"{name:<16} {task.summary}")
        return 0
    if target is None:
        raise InputError(f"name a task: {_choices()}")
    if resume and out is None:
        raise InputError("--resume needs --out, the folder with the recording to continue")
    bands, level = checked_limits(parsed_bands(band or []), level)
    factory = _factory(target, _options(data, norm, option or []), device)
    prepare(out, json)
    terminal = console(json_on_stdout=json == "-")
    with progress_bar("recording") as progress:
        recording = record(
            factory,
            protocol=protocol.value,
            replicas=replicas,
            steps=DEFAULT_STEPS[Protocol(protocol.value)] if steps is None else steps,
            seed=seed,
            inits=inits,
            orders=orders,
            select=select,
            coordinates=coordinates,
            after=after,
            task=target,
            out=None if out is None else out / STORE,
            resume=resume,
            progress=progress,
            announce=lambda text: terminal.print(text, style="dim"),
        )
    if not speaks():  # under torchrun one process speaks
        return 0
    command = shlex.join(["varlab", *sys.argv[1:]])
    audit = assess(recording, bands=bands, level=level, command=command)
    terminal.print(audit.summary(), markup=False)
    text = audit.to_json()
    if out is not None:
        write_atomic(out / "audit.json", text)
        audit.to_html(out / "audit.html")
        terminal.print(f"wrote {STORE}, audit.json and audit.html in {out}", style="dim")
    deliver_json(text, json)
    if trials:
        _calibrate(audit, recording, trials, seed, out, terminal)
    return 0 if audit.decided else 1


def _calibrate(
    audit: Audit, recording: Recording, trials: int, seed: int, out: Path | None, terminal: Console
) -> None:
    """Count false alarms on nulls of the recording's own shape: on the terminal, and in the page."""
    from varlab.audit.calibrate import calibrate
    from varlab.audit.shape import recording_shape

    if not audit.tested_layers:
        terminal.print("not calibrated: no layer could be tested", style="yellow")
        return
    with progress_bar("calibrating") as progress:
        calibration = calibrate(
            **asdict(recording_shape(recording)),
            trials=trials,
            power_trials=0,
            level=audit.level,
            bands=audit.bands,
            seed=seed,
            progress=progress,
        )
    terminal.print(calibration.summary(), markup=False)
    if out is not None:
        write_atomic(out / "calibration.json", calibration.to_json())
        audit.to_html(out / "audit.html", calibration)
        terminal.print(f"wrote calibration.json and audit.html in {out}", style="dim")


def _options(data: Path | None, norm: str | None, pairs: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if data is not None:
        options["data"] = data
    if norm is not None:
        options["norm"] = norm
    return {**options, **parsed_options(pairs)}


def _choices() -> str:
    """What a target may be."""
    from varlab.tasks import TASKS

    return f"{', '.join(TASKS)}, or a factory of yours as {FORMS}"


def _factory(target: str, options: dict[str, Any], device: str) -> Any:
    from varlab.tasks import TASKS, builtin

    if ":" not in target:
        if target not in TASKS:
            raise InputError(f"no task {target!r}; name one of {_choices()}")
        return builtin(target, **{"device": device, **options})
    if options or device != "auto":
        raise InputError(
            "--data, --norm, --option and --device are for built-in tasks; "
            f"set them in {target} itself"
        )
    return load_callable(target)
