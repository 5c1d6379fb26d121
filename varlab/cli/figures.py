"""``varlab figures``: redraw the figures from their kept data, or compute the data afresh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from varlab.cli.options import Seed, console, progress_bar
from varlab.cli.verify import BudgetOption
from varlab.core.files import can_write_to


def command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Figures; all if none given.")
    ] = None,
    regenerate: Annotated[
        bool, typer.Option("--regenerate", help="Compute the data afresh before drawing.")
    ] = False,
    budget: Annotated[
        BudgetOption, typer.Option(help="How much work --regenerate may do.")
    ] = BudgetOption.fast,
    list_names: Annotated[bool, typer.Option("--list", help="Print the names and stop.")] = False,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Draw there; data computed afresh goes to DIR/data."
        ),
    ] = None,
) -> int:
    """Redraw figures as PNG and SVG; drawing never reruns a computation."""
    from paper_figures.store import HERE, NAMES, figure

    figures = [figure(name) for name in names or NAMES]
    if list_names:
        for each in figures:
            print(f"{each.name:<12} {each.title}")
        return 0
    directory = can_write_to(out) if out else HERE / "rendered"
    terminal = console()
    with progress_bar("figures") as progress:
        for done, each in enumerate(figures, 1):
            root = HERE
            if regenerate:
                root = out or HERE
                each.regenerate(budget.value, seed, root)
            for path in each.render(directory, root):
                terminal.print(str(path))
            progress(done, len(figures), each.name)
    return 0
