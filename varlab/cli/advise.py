"""``varlab advise``: what the theory says about one beta2."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from varlab.cli.options import Json, Out, Seed, console, deliver_json, prepare
from varlab.core.files import write_atomic


def command(
    beta2: Annotated[float, typer.Option(help="Decay of the second moment, in [0, 1).")],
    seed: Seed = 0,
    out: Out = None,
    json: Json = None,
) -> int:
    """What the theory says about one beta2.

    The first adaptive step, r_t, the exact r_t and equivalent warm-ups.
    """
    from varlab.numerics.advice import advise
    from varlab.report.advice import advice_table

    advice = advise(beta2)
    prepare(out, json)
    text = json_module.dumps(advice.to_dict(), indent=1, allow_nan=False) + "\n"
    terminal = console(json_on_stdout=json == "-")
    terminal.print(advice.summary())
    terminal.print(advice_table(advice))
    if out is not None:
        write_atomic(out / "advice.json", text)
    deliver_json(text, json)
    return 0
