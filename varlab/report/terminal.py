"""The ledger as a table for the terminal."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from varlab.claims.ledger import Entry, Ledger
from varlab.core import Verdict
from varlab.report.text import number, point

STYLES = {
    Verdict.HOLDS: "green",
    Verdict.HOLDS_WITHIN: "cyan",
    Verdict.FAILS: "bold red",
    Verdict.UNDECIDED: "bold yellow",
    Verdict.NOT_RUN: "dim",
}


def ledger_table(ledger: Ledger) -> RenderableType:
    """Id, source, verdict, error, domain stated and found, one row a claim, then the counts."""
    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=("", "on grey7"))
    table.add_column("claim", no_wrap=True)
    table.add_column("source", max_width=14)
    table.add_column("verdict", no_wrap=True)
    table.add_column("error", justify="right", no_wrap=True)
    table.add_column("domain stated", ratio=2, min_width=12)
    table.add_column("domain found, or counterexample", ratio=5, min_width=24)
    for entry in ledger.entries:
        verdict = entry.ruling.verdict
        # As Text: square brackets, as in Var[psi], are markup otherwise.
        table.add_row(
            entry.claim.id,
            entry.claim.source,
            Text(verdict.value, style=STYLES[verdict]),
            number(entry.ruling.error),
            Text(entry.claim.domain_stated),
            Text(found(entry)),
        )
    return Group(table, Text(), Text(ledger.summary(), style="bold"), *_notes(ledger))


def found(entry: Entry) -> str:
    """The domain found; for a failure the counterexample, then where the claim does hold."""
    ruling = entry.ruling
    if ruling.verdict is Verdict.FAILS:
        where = f" (holds: {ruling.domain_found})" if ruling.domain_found else ""
        return point(ruling.counterexample) + where
    if ruling.verdict in (Verdict.UNDECIDED, Verdict.NOT_RUN):
        return ruling.reason
    return ruling.domain_found or "as stated"


def _notes(ledger: Ledger) -> list[Text]:
    notes = [
        Text(f"undecided: {e.claim.id}: {e.ruling.reason}", style="yellow")
        for e in ledger.undecided()
    ]
    notes += [
        Text(
            f"differs: {e.claim.id} is {e.ruling.verdict.value}, released as {committed}",
            style="red",
        )
        for e, committed in ledger.differing()
    ]
    return notes


def claim_details(entry: Entry) -> RenderableType:
    """One claim with all its evidence, for ``verify`` of a few ids."""
    lines = [
        Text.assemble(
            (entry.claim.id, "bold"),
            f"  {entry.claim.source}  ",
            (entry.ruling.verdict.value, STYLES[entry.ruling.verdict]),
        ),
        Text(f"  {entry.claim.statement}"),
    ]
    for evidence in entry.ruling.evidence:
        mark = {True: "agrees", False: "refutes", None: "silent"}[evidence.agrees]
        lines.append(
            Text(f"  {evidence.kind.value} {mark}: {evidence.finding.detail}", style="dim")
        )
    return Group(*lines, Text())


def print_ledger(ledger: Ledger, console: Console, *, details: bool) -> None:
    """Print the table, and the evidence of each claim when ``details`` is asked for."""
    if details:
        for entry in ledger.entries:
            console.print(claim_details(entry))
    console.print(ledger_table(ledger))
