"""The sources' training experiments at laptop scale, one file each; every size is an option.

Each function returns an :class:`varlab.tasks.training.Experiment` for
:func:`varlab.tasks.training.train`. Options that are not named in a signature go to the task
(``data=PATH``, ``depth=20``, ``width=16``, ``batch=128``, ...), which is how one asks for the
sources' own sizes.
"""

from collections.abc import Callable

from varlab.tasks.experiments.controls import controls
from varlab.tasks.experiments.first_steps import first_steps
from varlab.tasks.experiments.image import image
from varlab.tasks.experiments.language_model import language_model
from varlab.tasks.experiments.lenet_decay import lenet_decay
from varlab.tasks.experiments.robustness import robustness
from varlab.tasks.experiments.schedules import schedules
from varlab.tasks.experiments.warmup_tuning import warmup_tuning
from varlab.tasks.training import Experiment

EXPERIMENTS: dict[str, Callable[..., Experiment]] = {
    "controls": controls,
    "language-model": language_model,
    "image": image,
    "robustness": robustness,
    "warmup-tuning": warmup_tuning,
    "first-steps": first_steps,
    "lenet-decay": lenet_decay,
    "schedules": schedules,
}

__all__ = [
    "EXPERIMENTS",
    "controls",
    "first_steps",
    "image",
    "language_model",
    "lenet_decay",
    "robustness",
    "schedules",
    "warmup_tuning",
]
