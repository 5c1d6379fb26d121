"""What a bucket of parameters may do in one step: Adam's step, a momentum step, or fill its moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

from varlab.core import InputError
from varlab.numerics.weights import bias_correction

Group = dict[str, Any]

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
            param, grad, m, v = tensors
            if (
                param.is_contiguous()
                and grad.is_contiguous()
                and m.is_contiguous()
                and v.is_contiguous()
            ):
                continue
            # zeros_like keeps the strides of a dense tensor only, so a strided view differs here.
            if not param.stride() == grad.stride() == m.stride() == v.stride():
                return False
        return True


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
    rate = lr / float(bias_correction(t, group["betas"][0]))
    for param, m in zip(bucket.params, bucket.exp_avgs, strict=True):
        param.add_(m, alpha=-rate)


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
