"""``varlab verify``: decide the claims and print the ledger."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer

from varlab.cli.options import Json, Out, Seed, console, deliver_json, prepare, progress_bar
from varlab.core.files import write_atomic

# Up to this many claims, their evidence is printed as well.
DETAILED = 10
# Where training keeps its finished runs under --out, so that a killed run goes on from there.
RUNS = "runs"


class BudgetOption(StrEnum):
    """Values of --budget."""

    fast = "fast"
    full = "full"


def command(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Ids or globs; all if none given.")
    ] = None,
    budget: Annotated[
        BudgetOption, typer.Option(help="fast: under a minute; full adds training.")
    ] = BudgetOption.fast,
    list_ids: Annotated[bool, typer.Option("--list", help="Print the ids and stop.")] = False,
    jobs: Annotated[int | None, typer.Option(help="Processes; all cores by default.")] = None,
    seed: Seed = 0,
    out: Out = None,
    json: Json = None,
) -> int:
    """Decide the ledger's claims by computing.

    Exit status 1 if one is undecided or differs from the released ledger.
    """
    from varlab.claims.ledger import check_request, verify
    from varlab.claims.registry import collect, select
    from varlab.core.cores import usable_cores
    from varlab.report.html import ledger_html
    from varlab.report.latex import ledger_latex
    from varlab.report.terminal import print_ledger

    ids = ids or None  # without arguments the option parser may say []
    chosen = select(ids, collect())
    if list_ids:
        for claim in chosen:
            print(claim.id)
        return 0
    check_request(budget.value, seed, jobs)
    prepare(out, json)
    started = time.perf_counter()
    runs = None if out is None else out / RUNS
    with progress_bar("deciding") as progress:
        ledger = verify(
            ids, budget.value, seed, jobs=jobs or usable_cores(), store=runs, progress=progress
        )
    seconds = time.perf_counter() - started
    terminal = console(json_on_stdout=json == "-")
    print_ledger(ledger, terminal, details=len(ledger.entries) <= DETAILED)
    terminal.print(f"decided in {seconds:.1f} s, seed {seed}, budget {budget.value}", style="dim")
    if out is not None:
        write_atomic(out / "ledger.json", ledger.to_json())
        write_atomic(out / "ledger.tex", ledger_latex(ledger))
        write_atomic(out / "report.html", ledger_html(ledger))
        terminal.print(f"wrote ledger.json, ledger.tex and report.html in {out}", style="dim")
    deliver_json(ledger.to_json(), json)
    return 0 if ledger.ok else 1
