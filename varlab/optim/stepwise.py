"""Adam whose step may depend on the step number: the common ground of RAdam, LAMB and the controls.

Parameters of a group are bucketed by their own step number t (one that first gets a gradient late
is younger than its neighbours), and a subclass says what a bucket does at t. Adam's arithmetic is
torch's own functional ``adam`` with its fused and foreach kernels; only lr, eps and weight decay
are handed to it as the subclass wants them at t (:mod:`varlab.optim.moves`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from varlab.core import require
from varlab.optim.hyperparameters import (
    Checked,
    check_hyperparameters,
    materialised,
    refuse_sparse,
)
from varlab.optim.moves import Bucket, Group

Step = TypeVar("Step", bound=Callable[..., Any])


def _eager(step: Step) -> Step:
    # The step number is a Python number and the kernel is already one fused loop: a compiler could
    # only recompile at every step or move the factors into float32.
    disabled = cast(Any, torch.compiler).disable(step)

    # A function around it, without its attributes: torch.compile of torch 2.7 and 2.8 looks for the step
    # behind a disabled one, and so loses the optimiser that a bound ``optimizer.step`` belongs to.
    @wraps(step, updated=())
    def eager(*args: Any, **kwargs: Any) -> Any:
        return disabled(*args, **kwargs)

    return cast(Step, eager)


class StepwiseAdam(Checked, torch.optim.Adam, ABC):
    """Adam whose subclasses say, in :meth:`move`, what happens at step number t."""

    # A subclass's own options until they stand in ``defaults``; empty for an unpickled optimiser.
    _options: Mapping[str, Any] = MappingProxyType({})

    def __init__(
        self,
        params: Any,
        lr: float | Tensor,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
        decoupled_weight_decay: bool,
        *,
        maximize: bool,
        foreach: bool | None,
        fused: bool | None,
        options: Mapping[str, Any],
    ) -> None:
        params = materialised(params)
        check_hyperparameters({"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})
        # Known before torch's constructor adds the first group, which is checked against them.
        self._options = MappingProxyType(dict(options))
        super().__init__(
            params,
            lr=lr,
            betas=(float(betas[0]), float(betas[1])),
            eps=eps,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
            foreach=foreach,
            fused=fused,
        )
        self.defaults.update(options)
        # A GradScaler then unscales the gradients and skips the bad steps by itself, so that the
        # step numbers kept here stay right.
        self._step_supports_amp_scaling = False

    def add_param_group(self, param_group: Group) -> None:
        """Add a parameter group; see :meth:`torch.optim.Optimizer.add_param_group`."""
        super().add_param_group({**self._options, **param_group})

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Also refuse the options of torch's Adam that a step depending on t cannot honour."""
        super().check_group(group)
        for name in ("amsgrad", "capturable", "differentiable"):
            require(
                not group.get(name), name, f"be False for {type(self).__name__}", group.get(name)
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        cast(Any, super()).__setstate__(state)  # torch leaves it untyped
        for group in self.param_groups:
            for name, default in self.defaults.items():
                group.setdefault(name, default)
            for param in group["params"]:
                if "step" in self.state.get(param, {}):
                    # On the host whatever the kernel: the step number is read at every step.
                    self.state[param]["step"] = self.state[param]["step"].to("cpu")

    @_eager
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Perform one step.

        Parameters
        ----------
        closure : callable, optional
            Re-evaluates the model and returns the loss.

        Raises
        ------
        RuntimeError
            A sparse gradient.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for t, bucket in self._buckets(group):
                    self.move(group, t, bucket)
        return loss

    @abstractmethod
    def move(self, group: Group, t: int, bucket: Bucket) -> None:
        """Make step number ``t`` (from 1) of the parameters in ``bucket``, some of those of ``group``."""

    def _buckets(self, group: Group) -> Iterator[tuple[int, Bucket]]:
        buckets: dict[tuple[int, torch.dtype, torch.device], Bucket] = {}
        for param in group["params"]:
            if param.grad is None:
                continue
            refuse_sparse(type(self).__name__, param.grad)
            state = self.state[param]
            if not state:
                state["step"] = torch.tensor(0.0)
                state["exp_avg"] = torch.zeros_like(param)
                state["exp_avg_sq"] = torch.zeros_like(param)
            key = (int(state["step"].item()) + 1, param.dtype, param.device)
            if key not in buckets:
                buckets[key] = Bucket()
            buckets[key].add(param, param.grad, state)
        return ((t, bucket) for (t, _, _), bucket in buckets.items())
