"""``varlab figures``: redraw the figures from their kept data, or compute the data afresh."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from varlab.cli.options import Seed, console, folder, progress_bar, sizes_of_runs
from varlab.cli.verify import RUNS, BudgetOption
from varlab.core import InputError
from varlab.core.files import can_write_to


class ScaleOption(StrEnum):
    """Values of --scale."""

    laptop = "laptop"
    paper = "paper"


def command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Figures; all if none given.")
    ] = None,
    regenerate: Annotated[
        bool, typer.Option("--regenerate", help="Compute the data afresh before drawing.")
    ] = False,
    budget: Annotated[
        BudgetOption, typer.Option(help="How much work --regenerate may do.")
    ] = BudgetOption.fast,
    data: Annotated[
        Path | None,
        typer.Option(help="The user's data for the training runs (CIFAR-10, MNIST, text, TSV)."),
    ] = None,
    scale: Annotated[
        ScaleOption, typer.Option(help="Sizes of the training runs: a laptop's, or the paper's.")
    ] = ScaleOption.laptop,
    option: Annotated[
        list[str] | None,
        typer.Option(help="name=value of an experiment or its task (steps, seeds, depth, device)."),
    ] = None,
    list_names: Annotated[bool, typer.Option("--list", help="Print the names and stop.")] = False,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            parser=folder,
            help="Draw there; data computed afresh goes to DIR/data. Without it: paper_figures in a "
            "checkout, else ./figures.",
        ),
    ] = None,
) -> int:
    """Redraw the figures as PNG and SVG from their kept data.

    Drawing never reruns a computation. Training runs of --regenerate --out DIR are kept in DIR/runs
    and taken up again after a kill.
    """
    from paper_figures.runs import Runs
    from paper_figures.store import HERE, IN_A_CHECKOUT, NAMES, figure

    figures = [figure(name) for name in names or NAMES]
    if list_names:
        for each in figures:
            print(f"{each.name:<12} {each.title}")
        return 0
    chosen = {**sizes_of_runs(option or []), **({} if data is None else {"data": str(data)})}
    if (chosen or scale is not ScaleOption.laptop) and not (regenerate and out):
        raise InputError(
            "--data, --scale and --option need --regenerate and --out DIR: "
            "the package's own data stays at laptop scale"
        )
    if chosen or scale is ScaleOption.paper:
        if not names:
            figures = [each for each in figures if each.trains]
        for each in figures:
            each.refuse_options(chosen)
    if out is None and not IN_A_CHECKOUT:  # an installed package is no place to write to
        out = Path("figures")
    directory = can_write_to(out or HERE / "rendered")
    terminal = console()
    with progress_bar("figures") as progress:
        for done, each in enumerate(figures, 1):
            root = HERE
            if regenerate:
                root = out or HERE
                sizes = {**(each.paper or {}), **chosen} if scale is ScaleOption.paper else chosen
                runs = Runs(
                    sizes,
                    out / RUNS / each.name if out and each.trains else None,
                    partial(_within, progress, done - 1, len(figures), each.name),
                )
                each.regenerate(budget.value, seed, root, runs)
            for path in each.render(directory, root):
                terminal.print(str(path))
            progress(done, len(figures), each.name)
    return 0


def _within(
    progress: Callable[[float, int, str], None],
    before: int,
    figures: int,
    name: str,
    done: int,
    total: int,
    what: str,
) -> None:
    """A figure's own progress as a part of the whole."""
    progress(before + done / total, figures, f"{name}: run {done} of {total}, {what}")
