"""Adam whose step may depend on the step number: the common ground of RAdam, LAMB and the controls.

Parameters of a group are bucketed by their own step number t (one that first gets a gradient late
is younger than its neighbours), and a subclass says what a bucket does at t. Adam's arithmetic is
torch's own functional ``adam`` with its fused and foreach kernels; only lr, eps and weight decay
are handed to it as the subclass wants them at t.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.optim.adam import adam

from varlab.core import InputError, require
from varlab.optim.hyperparameters import (
    Checked,
    check_hyperparameters,
    materialised,
    refuse_sparse,
)

Group = dict[str, Any]
Step = TypeVar("Step", bound=Callable[..., Any])

# Where torch has a fused Adam kernel that the tests of this package cover.
FUSED_DEVICES = frozenset({"cpu", "cuda"})


@dataclass
class Bucket:
    """The parameters of one group that share a step number, a dtype and a device."""

    params: list[Tensor] = field(default_factory=list)
    grads: list[Tensor] = field(default_factory=list)
    exp_avgs: list[Tensor] = field(default_factory=list)
    exp_avg_sqs: list[Tensor] = field(default_factory=list)
    steps: list[Tensor] = field(default_factory=list)

    def add(self, param: Tensor, grad: Tensor, state: Mapping[str, Tensor]) -> None:
        """Append one parameter with its gradient and state."""
        self.params.append(param)
        self.grads.append(grad)
        self.exp_avgs.append(state["exp_avg"])
        self.exp_avg_sqs.append(state["exp_avg_sq"])
        self.steps.append(state["step"])

    def same_layout(self) -> bool:
        """Whether every parameter's four tensors lie in memory alike.

        torch's fused CPU kernel walks plain memory and does not look at strides: with a gradient
        laid out otherwise than its parameter it would pair up the wrong elements.
        """
        for tensors in zip(self.params, self.grads, self.exp_avgs, self.exp_avg_sqs, strict=True):
            if all(t.is_contiguous() for t in tensors):
                continue
            # zeros_like keeps the strides of a dense tensor only, so a strided view differs here.
            if len({t.stride() for t in tensors}) != 1:
                return False
        return True


def _eager(step: Step) -> Step:
    # The step number is a Python number and the kernel is already one fused loop: a compiler could
    # only recompile at every step or move the factors into float32.
    return cast(Step, cast(Any, torch.compiler).disable(step))


class StepwiseAdam(Checked, torch.optim.Adam):
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
            betas=betas,
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

    def move(self, group: Group, t: int, bucket: Bucket) -> None:
        """Make step number ``t`` (from 1) of the parameters in ``bucket``."""
        raise NotImplementedError

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
            key = (int(state["step"]) + 1, param.dtype, param.device)
            buckets.setdefault(key, Bucket()).add(param, param.grad, state)
        return ((t, bucket) for (t, _, _), bucket in buckets.items())


def adam_step(group: Group, bucket: Bucket, *, rate: float = 1.0, eps: float | None = None) -> None:
    """Adam's step with learning rate ``lr * rate``, by torch's kernels.

    Parameters
    ----------
    group : dict
        The parameter group, with its hyper-parameters.
    bucket : Bucket
        Parameters with one step number.
    rate : float
        Factor on the learning rate, > 0. Decoupled weight decay keeps the unscaled lr.
    eps : float, optional
        In place of the group's eps. A zero eps becomes the smallest normal number of the dtype:
        no other quotient changes, and 0/0 becomes 0.
    """
    dtype = bucket.params[0].dtype
    beta1, beta2 = group["betas"]
    decoupled = group["decoupled_weight_decay"]
    decay = group["weight_decay"]
    fused = _use_fused(group, bucket)
    steps = bucket.steps
    on_device = fused and bucket.params[0].device.type != "cpu"
    if on_device:  # the kernel wants its own step numbers beside the parameters
        now = torch.full((len(steps),), float(steps[0]), device=bucket.params[0].device)
        steps = list(now.unbind())
    adam(
        bucket.params,
        bucket.grads,
        bucket.exp_avgs,
        bucket.exp_avg_sqs,
        [],
        steps,
        foreach=False if fused else group["foreach"],
        fused=True if fused else None,
        has_complex=dtype.is_complex,
        decoupled_weight_decay=decoupled,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=group["lr"] * rate,
        # The kernel decays by lr * rate * weight_decay; decoupled decay knows no rate.
        weight_decay=decay / rate if decoupled else decay,
        eps=max(group["eps"] if eps is None else eps, _smallest_normal(dtype)),
        maximize=group["maximize"],
    )
    if on_device:
        torch._foreach_add_(bucket.steps, 1)


def advance_moments(group: Group, bucket: Bucket, *, first: bool = True) -> None:
    """Update v, and m unless ``first`` is False, count the step, and leave the parameters alone."""
    beta1, beta2 = group["betas"]
    decay = 0.0 if group["decoupled_weight_decay"] else group["weight_decay"]
    for i, grad in enumerate(bucket.grads):
        if group["maximize"]:
            grad = -grad
        if decay != 0:
            grad = grad.add(bucket.params[i], alpha=decay)
        bucket.steps[i] += 1
        grad, m, v = _as_real(grad), _as_real(bucket.exp_avgs[i]), _as_real(bucket.exp_avg_sqs[i])
        if first:
            m.lerp_(grad, 1 - beta1)
        v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)


def momentum_step(group: Group, bucket: Bucket, t: int) -> None:
    """Move by -lr mhat_t, the early phase of RAdam (R Alg. 2), with v updated as well."""
    lr = float(group["lr"])
    if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
        for param in bucket.params:
            param.mul_(1 - lr * group["weight_decay"])
    advance_moments(group, bucket)
    rate = lr / bias_correction(group["betas"][0], t)
    for param, m in zip(bucket.params, bucket.exp_avgs, strict=True):
        param.add_(m, alpha=-rate)


def bias_correction(beta: float, t: int) -> float:
    """1 - beta^t, without cancellation for beta near 1."""
    return 1.0 if beta == 0 else -math.expm1(t * math.log(beta))


def _use_fused(group: Group, bucket: Bucket) -> bool:
    if group["foreach"] or group["fused"] is False:
        return False
    param = bucket.params[0]
    able = param.device.type in FUSED_DEVICES and param.is_floating_point()
    if group["fused"] and not able:
        raise InputError(
            f"fused=True needs floating-point parameters on {' or '.join(sorted(FUSED_DEVICES))}; "
            f"got {param.dtype} on {param.device.type}; leave fused=None"
        )
    plain = all(type(p) in (Tensor, torch.nn.Parameter) for p in bucket.params)
    return able and plain and bucket.same_layout()


def _smallest_normal(dtype: torch.dtype) -> float:
    # float16's own (6e-5) would change ordinary quotients; its kernels compute in float32.
    return torch.finfo(torch.float32 if dtype is torch.float16 else dtype).tiny


def _as_real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
