"""``varlab calibrate``: the audit's false-positive rates and power on recordings of a given shape."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from varlab.cli.audit import STORE, ProtocolOption
from varlab.cli.options import (
    Band,
    Json,
    Level,
    Out,
    Seed,
    console,
    deliver_json,
    parsed_bands,
    prepare,
    progress_bar,
)
from varlab.core.files import write_atomic


def command(
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RECORDING",
            help="Take what is not given, the measured correlation included, from a recording: a store, "
            "or the --out of an audit.",
        ),
    ] = None,
    protocol: Annotated[
        ProtocolOption | None, typer.Option(help="Protocol to calibrate; ensemble.")
    ] = None,
    replicas: Annotated[int | None, typer.Option(help="Of an ensemble, at least 24; 64.")] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps, or draws under frozen; at least 1 under ensemble, 96 under run, 32 under frozen; 20."
        ),
    ] = None,
    coordinates: Annotated[int | None, typer.Option(help="Per layer; 64.")] = None,
    layers: Annotated[int | None, typer.Option(help="Number of layers; 1.")] = None,
    correlation: Annotated[
        float | None, typer.Option(help="Between the coordinates of a layer, in [0, 1); 0.")
    ] = None,
    trials: Annotated[int, typer.Option(help="Recordings of the null.")] = 200,
    power_trials: Annotated[
        int, typer.Option(help="Recordings of each planted violation; 0 for none.")
    ] = 20,
    band: Band = None,
    level: Level = 0.05,
    seed: Seed = 0,
    out: Out = None,
    json: Json = None,
) -> int:
    """Count the audit's false alarms and misses on synthetic data.

    The whole audit runs on nulls and planted violations. Exit status 1 if it alarms too often.
    """
    from varlab.audit.calibrate import calibrate

    given = {
        "protocol": None if protocol is None else protocol.value,
        "replicas": replicas,
        "steps": steps,
        "coordinates": coordinates,
        "layers": layers,
        "correlation": correlation,
    }
    shape = _shape(source) | {name: value for name, value in given.items() if value is not None}
    bands = parsed_bands(band or [])
    prepare(out, json)
    with progress_bar("calibrating") as progress:
        calibration = calibrate(
            **shape,
            trials=trials,
            power_trials=power_trials,
            level=level,
            bands=bands,
            seed=seed,
            progress=progress,
        )
    terminal = console(json_on_stdout=json == "-")
    terminal.print(calibration.summary(), markup=False)
    text = calibration.to_json()
    if out is not None:
        write_atomic(out / "calibration.json", text)
        terminal.print(f"wrote calibration.json in {out}", style="dim")
    deliver_json(text, json)
    for rate in (alarms := calibration.excessive()):
        terminal.print(
            f"{rate.process}: {rate.level}, {rate.assumption}: wrong more often than the nominal "
            f"{level:g}",
            style="red",
        )
    return 1 if alarms else 0


def _shape(source: Path | None) -> dict[str, Any]:
    """Sizes and correlation of the recording at ``source``, or beside an audit's files in that folder."""
    if source is None:
        return {}
    from varlab.audit.recorder.storage import load
    from varlab.audit.shape import recording_shape

    return asdict(recording_shape(load(source / STORE if (source / STORE).exists() else source)))
