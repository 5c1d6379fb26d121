"""A block of a task's replicas in lockstep through torch.func, where model, loss and optimiser allow it.

Parameters of the R replicas are stacked along a first axis; one vmapped gradient serves them all;
and because the optimisers listed here act on each element alone, one optimiser over the stacked
parameters makes every replica's step.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree

from varlab.audit.recorder.alike import build_alike
from varlab.audit.recorder.selection import Layer, choose_layers, row_dtype
from varlab.audit.recorder.stepping import replica_seed, start_batches
from varlab.audit.recorder.weight_decay import COUPLED, coupled_decay
from varlab.tasks import Task
from varlab.tasks.task import differentiate, next_batch, own_randomness

if TYPE_CHECKING:
    from varlab.audit.recorder.plan import Plan

ELEMENTWISE = (torch.optim.Adam, torch.optim.AdamW, torch.optim.RAdam, torch.optim.SGD)
# Float32 gradients of the same batch by two orders of summation agree to this, relative to the
# layer's largest element; a model that mixes its replicas up does not.
AGREEMENT = 1e-4


class VectorisedReplicas:
    """R replicas in lockstep; :meth:`step` makes one training step and returns their rows."""

    def __init__(self, plan: Plan, replicas: range, tasks: list[Task]) -> None:
        self.seed, self.replicas = plan.seed, replicas
        self.base = copy.deepcopy(tasks[0].model).to("meta")
        self.loss = tasks[0].loss
        stacked, self.buffers = stack_module_state([task.model for task in tasks])
        self.parameters = {name: nn.Parameter(value.detach()) for name, value in stacked.items()}
        self.optimizer = type(tasks[0].optimizer)(
            self.parameters.values(), **_hyperparameters(tasks[0].optimizer)
        )
        self.streams: list[Iterator[Any]] = [
            start_batches(task.batches, replica_seed(self.seed, replica, 0))
            for replica, task in zip(replicas, tasks, strict=True)
        ]
        layers, _ = choose_layers(
            tasks[0].model,
            tasks[0].optimizer,
            select=plan.select,
            coordinates=plan.coordinates,
            seed=plan.seed,
        )
        self.layers: tuple[Layer, ...] = layers
        self.gradient = vmap(grad(self._loss), randomness="error")
        self.first: NDArray[Any] | None = None  # rows of step 1, once :meth:`agrees` has made it

    def _loss(
        self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], batch: Any
    ) -> Tensor:
        model = _Functional(self.base, {**parameters, **buffers})
        return self.loss(model, batch)  # type: ignore[arg-type]

    def gradients(self, batches: list[Any]) -> dict[str, Tensor]:
        """Gradients of all replicas on a batch each, stacked along the first axis."""
        stacked = pytree.tree_map(lambda *leaves: torch.stack(leaves), *batches)
        values = {name: p.detach() for name, p in self.parameters.items()}
        with _batchable_kernels():
            found: dict[str, Tensor] = self.gradient(values, self.buffers, stacked)
        return found

    def _draw(self, step: int) -> list[Any]:
        """Every replica's batch, each under the random state that it has when it runs alone."""
        batches = []
        for replica, stream in zip(self.replicas, self.streams, strict=True):
            with own_randomness(replica_seed(self.seed, replica, step)):
                batches.append(next_batch(stream, step))
        return batches

    def agrees(self, tasks: list[Task]) -> bool:
        """Make the first step, and say whether ordinary ones have its gradients and end where it does.

        The ordinary steps are those of the first and the last of ``tasks``, which move by them.
        """
        batches = self._draw(1)
        found = self.gradients(batches)
        self.first = self._move(found)
        for i in {0, len(tasks) - 1}:
            differentiate(tasks[i], batches[i], 1)
            named = dict(tasks[i].model.named_parameters())
            for name, parameter in named.items():
                if parameter.grad is None or not _close(
                    found[name][i], parameter.grad, AGREEMENT * _largest(parameter.grad)
                ):
                    return False
                # The last bits of a gradient near 0 decide the sign of Adam's first step: the
                # optimisers are compared on the same gradients.
                parameter.grad.copy_(found[name][i])
            before = {name: p.detach().clone() for name, p in named.items()}
            tasks[i].optimizer.step()
            for name, parameter in named.items():
                after, there = self.parameters[name].detach()[i], parameter.detach()
                rounding = 4 * torch.finfo(there.dtype).eps * _largest(there)
                moved = _largest(there - before[name])
                if not _close(after, there, AGREEMENT * moved + rounding):
                    return False
        return True

    def step(self, step: int) -> NDArray[Any]:
        """Step number ``step`` of every replica; the recorded coordinates, shape (replica, coordinate)."""
        made, self.first = self.first, None
        return self._move(self.gradients(self._draw(step))) if made is None else made

    def _move(self, found: dict[str, Tensor]) -> NDArray[Any]:
        """One step of the optimiser along ``found``; the coordinates it saw."""
        for name, parameter in self.parameters.items():
            parameter.grad = found[name]
        rows = (
            torch.cat([self._selected(layer) for layer in self.layers], dim=1)
            .to(row_dtype(self.layers))
            .numpy(force=True)
            .copy()
        )
        self.optimizer.step()
        return rows

    def _selected(self, layer: Layer) -> Tensor:
        parameter = self.parameters[layer.name]
        values = parameter.grad.flatten(1)[:, layer.indices]  # type: ignore[union-attr]
        if decay := coupled_decay(self.optimizer.param_groups[0], COUPLED):
            values = values + decay * parameter.detach().flatten(1)[:, layer.indices]
        return values


class _Functional:
    """Stands in for the model inside the loss: calls it with one replica's state."""

    def __init__(self, base: nn.Module, state: dict[str, Tensor]) -> None:
        self._base, self._state = base, state

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return functional_call(self._base, self._state, args, kwargs)


@contextmanager
def _batchable_kernels() -> Iterator[None]:
    """Choose kernels that have a batching rule; the usual ones would run replica by replica."""
    with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):
        # Setting oneDNN's flags warns about GPUs that are not in play.
        warnings.simplefilter("ignore", UserWarning)
        with torch.backends.mkldnn.flags(enabled=False):
            yield


def vectorise(plan: Plan, replicas: range, like: Task) -> VectorisedReplicas | None:
    """Some replicas of ``plan`` in lockstep, or None where that would not give the same answer.

    Refused: optimisers that are not elementwise, have several groups, differ between the replicas, or
    have hooks or a step() of their own (a scheduler replaces it, too), parameters that the optimiser
    leaves out or that have hooks, complex ones, normalisation with running statistics, dropout, and
    whatever torch.func cannot run. The first step is compared with ordinary ones before it is trusted.
    """
    first = build_alike(plan, like, replicas[0])
    if type(first.optimizer) not in ELEMENTWISE or len(first.optimizer.param_groups) != 1:
        return None
    if first.optimizer.param_groups[0].get("maximize") or first.optimizer.state:
        return None
    if _has_own_step(first.optimizer):
        return None
    optimised = {id(p) for p in first.optimizer.param_groups[0]["params"]}
    if any(id(p) not in optimised or _special(p) for p in first.model.parameters()):
        return None
    if any(_stateful(module) for module in first.model.modules()):
        return None
    tasks = [first, *(build_alike(plan, like, replica) for replica in replicas[1:])]
    if any(_setting(task.optimizer) != _setting(first.optimizer) for task in tasks):
        return None
    try:
        together = VectorisedReplicas(plan, replicas, tasks)
        agrees = together.agrees(tasks)
    except (Exception, SystemExit):
        # torch.func raises many types for what it cannot batch; the ordinary way is always right.
        return None
    return together if agrees else None


def _setting(optimizer: torch.optim.Optimizer) -> tuple[Any, ...]:
    """All that one optimiser over stacked parameters takes from a replica's own."""
    return type(optimizer), len(optimizer.param_groups), _hyperparameters(optimizer)


def _has_own_step(optimizer: torch.optim.Optimizer) -> bool:
    """Whether more happens in a step than its class says: the stacked optimiser would not do it."""
    hooks = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
    return bool(hooks) or "step" in vars(optimizer)


def _special(parameter: nn.Parameter) -> bool:
    """Frozen, complex, or with hooks on its gradient."""
    hooks = parameter._backward_hooks or parameter._post_accumulate_grad_hooks
    return not parameter.requires_grad or parameter.is_complex() or bool(hooks)


def _largest(values: Tensor) -> Tensor:
    """Largest magnitude; 0 without elements."""
    return values.abs().max() if values.numel() else values.new_zeros(())


def _close(a: Tensor, b: Tensor, tolerance: Tensor) -> bool:
    """Whether all elements agree; not if one is NaN."""
    return bool((_largest(a - b) <= tolerance).item())


def _stateful(module: nn.Module) -> bool:
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    if isinstance(module, nn.MultiheadAttention | nn.RNNBase):
        return module.dropout > 0
    return bool(getattr(module, "track_running_stats", False))


def _hyperparameters(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    # AdamW keeps decoupled_weight_decay among its defaults, and does not take it.
    taken = inspect.signature(type(optimizer)).parameters
    group = optimizer.param_groups[0]
    return {name: group[name] for name in optimizer.defaults if name in taken}
