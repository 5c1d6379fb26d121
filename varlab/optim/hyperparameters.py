"""Bad hyper-parameters are refused at the door, in one line that names the value, the domain and the remedy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from varlab.core import InputError, real, require


class Domain(NamedTuple):
    """The domain of a hyper-parameter: a test, the domain in words, and what to do instead."""

    holds: Callable[[float], bool]
    words: str
    remedy: str


def _finite_non_negative(value: float) -> bool:
    return math.isfinite(value) and value >= 0


def _decay_rate(value: float) -> bool:
    return 0 <= value < 1


_RATE = Domain(_finite_non_negative, "be a finite number >= 0", "1e-3 is the usual choice")
_NON_NEGATIVE = Domain(_finite_non_negative, "be a finite number >= 0", "0 switches it off")
_EPS = Domain(_finite_non_negative, "be a finite number >= 0", "1e-8 is the usual choice")

DOMAINS: Mapping[str, Domain] = {
    "lr": _RATE,
    "eps": _EPS,
    "weight_decay": _NON_NEGATIVE,
    "momentum": _NON_NEGATIVE,
    "lr_decay": _NON_NEGATIVE,
    "initial_accumulator_value": _NON_NEGATIVE,
    "dampening": Domain(math.isfinite, "be a finite number", "0 is the usual choice"),
    "alpha": Domain(_decay_rate, "lie in [0, 1)", "0.99 is the usual choice"),
    "beta1": Domain(_decay_rate, "lie in [0, 1)", "0.9 is the usual choice"),
    "beta2": Domain(_decay_rate, "lie in [0, 1)", "0.999 is the usual choice"),
}


def check_hyperparameters(values: Mapping[str, Any]) -> None:
    """Check every hyper-parameter among ``values`` that has a domain; the others are left alone.

    Parameters
    ----------
    values : mapping
        Name -> value; ``betas`` is taken apart into beta1 and beta2. One-element tensors are fine.

    Raises
    ------
    DomainError
        The first value outside its domain, a NaN or something that is no number.
    """
    for name, value in values.items():
        if name == "betas":
            is_pair = isinstance(value, list | tuple) and len(value) == 2
            require(is_pair, "betas", "be a pair (beta1, beta2)", value, "use (0.9, 0.999)")
            _check("beta1", value[0])
            _check("beta2", value[1])
        elif name in DOMAINS:
            _check(name, value)


def _check(name: str, value: Any) -> None:
    domain = DOMAINS[name]
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    real(name, value, domain.words, domain.holds, domain.remedy)


def materialised(params: Any) -> Any:
    """``params`` as a list (generators are read once), refused when empty.

    Raises
    ------
    InputError
        No parameters at all.
    """
    if isinstance(params, Tensor) or not isinstance(params, Iterable):
        return params  # torch's own error names the type
    params = list(params)
    if not params:
        raise InputError(
            "params must hold at least one parameter; got an empty list; pass model.parameters()"
        )
    return params


class Checked(Optimizer):
    """An optimiser whose parameter groups are checked as they are added, also the later ones."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a parameter group; its own hyper-parameters are held to the same domains.

        Raises
        ------
        DomainError
            A hyper-parameter outside its domain.
        """
        if isinstance(param_group, Mapping):
            self.check_group({**self.defaults, **param_group})
        super().add_param_group(param_group)

    def check_group(self, group: Mapping[str, Any]) -> None:
        """Raise :class:`DomainError` unless every hyper-parameter of ``group`` lies in its domain."""
        check_hyperparameters(group)


def refuse_sparse(name: str, gradient: Tensor) -> None:
    """Raise torch's usual ``RuntimeError`` for a sparse gradient.

    Raises
    ------
    RuntimeError
        ``gradient`` is not strided.
    """
    if gradient.layout != torch.strided:
        raise RuntimeError(
            f"{name} does not support sparse gradients; got layout {gradient.layout}; "
            "use sparse=False in the embedding, or torch.optim.SparseAdam"
        )
