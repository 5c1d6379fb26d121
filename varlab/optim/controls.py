"""The two controls of R Sec. 3.1: Adam-2k and Adam-eps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from varlab.core import whole
from varlab.numerics.weights import bias_correction
from varlab.optim.moves import (
    Bucket,
    Group,
    adam_step,
    advance_moments,
)
from varlab.optim.stepwise import StepwiseAdam


class Adam2k(StepwiseAdam):
    """Adam-2k: the first 2000 iterations update v only; m and the parameters stay frozen.

    R indexes its iterations from -1999, so that step 1 is the first that moves. Hence the bias
    corrections: m starts at step 1 and is corrected by 1 - beta1^t with that t, while v has by then
    seen ``frozen_steps`` gradients more and is corrected by 1 - beta2^(frozen_steps + t).

    Parameters
    ----------
    params : iterable
        Parameters, or dictionaries of parameter groups.
    lr, betas, eps, weight_decay, decoupled_weight_decay, maximize, foreach, fused
        As in torch's Adam. Frozen parameters do not decay; an L2 term enters v.
    frozen_steps : int
        How many iterations only fill v, >= 0; 0 gives Adam. Counted for each parameter by itself.

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
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        frozen_steps: int = 2000,
        decoupled_weight_decay: bool = False,
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
            decoupled_weight_decay,
            maximize=maximize,
            foreach=foreach,
            fused=fused,
            options={"frozen_steps": frozen_steps},
        )

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Also check ``frozen_steps``."""
        super().check_group(group)
        whole("frozen_steps", group["frozen_steps"], 0, remedy="the paper's is 2000")

    def move(self, group: Group, t: int, bucket: Bucket) -> None:
        """Fill v while frozen, then Adam's step with m corrected from its own first step."""
        frozen = group["frozen_steps"]
        if t <= frozen:
            advance_moments(group, bucket, first=False)
            return
        beta1 = group["betas"][0]
        # torch's kernel divides m by 1 - beta1^t with the t of v; this puts m's own in its place.
        rate = float(bias_correction(t, beta1) / bias_correction(t - frozen, beta1))
        adam_step(group, bucket, rate=rate)


class AdamEps(StepwiseAdam):
    """Adam-eps: Adam with eps = 1e-4 beside the *uncorrected* root, as R writes it "in practice".

    psi_t = sqrt(1 - beta2^t) / (eps + sqrt((1-beta2) sum_i beta2^(t-i) g_i^2)) (R Sec. 3.1), which is
    torch's Adam with eps / sqrt(1 - beta2^t) at step t: at t = 1 and beta2 = 0.999 about 32 times
    the eps that the same number means to torch.

    Parameters
    ----------
    params : iterable
        Parameters, or dictionaries of parameter groups.
    lr, betas, weight_decay, decoupled_weight_decay, maximize, foreach, fused
        As in torch's Adam.
    eps : float
        >= 0, in the units of the gradient.

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
        eps: float = 1e-4,
        weight_decay: float = 0.0,
        *,
        decoupled_weight_decay: bool = False,
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
            decoupled_weight_decay,
            maximize=maximize,
            foreach=foreach,
            fused=fused,
            options={},
        )

    def move(self, group: Group, t: int, bucket: Bucket) -> None:
        """Adam's step with the eps that torch's placement needs at ``t``."""
        corrected = group["eps"] / float(bias_correction(t, group["betas"][1])) ** 0.5
        adam_step(group, bucket, eps=corrected)
