"""``varlab advise``: what the theory says about one beta2."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from varlab.cli.options import Json, Out, Seed, console, deliver_json, prepare
from varlab.core.files import write_atomic

if TYPE_CHECKING:
    from varlab.audit.advice import AuditAdvice


def command(
    beta2: Annotated[float, typer.Option(help="Decay of the second moment, in [0, 1).")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="AUDIT",
            help="Add what an audit of that beta2 measured: its audit.json, or the --out of its command.",
        ),
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    json: Json = None,
) -> int:
    """What the theory says about one beta2.

    The first adaptive step, r_t, the exact r_t and equivalent warm-ups; with --from also the degrees of
    freedom that a model was measured to have.
    """
    from varlab.numerics.advice import advise
    from varlab.report.advice import advice_table, measured_table

    advice = advise(beta2)
    measured = None if source is None else _measured(source, advice.beta2)
    prepare(out, json)
    data = advice.to_dict() | ({} if measured is None else {"audit": measured.to_dict()})
    text = json_module.dumps(data, indent=1, allow_nan=False) + "\n"
    terminal = console(json_on_stdout=json == "-")
    terminal.print(advice.summary())
    terminal.print(advice_table(advice))
    if measured is not None:
        terminal.print()
        terminal.print(measured.summary(), markup=False)
        if measured.layers:
            terminal.print(measured_table(measured))
    if out is not None:
        write_atomic(out / "advice.json", text)
    deliver_json(text, json)
    return 0


def _measured(source: Path, beta2: float) -> AuditAdvice:
    from varlab.audit.advice import audit_advice

    return audit_advice(source, beta2)
