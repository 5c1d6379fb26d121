"""``varlab calibrate``: the audit's false-positive rates and power on recordings of a given shape."""

from __future__ import annotations

from typing import Annotated

import typer

from varlab.cli.audit import ProtocolOption
from varlab.cli.options import Json, Out, Seed, console, deliver_json, prepare, progress_bar
from varlab.core.files import write_atomic


def command(
    protocol: Annotated[
        ProtocolOption, typer.Option(help="Protocol to calibrate.")
    ] = ProtocolOption.ensemble,
    replicas: Annotated[int, typer.Option(help="Of an ensemble.")] = 64,
    steps: Annotated[int, typer.Option(help="Steps, or draws under frozen.")] = 20,
    coordinates: Annotated[int, typer.Option(help="Per layer.")] = 64,
    layers: Annotated[int, typer.Option(help="Number of layers.")] = 1,
    correlation: Annotated[
        float, typer.Option(help="Between the coordinates of a layer, in [0, 1).")
    ] = 0.0,
    trials: Annotated[int, typer.Option(help="Recordings of the null.")] = 200,
    power_trials: Annotated[
        int, typer.Option(help="Recordings of each planted violation; 0 for none.")
    ] = 20,
    level: Annotated[float, typer.Option(help="Nominal error rate.")] = 0.05,
    seed: Seed = 0,
    out: Out = None,
    json: Json = None,
) -> int:
    """Run the whole audit on synthetic nulls and planted violations; exit 1 if it alarms too often."""
    from varlab.audit.calibrate import calibrate

    prepare(out, json)
    with progress_bar("calibrating") as progress:
        calibration = calibrate(
            replicas=replicas,
            steps=steps,
            coordinates=coordinates,
            layers=layers,
            correlation=correlation,
            protocol=protocol.value,
            trials=trials,
            power_trials=power_trials,
            level=level,
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
