"""Real models on real data, and the protocol for the user's own."""

from varlab.tasks.builtin import TASKS, builtin
from varlab.tasks.task import Task, TaskFactory, build, separates_order

__all__ = ["TASKS", "Task", "TaskFactory", "build", "builtin", "separates_order"]
