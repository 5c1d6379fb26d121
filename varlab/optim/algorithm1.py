"""Algorithm 1 of R, literally: theta_t = theta_{t-1} - alpha_t phi_t(g_1..g_t) psi_t(g_1..g_t).

The slow, obvious twin of every optimiser of this package: it keeps all gradients and evaluates phi
and psi as the sums that define them, with no recursion, no kernel and no state in common with the
optimisers that it is held against. For teaching and for tests; memory grows with every step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from varlab.core import require
from varlab.optim.hyperparameters import Checked, materialised, refuse_sparse

History = Tensor  # gradients g_1..g_t of one parameter, stacked: shape (t, *shape)


def _unscaled(theta: Tensor, update: Tensor) -> float:
    return 1.0


@dataclass(frozen=True)
class Pair:
    """A method of the family: its phi and psi, and alpha_t where that is more than lr.

    Attributes
    ----------
    name : str
        As in the literature.
    phi : callable
        ``phi(history) -> Tensor`` of the parameter's shape: the momentum part m_t.
    psi : callable
        ``psi(history) -> Tensor`` or number: the adaptive learning rate l_t.
    layer_rate : callable
        ``layer_rate(theta, update) -> Tensor`` or number: factor on lr for a whole layer; 1 but for
        LAMB. ``update`` is phi psi, with decoupled decay added.
    """

    name: str
    phi: Callable[[History], Tensor]
    psi: Callable[[History], Tensor | float]
    layer_rate: Callable[[Tensor, Tensor], Tensor | float] = _unscaled


class Algorithm1(Checked):
    """Any method of the family as an optimiser, from its pair.

    Parameters
    ----------
    params : iterable
        Parameters, or dictionaries of parameter groups.
    pair : Pair
        The method, e.g. ``pairs.adam(beta1=0.9, beta2=0.999)``.
    lr : float
        alpha, finite, >= 0.
    weight_decay : float
        >= 0: an L2 term in every gradient, or decoupled decay when ``decoupled_weight_decay``.
    decoupled_weight_decay : bool
        Take lr * layer_rate * weight_decay * theta off beside the step.
    maximize : bool
        Ascend.

    Raises
    ------
    DomainError
        A hyper-parameter outside its domain; an empty parameter list raises ``InputError``.
    RuntimeError
        At a step: a sparse gradient.

    Examples
    --------
    >>> import torch
    >>> from varlab.optim import Algorithm1, pairs
    >>> theta = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = Algorithm1([theta], pairs.adam(eps=0.0), lr=0.5)
    >>> (3 * theta).sum().backward()
    >>> optimizer.step()
    >>> theta.item()
    0.5
    """

    def __init__(
        self,
        params: Any,
        pair: Pair,
        lr: float = 1e-3,
        *,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
    ) -> None:
        require(isinstance(pair, Pair), "pair", "be a Pair", pair, "see varlab.optim.pairs")
        self.pair = pair
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(materialised(params), defaults)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Perform one step; ``closure`` re-evaluates the model and returns the loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for param in group["params"]:
                    if param.grad is not None:
                        refuse_sparse(type(self).__name__, param.grad)
                        self._move(param, param.grad, group)
        return loss

    def _move(self, theta: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        if group["maximize"]:
            gradient = -gradient
        if not group["decoupled_weight_decay"]:
            gradient = gradient + group["weight_decay"] * theta
        state = self.state[theta]
        past = [state["gradients"]] if state else []
        state["gradients"] = history = torch.cat([*past, gradient[None]])
        update = self.pair.phi(history) * self.pair.psi(history)
        if group["decoupled_weight_decay"]:
            update = update + group["weight_decay"] * theta
        theta -= group["lr"] * self.pair.layer_rate(theta, update) * update
