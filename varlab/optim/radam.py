"""RAdam (R Alg. 2): Adam's step with lr * r_t, and momentum SGD before r_t exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from torch import Tensor

from varlab.core import among, require
from varlab.optim.moves import (
    Bucket,
    Group,
    adam_step,
    advance_moments,
    momentum_step,
)
from varlab.optim.rectifier import SMALLEST_THRESHOLD, Rectifier, check_rectifier, rectification_at
from varlab.optim.stepwise import StepwiseAdam

EarlyPhase = Literal["momentum", "none"]


class RAdam(StepwiseAdam):
    r"""Rectified Adam.

    .. math::
        \theta_t = \theta_{t-1} - \alpha\, r_t\, \hat m_t / (\sqrt{\hat v_t} + \epsilon)
        \quad (\rho_t > \text{threshold}), \qquad
        \theta_t = \theta_{t-1} - \alpha\, \hat m_t \quad \text{otherwise}

    with r_t and rho_t from :mod:`varlab.numerics` in float64, free of cancellation. The adaptive step
    is torch's Adam with the learning rate lr * r_t, so that its fused kernel does the work; where it
    cannot (complex parameters, unequal memory layouts) foreach or the plain loop does.

    Parameters
    ----------
    params : iterable
        Parameters, or dictionaries of parameter groups; every option may differ between groups.
    lr : float or Tensor
        alpha, finite, >= 0.
    betas : (float, float)
        beta1 and beta2, each in [0, 1). With beta2 <= 0.6 (rho_inf <= 4) every step is an early one.
    eps : float
        >= 0, beside the bias-corrected root, as in torch's Adam. R's Algorithm 2 has none, and
        ``torch.optim.RAdam`` places it beside the uncorrected root. 0 is allowed: 0/0 then gives no
        step instead of NaN.
    weight_decay : float
        >= 0: an L2 term in the gradient, or decoupled decay by lr * weight_decay (never by r_t) when
        ``decoupled_weight_decay``. Both act in both phases, except that ``early="none"`` leaves the
        parameters untouched.
    rectify : {"radam", "exact"}
        R's r_t, or sqrt(Var[psi_inf]/Var[psi_t]) of the exact law, adaptive from t = 3.
    threshold : float
        >= 4, finite: steps with rho_t <= threshold are early ones. R has 4, the authors' code and
        ``torch.optim.RAdam`` about 5. Not for ``rectify="exact"``.
    early : {"momentum", "none"}
        A step -lr mhat_t (R Alg. 2), or none at all (the authors' code) while the moments fill.
    decoupled_weight_decay, maximize, foreach, fused
        As in torch's Adam; ``fused=None`` takes the fused kernel wherever it is exact.

    Raises
    ------
    DomainError
        A hyper-parameter outside its domain; an empty parameter list raises ``InputError``.
    RuntimeError
        At a step: a sparse gradient.

    Notes
    -----
    Parameters of one group may be of different age: each has its own step number and r_t.
    ``torch.compile`` leaves the step as it is. State and ``state_dict`` are torch's (``step``,
    ``exp_avg``, ``exp_avg_sq``), so a run under ``torch.optim.RAdam`` can be taken over.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        rectify: Rectifier = "radam",
        threshold: float = SMALLEST_THRESHOLD,
        early: EarlyPhase = "momentum",
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
            options={"rectify": rectify, "threshold": threshold, "early": early},
        )

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Also check ``rectify``, ``threshold`` and ``early``."""
        super().check_group(group)
        check_rectifier(group["rectify"], group["threshold"])
        early = group["early"]
        require(among(early, get_args(EarlyPhase)), "early", "be 'momentum' or 'none'", early)

    def move(self, group: Group, t: int, bucket: Bucket) -> None:
        """Adam's step with lr * r_t, or the early one."""
        r = rectification_at(t, group["betas"][1], group["rectify"], group["threshold"])
        if r is not None:
            adam_step(group, bucket, rate=r)
        elif group["early"] == "momentum":
            momentum_step(group, bucket, t)
        else:
            advance_moments(group, bucket)
