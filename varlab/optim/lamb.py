"""LAMB (You et al., arXiv 1904.00962, Algorithm 2): Adam's direction, one learning rate a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from varlab.core import require
from varlab.optim.moves import Bucket, Group, adam_step
from varlab.optim.stepwise import StepwiseAdam


class LAMB(StepwiseAdam):
    r"""Layer-wise adaptive moments.

    .. math::
        u_t = \hat m_t / (\sqrt{\hat v_t} + \epsilon) + \lambda \theta_{t-1}, \qquad
        \theta_t = \theta_{t-1} - \alpha\, \frac{\phi(\|\theta_{t-1}\|)}{\|u_t\|}\, u_t

    for every layer, i.e. every parameter tensor. The ratio is 1 where either norm is 0.

    Parameters
    ----------
    params : iterable
        Parameters, or dictionaries of parameter groups: one group with ``weight_decay=0`` holds the
        names excluded from decay.
    lr : float or Tensor
        alpha, finite, >= 0.
    betas : (float, float)
        beta1 and beta2, each in [0, 1).
    eps : float
        >= 0, beside the bias-corrected root.
    weight_decay : float
        lambda >= 0, inside the layer's norm and outside the moments.
    clip : (float, float), optional
        [gamma_l, gamma_u] with 0 <= gamma_l <= gamma_u, to which phi clips the weight norm; phi is
        the identity when None.
    maximize, foreach, fused
        As in torch's Adam, whose kernels compute the direction.

    Raises
    ------
    DomainError
        A hyper-parameter outside its domain; an empty parameter list raises ``InputError``.
    RuntimeError
        At a step: a sparse gradient.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        clip: tuple[float, float] | None = None,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            decoupled_weight_decay=True,
            maximize=maximize,
            foreach=foreach,
            fused=fused,
            options={"clip": clip},
        )

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Also check ``clip``."""
        super().check_group(group)
        clip = group["clip"]
        if clip is not None:
            pair = isinstance(clip, tuple | list) and len(clip) == 2
            require(
                pair and all(isinstance(c, Real) for c in clip) and 0 <= clip[0] <= clip[1],
                "clip",
                "be None or a pair 0 <= gamma_l <= gamma_u",
                clip,
                "(0, 10) is the usual choice",
            )

    def move(self, group: Group, t: int, bucket: Bucket) -> None:
        """Adam's direction from a step of length 1 off zero, then the layers' own rates."""
        descents = [torch.zeros_like(p) for p in bucket.params]
        plain = {**group, "lr": 1.0, "weight_decay": 0.0}
        adam_step(plain, replace(bucket, params=descents))
        for param, descent in zip(bucket.params, descents, strict=True):
            if group["weight_decay"] != 0:
                descent.sub_(param, alpha=group["weight_decay"])
            rate = trust_ratio(param, descent, group["clip"]) * group["lr"]
            param.add_(descent.mul_(rate))


def trust_ratio(theta: Tensor, update: Tensor, clip: tuple[float, float] | None = None) -> Tensor:
    """phi(norm(theta)) / norm(update) as a scalar tensor; 1 where either norm is 0.

    Parameters
    ----------
    theta, update : Tensor
        A layer's weights and its step before scaling, of the same shape.
    clip : (float, float), optional
        The interval to which phi clips the weight norm.
    """
    weight_norm = _norm(theta)
    update_norm = _norm(update)
    phi = weight_norm if clip is None else weight_norm.clamp(*clip)
    return torch.where((weight_norm > 0) & (update_norm > 0), phi / update_norm, 1.0)


def _norm(tensor: Tensor) -> Tensor:
    # A long sum of squares needs more digits than bfloat16 or float16 have.
    short = tensor.dtype in (torch.bfloat16, torch.float16)
    norm: Tensor = torch.linalg.vector_norm(tensor, dtype=torch.float32 if short else None)
    return norm
