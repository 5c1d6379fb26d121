"""The command line: ``varlab COMMAND``. One file a command.

Exit status: 0 ran; 1 ran, and the answer is bad; 2 bad input: one line on stderr, no traceback,
nothing written.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import cast

import typer
from typer.main import get_command

from varlab.cli import advise, audit, calibrate, conform, figures, simulate, verify
from varlab.core import InputError
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
app.command("verify")(verify.command)
app.command("advise")(advise.command)
app.command("simulate")(simulate.command)
app.command("conform")(conform.command)
app.command("audit")(audit.command)
app.command("calibrate")(calibrate.command)
app.command("figures")(figures.command)

# Every complaint of the option parser: the base of the one that typer names.
USAGE_ERRORS = cast(type[Exception], typer.BadParameter.__mro__[1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: list[str]) -> int:
    """Run one command; the exit status. Complaints are one line on stderr."""
    command = get_command(app)
    if arguments[:1] == ["simulate"]:
        arguments = simulate.spread(arguments)
    try:
        status = command.main(list(arguments), prog_name="varlab", standalone_mode=False)
    except InputError as error:
        return _complain(str(error))
    except USAGE_ERRORS as error:
        if not arguments:  # nothing asked for: the overview, as it is meant to be read
            print(getattr(error, "message", ""), file=sys.stderr)
            return 2
        return _complain(_one_line(error))
    except ModuleNotFoundError as error:
        return _complain(not_installed(f"varlab {arguments[0]}", error))
    except typer.Abort:
        return _complain("interrupted")
    except KeyboardInterrupt:
        return _complain("interrupted")
    return status if isinstance(status, int) else 0


def _one_line(error: Exception) -> str:
    message = getattr(error, "format_message", lambda: str(error))()
    return " ".join(message.split()) + "; see `varlab --help`"


def _complain(message: str) -> int:
    print(f"varlab: {message}", file=sys.stderr)
    return 2
