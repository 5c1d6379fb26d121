"""The sources' optimisers as slow, obvious recursions in float64: numeric evidence on iterates.

Each function is the printed algorithm, one step after the other, for gradients given as an array of
shape (t, ...); they share nothing with the package's own optimisers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def adam_moments(gradients: Array, beta1: float, beta2: float) -> tuple[Array, Array]:
    """Bias-corrected moments mhat_t and vhat_t at every step; A Alg. 1.

    Parameters
    ----------
    gradients : ndarray, shape (t, ...)
        g_1 first.

    Returns
    -------
    mhat, vhat : ndarray, shape (t, ...)
    """
    m, v = np.zeros_like(gradients[0]), np.zeros_like(gradients[0])
    mhat, vhat = np.empty_like(gradients), np.empty_like(gradients)
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        mhat[t - 1] = m / (1 - beta1**t)
        vhat[t - 1] = v / (1 - beta2**t)
    return mhat, vhat


def adam_updates(gradients: Array, beta1: float, beta2: float, eps: float = 0.0) -> Array:
    """Adam's step over the learning rate, mhat / (sqrt(vhat) + eps), at every step; A Alg. 1."""
    mhat, vhat = adam_moments(gradients, beta1, beta2)
    return np.asarray(mhat / (np.sqrt(vhat) + eps))


def radam_updates(
    gradients: Array, beta1: float, beta2: float, factor: Callable[[int, float], float]
) -> tuple[Array, Array]:
    """RAdam's step over the learning rate at every step, R Alg. 2, and where it is adaptive.

    ``factor(t, beta2)`` gives r_t, NaN where the step is plain momentum.
    """
    mhat, vhat = adam_moments(gradients, beta1, beta2)
    updates = np.empty_like(gradients)
    adaptive = np.zeros(len(gradients), dtype=np.float64)
    for t in range(1, len(gradients) + 1):
        r = factor(t, beta2)
        adaptive[t - 1] = not np.isnan(r)
        updates[t - 1] = mhat[t - 1] if np.isnan(r) else r * mhat[t - 1] / np.sqrt(vhat[t - 1])
    return updates, adaptive


def printed_rectification(t: int, beta2: float) -> float:
    """r_t of R Alg. 2 in the paper's own words; NaN where rho_t <= 4.

    Accurate enough here: the cancellation in rho_t costs eight digits at beta2 = 0.9999.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 4:
        return float("nan")
    return float(np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)))


def adagrad_denominators(gradients: Array) -> Array:
    """Root of the sum of all squared gradients so far, at every step (Duchi et al. 2011)."""
    total = np.zeros_like(gradients[0])
    denominators = np.empty_like(gradients)
    for t, g in enumerate(gradients):
        total = total + g**2
        denominators[t] = np.sqrt(total)
    return denominators


def rmsprop_denominators(gradients: Array, decay: float) -> Array:
    """Root of the moving average of squared gradients at every step (Hinton's lecture, B3)."""
    return np.asarray(np.sqrt(started_moments(gradients[0], gradients, decay)))


def started_moments(start: Array, gradients: Array, beta2: float) -> Array:
    """v_t at every step, v_0 = start^2, by the printed recursion (GI-Adam's, and RMSProp's with g_1)."""
    v, found = start**2, np.empty_like(gradients)
    for step, g in enumerate(gradients):
        v = beta2 * v + (1 - beta2) * g**2
        found[step] = v
    return found


def descend(
    gradient: Callable[[Array], Array],
    start: Array,
    steps: int,
    lr: Callable[[int], float],
    *,
    adagrad: bool = False,
    eps: float = 0.0,
) -> tuple[Array, Array]:
    """Iterates of gradient descent or Adagrad, and the effective rate of each coordinate.

    Returns
    -------
    points : ndarray, shape (steps + 1, d)
    rates : ndarray, shape (steps, d)
        lr(t) for gradient descent, lr(t) / (sqrt(sum of squares) + eps) for Adagrad.
    """
    points, rates = np.empty((steps + 1, len(start))), np.empty((steps, len(start)))
    points[0] = start
    total = np.zeros_like(start)
    for t in range(1, steps + 1):
        g = gradient(points[t - 1])
        total = total + g**2
        rates[t - 1] = lr(t) / (np.sqrt(total) + eps) if adagrad else lr(t)
        points[t] = points[t - 1] - rates[t - 1] * g
    return points, rates


def lamb_step(
    weights: Array,
    gradients: Array,
    lr: float,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-6,
    decay: float = 0.0,
) -> Array:
    """One layer's LAMB step after the given gradients, phi the identity; B2, You et al. 2019.

    The ratio is 1 where either norm is 0.
    """
    direction = adam_updates(gradients, beta1, beta2, eps)[-1] + decay * weights
    norms = float(np.linalg.norm(weights)), float(np.linalg.norm(direction))
    ratio = norms[0] / norms[1] if min(norms) > 0 else 1.0
    return np.asarray(-lr * ratio * direction)
