"""Replicas are of one model: what tells a replica's from the first's, before any of it is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.parameter import is_lazy

from varlab.audit.recorder.selection import clean_name, optimised_ids
from varlab.audit.recorder.watch import second_moment_decay
from varlab.core import InputError, shortest
from varlab.tasks import Task

if TYPE_CHECKING:
    from varlab.audit.recorder.plan import Plan

REMEDY = "a factory must build the same model and optimizer for every seed"


class UnlikeReplicaError(InputError):
    """A replica that cannot be recorded beside the others, in this run or a later one."""


def build_alike(plan: Plan, first: Task, replica: int) -> Task:
    """The task of ``replica``, which may differ from ``first``, replica 0, in its values alone.

    Names and shapes of the parameters, which of them are updated, and beta2 must be the same: rows are
    laid out by the first model, and pooled across replicas.

    Raises
    ------
    UnlikeReplicaError
        Naming the first difference.
    """
    task = plan.build(replica)
    if told := _difference(first, task, replica):
        raise UnlikeReplicaError(f"{told}; {REMEDY}")
    return task


def _difference(first: Task, task: Task, replica: int) -> str:
    """The first difference, in words; empty if there is none."""
    which = f"replica {replica}" if replica else "replica 0 when built again"
    there, here = _shapes(first), _shapes(task)
    for name, shape in there.items():
        if name not in here:
            return f"{name}, of shape {shape} in replica 0, is missing in {which}"
        if here[name] != shape:
            return f"{name} has shape {shape} in replica 0, and {here[name]} in {which}"
    for name, shape in here.items():
        if name not in there:
            return f"{name}, of shape {shape} in {which}, is missing in replica 0"
    updated_there, updated_here = _updated(first), _updated(task)
    for name in there:
        if (name in updated_there) != (name in updated_here):
            one, other = ("replica 0", which) if name in updated_there else (which, "replica 0")
            return f"{name} is updated in {one}, and not in {other}"
    decay, own = (second_moment_decay(each.optimizer) for each in (first, task))
    return (
        ""
        if own == decay
        else f"beta2 is {shortest(decay)} in replica 0, and {shortest(own)} in {which}"
    )


def _shapes(task: Task) -> dict[str, tuple[int, ...] | None]:
    """By name; None of a parameter that has no shape yet."""
    return {
        clean_name(name): None if is_lazy(parameter) else tuple(parameter.shape)
        for name, parameter in task.model.named_parameters()
    }


def _updated(task: Task) -> set[str]:
    """Names of the parameters that the optimiser updates."""
    optimised = optimised_ids(task.optimizer)
    return {
        clean_name(name)
        for name, parameter in task.model.named_parameters()
        if parameter.requires_grad and id(parameter) in optimised
    }
