"""The built-in tasks, one file each: real models on real data, every size an option."""

from varlab.tasks.builtin.registry import TASKS, builtin

__all__ = ["TASKS", "builtin"]
