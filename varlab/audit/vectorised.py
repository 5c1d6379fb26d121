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

from varlab.audit.stepping import replica_seed
from varlab.audit.tap import Layer, choose_layers, coupled_decay
from varlab.tasks import Task
from varlab.tasks.task import differentiate, next_batch, own_randomness

if TYPE_CHECKING:
    from varlab.audit.plan import Plan

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
        self.steps = 0
        self.streams: list[Iterator[Any]] = [iter(task.batches) for task in tasks]
        layers, _ = choose_layers(
            tasks[0].model,
            tasks[0].optimizer,
            select=plan.select,
            coordinates=plan.coordinates,
            seed=plan.seed,
        )
        self.layers: tuple[Layer, ...] = layers
        self.gradient = vmap(grad(self._loss), randomness="error")
        # Drawn already, for the comparison with ordinary gradients.
        self.first: list[Any] | None = self._draw(1)

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

    def step(self, step: int) -> NDArray[Any]:
        """Step number ``step`` of every replica; the recorded coordinates, shape (replica, coordinate)."""
        batches, self.first = self.first or self._draw(step), None
        found = self.gradients(batches)
        for name, parameter in self.parameters.items():
            parameter.grad = found[name]
        rows = (
            torch.cat([self._selected(layer) for layer in self.layers], dim=1)
            .numpy(force=True)
            .copy()
        )
        self.optimizer.step()
        return rows

    def _selected(self, layer: Layer) -> Tensor:
        parameter = self.parameters[layer.name]
        values = parameter.grad.flatten(1)[:, layer.indices]  # type: ignore[union-attr]
        if decay := coupled_decay(self.optimizer, self.optimizer.param_groups[0]):
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


def vectorise(plan: Plan, replicas: range) -> VectorisedReplicas | None:
    """Some replicas of ``plan`` in lockstep, or None where that would not give the same answer.

    Refused: optimisers that are not elementwise or have several groups, parameters that the
    optimiser leaves out, normalisation with running statistics, dropout, and whatever torch.func
    cannot run. The first gradients are compared with ordinary ones before it is trusted.
    """
    first = plan.build(replicas[0])
    if type(first.optimizer) not in ELEMENTWISE or len(first.optimizer.param_groups) != 1:
        return None
    if first.optimizer.param_groups[0].get("maximize") or first.optimizer.state:
        return None
    optimised = {id(p) for p in first.optimizer.param_groups[0]["params"]}
    if any(id(p) not in optimised or not p.requires_grad for p in first.model.parameters()):
        return None
    if any(_stateful(module) for module in first.model.modules()):
        return None
    tasks = [first, *(plan.build(replica) for replica in replicas[1:])]
    try:
        together = VectorisedReplicas(plan, replicas, tasks)
        batches = together.first or []
        found = together.gradients(batches)
    except (Exception, SystemExit):
        # torch.func raises many types for what it cannot batch; the ordinary way is always right.
        return None
    for replica in {0, len(tasks) - 1}:
        task = tasks[replica]
        differentiate(task, batches[replica], 1)
        for name, parameter in task.model.named_parameters():
            if parameter.grad is None:
                return None
            if parameter.numel() == 0:
                continue
            largest = parameter.grad.abs().max()
            if not (found[name][replica] - parameter.grad).abs().max() <= AGREEMENT * largest:
                return None
    return together


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
