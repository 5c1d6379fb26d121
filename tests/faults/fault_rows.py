"""The table of bad arguments: what is called, and the exact line that answers. Filled by ``rows_*.py``.

Rows of other suites are not repeated here: ``tests/numerics/test_numerics_bad_input.py``,
``tests/simulate/test_engine.py`` and ``test_processes.py``, ``tests/optim/test_hyperparameters.py`` and
``test_schedules.py``, ``tests/audit/test_recording.py`` and ``test_record.py``.
"""

from collections.abc import Callable
from typing import NamedTuple

from varlab.core import shown


class Row(NamedTuple):
    """A call and its answer: ``line`` is the whole message, or its beginning where it ends in ``...``."""

    what: str
    call: Callable[[], object]
    line: str
    error: type[Exception] | None = None


def rows(what, function, given, **fixed):
    """One row for each argument that is set to a bad value, all others good."""
    return [
        Row(
            f"{what}({name}={shown(value, 30)})",
            lambda n=name, v=value: function(**{**fixed, n: v}),
            line,
        )
        for name, value, line in given
    ]


NAN, INF = float("nan"), float("inf")
DECAY = "beta2 must lie in [0, 1); got {}"
