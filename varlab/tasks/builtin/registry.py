"""The built-in tasks by name. A new task: one file beside this one, one line here."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from varlab.core import InputError, whole
from varlab.tasks.builtin.family import Family
from varlab.tasks.task import Task

# The name of a task is that of its module with hyphens.
MODULES = (
    "mlp",
    "lenet",
    "resnet20",
    "lstm_lm",
    "transformer_lm",
    "transformer_mt",
    "mlp_mixer",
)

TASKS: dict[str, Family] = {
    name.replace("_", "-"): import_module(f"varlab.tasks.builtin.{name}").TASK for name in MODULES
}

# Least values of the options that are sizes; those of batch and depth depend on the task.
SIZES = {
    "layers": 0,
    **dict.fromkeys(("hidden", "width", "embedding", "length", "longest", "heads"), 1),
    **dict.fromkeys(("feedforward", "patch"), 1),
}


def builtin(name: str, **options: Any) -> partial[Task]:
    """The factory of the task ``name`` with ``options`` set.

    Raises
    ------
    InputError
        An unknown task or option, a size that is not a whole number or too small.
    """
    if name not in TASKS:
        raise InputError(f"no task {name!r}; there are {', '.join(TASKS)}")
    task = TASKS[name]
    for option, value in options.items():
        if option not in task.options:
            raise InputError(
                f"task {name} has no option {option!r}; it has {', '.join(task.options)}"
            )
        if option in SIZES:
            whole(option, value, SIZES[option])
    return partial(task, **options)
