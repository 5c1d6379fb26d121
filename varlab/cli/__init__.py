"""The command line: ``varlab COMMAND``. One file a command.

Exit status: 0 ran; 1 ran, and the answer is bad (a verdict undecided or unlike the released one, an
optimiser that does not conform, a simulation unlike its law, a test that alarms too often); 2 bad
input, a full disk, too little memory: one line on stderr, no traceback, nothing half written; 130
interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import typer
from typer.main import get_command

from varlab import __version__
from varlab.cli import advise, audit, calibrate, conform, figures, simulate, verify
from varlab.cli.options import forget_reader
from varlab.core import InputError, told
from varlab.core.errors import not_installed

app = typer.Typer(
    name="varlab",
    help="Settle what is true about warm-up and the variance of the adaptive learning rate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def _overview(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and stop.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """What the commands share: nothing but the version."""


app.command("verify")(verify.command)
app.command("advise")(advise.command)
app.command("simulate")(simulate.command)
app.command("conform")(conform.command)
app.command("audit")(audit.command)
app.command("calibrate")(calibrate.command)
app.command("figures")(figures.command)

# What shells report of a command that Ctrl-C ended.
INTERRUPTED = 128 + 2
# What they report of one whose reader has left.
BROKEN_PIPE = 128 + 13
# Every complaint of the option parser: the base of the one that typer names.
USAGE_ERRORS = cast(type[Exception], typer.BadParameter.__mro__[1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    # Pictures go to files, whatever the user's own sessions show them in.
    os.environ["MPLBACKEND"] = "agg"
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: list[str]) -> int:
    """Run one command; the exit status. Complaints are one line on stderr."""
    _provide_streams()
    command = get_command(app)
    if arguments[:1] == ["simulate"]:
        arguments = simulate.spread(arguments)
    try:
        status = command.main(list(arguments), prog_name="varlab", standalone_mode=False)
        sys.stdout.flush()
        if status == INTERRUPTED:  # what the option parser makes of Ctrl-C
            raise KeyboardInterrupt
    except InputError as error:
        return _complain(str(error))
    except USAGE_ERRORS as error:
        if not arguments:  # nothing asked for: the overview, as it is meant to be read
            print(getattr(error, "message", ""), file=sys.stderr)
            return 2
        return _complain(_one_line(error))
    except ModuleNotFoundError as error:
        return _complain(not_installed(f"varlab {arguments[0]}", error))
    except (typer.Abort, KeyboardInterrupt):
        return _complain(f"interrupted; {_how_to_go_on(arguments)}", INTERRUPTED)
    except (BrokenPipeError, SystemExit) as error:  # the reader of a list had enough
        # The option parser makes SystemExit(1) of it.
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        forget_reader()
        return BROKEN_PIPE
    except OSError as error:  # a place that broke while we used it
        place = error.filename or "the output"
        if not error.filename:  # what is left in the buffer would fail again at exit
            forget_reader()
        return _complain(f"cannot use {place}: {error.strerror or error}; choose another place")
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        return _complain(f"out of memory ({told(error)}); ask for less, or use a larger machine")
    return status if isinstance(status, int) else 0


def _provide_streams() -> None:
    """Make streams that take what is printed.

    Python has no stdout or stderr where the caller closed it: what is printed then goes nowhere. A character
    that the terminal's encoding lacks is shown by its number.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


# Where under --out a command keeps what a later run takes up again.
KEPT = {
    "simulate": simulate.STORE,
    "audit": audit.STORE,
    "verify": verify.RUNS,
    "figures": verify.RUNS,
}


def _how_to_go_on(arguments: list[str]) -> str:
    command, out = arguments[0] if arguments else "", _out(arguments)
    kept = None if out is None or command not in KEPT else out / KEPT[command]
    if kept is None or not kept.is_dir() or not any(kept.iterdir()):
        return "the same command starts again" if command == "figures" else "nothing was kept"
    if command in ("verify", "figures") or "--resume" in arguments:
        return "the same command goes on from what was kept"
    return "the same command with --resume goes on from what was kept"


def _out(arguments: list[str]) -> Path | None:
    """The folder that --out names; None without it."""
    for word, following in zip(arguments[::-1], ["", *arguments[:0:-1]], strict=True):
        if word == "--out" and following:
            return Path(following)
        if word.startswith("--out="):
            return Path(word.removeprefix("--out="))
    return None


def _out_of_memory(error: Exception) -> bool:
    """NumPy's error, or torch's: one of its own for GPUs, a plain RuntimeError for CPUs."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "allocate memory" in str(error)
    )


def _one_line(error: Exception) -> str:
    message = getattr(error, "format_message", lambda: str(error))()
    return " ".join(message.split()) + "; see `varlab --help`"


def _complain(message: str, status: int = 2) -> int:
    print(f"varlab: {message}", file=sys.stderr)
    return status
