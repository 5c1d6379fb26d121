"""Conformance of several targets, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from varlab.optim.conformance import Conformance, Verdict
from varlab.report.text import number

STYLES = {
    Verdict.CONFORMS: "green",
    Verdict.CONFORMS_FLOAT32: "cyan",
    Verdict.DIFFERS: "bold red",
    Verdict.NOT_RADAM: "bold red",
    Verdict.ERROR: "bold yellow",
}


def conformance_table(results: Sequence[Conformance]) -> Table:
    """Target, version, verdict, threshold, early phase, largest error, eps, decay."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("target", "version", "verdict"):
        table.add_column(heading, no_wrap=True)
    table.add_column("adaptive if", no_wrap=True)
    table.add_column("early phase")
    table.add_column("largest error of r_t", justify="right")
    table.add_column("eps")
    table.add_column("weight decay")
    table.add_column("faults", justify="right")
    for result in results:
        errors = [e for e in result.max_relative_error.values() if e is not None]
        table.add_row(
            Text(result.target),
            result.version,
            Text(str(result.verdict), style=STYLES[result.verdict]),
            f"rho_t > {result.threshold}" if result.threshold else "other",
            result.early_phase,
            number(max(errors, default=None)),
            Text(result.eps_placement),
            result.weight_decay,
            str(len(result.faults)),
        )
    return table
