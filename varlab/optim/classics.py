"""SGD, Adagrad, RMSprop, Adam and AdamW: torch's own, with checks that say what to do instead.

Nothing of the arithmetic is rewritten: the classes below are ``torch.optim``'s, kernels, options,
state and all. :mod:`varlab.optim.pairs` states each as a pair (phi_t, psi_t) of Algorithm 1 (R), and
the tests hold the two against one another. Momentum SGD is ``SGD(params, lr, momentum=0.9)``.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch

from varlab.optim.hyperparameters import Checked, check_hyperparameters, materialised


class _TorchsOwn(Checked):
    """Check the arguments of torch's constructor under their names, then call it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        original = next(c for c in cls.__mro__ if c.__module__.startswith("torch.optim"))
        cls.__signature__ = inspect.signature(original)

    __signature__: inspect.Signature

    def __init__(self, params: Any, *args: Any, **kwargs: Any) -> None:
        params = materialised(params)
        # Bound by name, so that positional values are checked too; an unknown option raises here.
        arguments = self.__signature__.bind(params, *args, **kwargs).arguments
        check_hyperparameters(arguments)
        super().__init__(params, *args, **kwargs)


class SGD(_TorchsOwn, torch.optim.SGD):
    """Stochastic gradient descent, with momentum when ``momentum > 0``: ``torch.optim.SGD``.

    As a pair: phi_t = sum_i momentum^(t-i) g_i (dampening 0), psi_t = 1.

    Raises
    ------
    DomainError
        A hyper-parameter outside its domain; an empty parameter list raises ``InputError``.
    """


class Adagrad(_TorchsOwn, torch.optim.Adagrad):
    """Adagrad (Duchi et al. 2011): ``torch.optim.Adagrad``.

    As a pair: phi_t = g_t, psi_t = 1/(sqrt(sum_i g_i^2) + eps): the root of the *sum* of the past
    squares, not of their mean.

    Raises
    ------
    DomainError
        A hyper-parameter outside its domain; an empty parameter list raises ``InputError``.
    """


class RMSprop(_TorchsOwn, torch.optim.RMSprop):
    """RMSProp (Tieleman & Hinton 2012): ``torch.optim.RMSprop``.

    As a pair: phi_t = g_t, psi_t = 1/(sqrt((1-alpha) sum_i alpha^(t-i) g_i^2) + eps), without bias
    correction.

    Raises
    ------
    DomainError
        A hyper-parameter outside its domain; an empty parameter list raises ``InputError``.
    """


class Adam(_TorchsOwn, torch.optim.Adam):
    """Adam (A): ``torch.optim.Adam``; weight decay is an L2 term in the gradient.

    As a pair: phi_t = mhat_t, psi_t = 1/(sqrt(vhat_t) + eps). Here eps stands beside the
    *bias-corrected* root, as in A's Algorithm 1; for R's placement beside the uncorrected one see
    :class:`varlab.optim.AdamEps`.

    Raises
    ------
    DomainError
        A hyper-parameter outside its domain; an empty parameter list raises ``InputError``.
    """


class AdamW(_TorchsOwn, torch.optim.AdamW):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019): ``torch.optim.AdamW``.

    Raises
    ------
    DomainError
        A hyper-parameter outside its domain; an empty parameter list raises ``InputError``.
    """
