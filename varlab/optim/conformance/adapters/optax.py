"""optax's radam behind torch's interface."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass
class _Held:
    """An optax state, closed to ``load_state_dict``, which would take its named tuple apart."""

    state: Any


class OptaxRAdam(torch.optim.Optimizer):
    """``optax.radam`` as a torch optimiser, one optax state per parameter.

    It has no weight decay, no maximize and no sparse gradients, so neither has the adapter. JAX
    computes in float32 unless its option ``jax_enable_x64`` is set.

    Parameters
    ----------
    params : iterable of tensors or groups
    lr, betas, eps
        As in torch; ``betas`` are optax's ``b1`` and ``b2``.
    """

    adapts = "optax"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Hand every gradient to optax and add its update."""
        import jax.numpy as jnp

        loss = None if closure is None else closure()
        for group in self.param_groups:
            init, update = _transformation(*group["betas"], group["eps"])
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p.grad.is_sparse:
                    raise RuntimeError("optax takes no sparse gradients")
                gradient = jnp.asarray(p.grad.numpy(force=True))
                state = self.state[p]
                held = state.setdefault("optax", _Held(init(gradient)))
                direction, held.state = update(gradient, held.state)
                p.add_(torch.tensor(direction.tolist(), dtype=p.dtype), alpha=-group["lr"])
        return loss


@functools.lru_cache(maxsize=64)
def _transformation(
    beta1: float, beta2: float, eps: float
) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    """``scale_by_radam``, jitted once per setting; ``optax.radam`` is it times -lr."""
    import jax
    import optax

    transformation = optax.scale_by_radam(b1=beta1, b2=beta2, eps=eps)
    return transformation.init, jax.jit(transformation.update)
