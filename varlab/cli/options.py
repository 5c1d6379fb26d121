"""Options that several commands share, and where their results go."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from varlab.core import InputError, real
from varlab.core.files import can_write_to, write_atomic

if TYPE_CHECKING:
    from varlab.audit.verdicts import Bands

Seed = Annotated[int, typer.Option("--seed", min=0, help="Root seed of all random streams.")]


def folder(text: str) -> Path:
    """The path that ``text`` names; an empty text is none, though ``Path`` makes it the current folder."""
    if not text:
        raise typer.BadParameter("needs a folder, . for the current one; got an empty text")
    return Path(text)


Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", parser=folder, help="Write the result's files there."),
]
Json = Annotated[
    str | None, typer.Option("--json", metavar="PATH|-", help="Write JSON to a file, or stdout.")
]

Band = Annotated[
    list[str] | None,
    typer.Option(
        "--band",
        metavar="NAME=VALUE",
        help="Largest effect that still holds, instead of zero-mean=0.2, normality=0.03, "
        "skewness=0.13, identical=0.15, adjacent=0.1, long-range=0.05; several allowed.",
    ),
]
Level = Annotated[float, typer.Option("--level", help="Nominal error rate, in (0, 0.5].")]

# A table that is piped should not be folded to 80 columns.
PIPED_WIDTH = 160


class _Terminal(Console):
    """A console whose reader may leave, as ``head`` does: the command goes on, writes its files and ends."""

    def on_broken_pipe(self) -> None:
        """Print no more."""
        self.quiet = True
        forget_reader()


def forget_reader() -> None:
    """Send what is still printed to nowhere, after the reader of stdout has left."""
    with suppress(OSError, ValueError):  # a stdout that is no file has no reader either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console(*, json_on_stdout: bool = False) -> Console:
    """Where tables go: stdout, or stderr when stdout carries JSON."""
    stream = sys.stderr if json_on_stdout else sys.stdout
    return _Terminal(file=stream, width=None if stream.isatty() else PIPED_WIDTH, highlight=False)


def prepare(out: Path | None, json: str | None) -> None:
    """See that the results can be written, before any work is done; nothing is made.

    Raises
    ------
    InputError
        A place that cannot be written to.
    """
    if json == "":
        raise InputError("--json needs a file's path, or - for stdout; got an empty text")
    if json not in (None, "-"):
        parent = Path(json).parent
        if not parent.is_dir():
            raise InputError(f"cannot write to {json}: no directory {parent}; create it first")
        if Path(json).is_dir():
            raise InputError(f"cannot write to {json}: it is a directory; name a file")
        if not Path(json).exists() or Path(json).is_file():
            can_write_to(parent)
    if out is not None:
        can_write_to(out)


def deliver_json(text: str, json: str | None) -> None:
    """Print or write JSON, if asked for."""
    if json == "-":
        try:
            sys.stdout.write(text)
            sys.stdout.flush()  # a full disk behind it shows here and not at exit
        except BrokenPipeError:
            forget_reader()
    elif json is not None:
        write_atomic(Path(json), text)


def parsed_options(pairs: Sequence[str], option: str = "--option") -> dict[str, Any]:
    """``name=value`` texts of an option; values are numbers where they read as such.

    Raises
    ------
    InputError
        A text of another form.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise InputError(f"{option} has the form name=value; got {pair!r}")
        options[name] = _number(value)
    return options


def parsed_bands(pairs: Sequence[str]) -> Bands:
    """The equivalence bands that ``name=value`` texts of --band change.

    Raises
    ------
    InputError
        A band that there is not, or a value outside (0, 1).
    """
    from varlab.audit.verdicts import Bands

    names = {field.name.replace("_", "-"): field.name for field in fields(Bands)}
    chosen = {}
    for name, value in parsed_options(pairs, "--band").items():
        if name not in names:
            raise InputError(f"no band {name!r}; there are {', '.join(names)}")
        chosen[names[name]] = real(f"band {name}", value, "lie in (0, 1)", lambda v: 0 < v < 1)
    return Bands(**chosen)


def sizes_of_runs(pairs: Sequence[str]) -> dict[str, Any]:
    """As :func:`parsed_options`, for training runs: numbers, lists of them as ``a/b/c``, and a few names.

    Raises
    ------
    InputError
        A text where a number is meant.
    """
    return {name: _size(name, value) for name, value in parsed_options(pairs).items()}


# Options of experiments and tasks that are names, and those that are several numbers.
NAMES_AMONG_SIZES, LISTS_AMONG_SIZES = ("data", "device", "norm"), ("rates", "lengths")


def _size(name: str, value: Any) -> Any:
    if name in NAMES_AMONG_SIZES:
        return str(value)
    if name in LISTS_AMONG_SIZES:
        value = tuple(_number(part) for part in str(value).split("/"))
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, str):
            form = "numbers a/b/c" if name in LISTS_AMONG_SIZES else "a number"
            raise InputError(f"option {name} must be {form}; got {one!r}")
    return value


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float, int, str], None]]:
    """A bar on stderr with rate and time left; silent when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total, what: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Eta

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Eta(),
        TextColumn("{task.fields[what]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, what="")

        def report(done: float, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, what=what)

        yield report
