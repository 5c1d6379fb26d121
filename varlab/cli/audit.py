"""``varlab audit``: does the i.i.d. N(0, s^2) assumption hold on this model, and what does it cost?"""

from __future__ import annotations

import os
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from varlab.cli.options import (
    Json,
    Out,
    Seed,
    console,
    deliver_json,
    parsed_options,
    prepare,
    progress_bar,
)
from varlab.core import InputError
from varlab.core.files import write_atomic
from varlab.core.targets import load_callable

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
            metavar="TARGET", help="A built-in task (--list), module:factory or path.py:factory."
        ),
    ] = None,
    protocol: Annotated[
        ProtocolOption, typer.Option(help="What is random: replicas, one run, or minibatches.")
    ] = ProtocolOption.ensemble,
    replicas: Annotated[int | None, typer.Option(help="Of an ensemble; 64.")] = None,
    steps: Annotated[
        int | None, typer.Option(help="Training steps, or draws under frozen.")
    ] = None,
    inits: Annotated[
        int | None, typer.Option(help="Initialisations, crossed with --orders.")
    ] = None,
    orders: Annotated[int | None, typer.Option(help="Data orders, crossed with --inits.")] = None,
    select: Annotated[str, typer.Option(help="Glob over parameter names.")] = "*",
    coordinates: Annotated[int, typer.Option(help="Sampled coordinates per parameter.")] = 64,
    after: Annotated[int, typer.Option(help="Train so many steps before recording.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Data of a built-in task.")] = None,
    norm: Annotated[str | None, typer.Option(help="post or pre, for Transformers.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="name=value of a built-in task; several allowed.")
    ] = None,
    device: Annotated[
        str, typer.Option(help="Of a built-in task: auto (a GPU where there is one), cpu, cuda.")
    ] = "auto",
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
    from varlab.audit.assess import assess
    from varlab.tasks import TASKS

    if list_tasks:
        for name, task in TASKS.items():
            print(f"{name:<16} {task.summary}")
        return 0
    if target is None:
        raise InputError(f"name a task: {', '.join(TASKS)}, module:factory or path.py:factory")
    if resume and out is None:
        raise InputError("--resume needs --out, the folder with the recording to continue")
    factory = _factory(target, _options(data, norm, option or []), device)
    prepare(out, json)
    terminal = console(json_on_stdout=json == "-")
    with progress_bar("recording") as progress:
        audit = assess(
            factory,
            protocol=protocol.value,
            replicas=replicas,
            steps=steps,
            seed=seed,
            inits=inits,
            orders=orders,
            select=select,
            coordinates=coordinates,
            after=after,
            task=target,
            out=None if out is None else out / STORE,
            resume=resume,
            command=shlex.join(["varlab", *sys.argv[1:]]),
            progress=progress,
            announce=lambda text: terminal.print(text, style="dim"),
        )
    if os.environ.get("RANK", "0") != "0":  # under torchrun one process speaks
        return 0
    terminal.print(audit.summary(), markup=False)
    text = audit.to_json()
    if out is not None:
        write_atomic(out / "audit.json", text)
        audit.to_html(out / "audit.html")
        terminal.print(f"wrote {STORE}, audit.json and audit.html in {out}", style="dim")
    deliver_json(text, json)
    return 0


def _options(data: Path | None, norm: str | None, pairs: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if data is not None:
        options["data"] = data
    if norm is not None:
        options["norm"] = norm
    return {**options, **parsed_options(pairs)}


def _factory(target: str, options: dict[str, Any], device: str) -> Any:
    from varlab.tasks import builtin

    if ":" not in target:
        return builtin(target, **{"device": device, **options})
    if options or device != "auto":
        raise InputError(
            "--data, --norm, --option and --device are for built-in tasks; "
            f"set them in {target} itself"
        )
    return load_callable(target)
