"""Advice on one beta2 as a table."""

from __future__ import annotations

from rich.table import Table

from varlab.numerics.advice import Advice

HEADINGS = ("t", "rho_t", "n_t (Kish)", "r_t", "exact r_t", "linear", "exponential")


def advice_table(advice: Advice) -> Table:
    """Degrees of freedom and the multipliers of the learning rate over t; a dash where undefined."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for row in advice.rows:
        table.add_row(
            str(row.t),
            f"{row.rho_t:.4g}",
            f"{row.kish:.4g}",
            _multiplier(row.r_t),
            _multiplier(row.exact),
            _multiplier(row.linear),
            _multiplier(row.exponential),
        )
    return table


def _multiplier(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
