"""Advice on one beta2 as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from varlab.numerics.advice import Advice

if TYPE_CHECKING:
    from varlab.audit.advice import AuditAdvice

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


def measured_table(measured: AuditAdvice) -> Table:
    """Per layer the measured degrees of freedom, what the theory's are to them, and the factor they call for."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer")
    for heading in ("degrees of freedom", "interval", "like step", "factor"):
        table.add_column(heading, justify="right")
    table.add_column("than the theory's")
    for row in measured.layers:
        table.add_row(
            Text(row.layer),
            f"{row.degrees:.3g}",
            "-" if row.ci is None else f"{row.ci[0]:.3g} to {row.ci[1]:.3g}",
            "-" if row.like_step is None else f"{row.like_step:.3g}",
            _multiplier(row.factor),
            row.compared,
        )
    return table


def _multiplier(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
