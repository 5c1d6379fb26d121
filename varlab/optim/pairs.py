"""The family of R's Algorithm 1 as pairs (phi_t, psi_t), each written as the sum that defines it.

A history is the stack g_1..g_t of one parameter's gradients, shape (t, *shape), all real. Every
function below returns a :class:`~varlab.optim.algorithm1.Pair`; hyper-parameters are not checked,
since the tests also look at the formulas outside their usual domain.
"""

from __future__ import annotations

import torch
from torch import Tensor

from varlab.numerics import degrees_of_freedom, rectification
from varlab.optim.algorithm1 import History, Pair


def discounted_sum(terms: Tensor, beta: float) -> Tensor:
    """sum_i beta^(t-i) x_i over the first axis of x_1..x_t."""
    t = len(terms)
    ages = torch.arange(t - 1, -1, -1, dtype=torch.float64)
    weights = (beta**ages).to(terms)
    total: Tensor = torch.tensordot(weights, terms, dims=1)
    return total


def corrected_mean(terms: Tensor, beta: float) -> Tensor:
    """(1-beta) sum_i beta^(t-i) x_i / (1-beta^t), the bias-corrected moving average."""
    return (1 - beta) * discounted_sum(terms, beta) / (1 - beta ** len(terms))


def latest(history: History) -> Tensor:
    """phi_t = g_t."""
    return history[-1]


def sgd(momentum: float = 0.0) -> Pair:
    """SGD and momentum SGD: phi_t = sum_i momentum^(t-i) g_i, psi_t = 1."""
    return Pair("SGD", lambda g: discounted_sum(g, momentum), lambda g: 1.0)


def adagrad(eps: float = 1e-10) -> Pair:
    """Adagrad: phi_t = g_t, psi_t = 1/(sqrt(sum_i g_i^2) + eps)."""
    return Pair("Adagrad", latest, lambda g: 1 / ((g**2).sum(0).sqrt() + eps))


def rmsprop(alpha: float = 0.99, eps: float = 1e-8) -> Pair:
    """RMSProp: phi_t = g_t, psi_t = 1/(sqrt((1-alpha) sum_i alpha^(t-i) g_i^2) + eps)."""

    def psi(g: History) -> Tensor:
        return 1 / (((1 - alpha) * discounted_sum(g**2, alpha)).sqrt() + eps)

    return Pair("RMSprop", latest, psi)


def adam(beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Pair:
    """Adam as A and torch have it: phi_t = mhat_t, psi_t = 1/(sqrt(vhat_t) + eps)."""

    def psi(g: History) -> Tensor:
        return 1 / (corrected_mean(g**2, beta2).sqrt() + eps)

    return Pair("Adam", lambda g: corrected_mean(g, beta1), psi)


def adam_eps(beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-4) -> Pair:
    """Adam as R writes it "in practice", eps beside the uncorrected root (R Sec. 3.1).

    psi_t = sqrt(1-beta2^t) / (eps + sqrt((1-beta2) sum_i beta2^(t-i) g_i^2)).
    """

    def psi(g: History) -> Tensor:
        correction: float = (1 - beta2 ** len(g)) ** 0.5
        return correction / (eps + ((1 - beta2) * discounted_sum(g**2, beta2)).sqrt())

    return Pair("Adam-eps", lambda g: corrected_mean(g, beta1), psi)


def adam_2k(
    beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, frozen_steps: int = 2000
) -> Pair:
    """Adam-2k (R Sec. 3.1): psi sees every gradient, phi only those after the frozen steps."""

    def phi(g: History) -> Tensor:
        moving = g[frozen_steps:]
        return corrected_mean(moving, beta1) if len(moving) else torch.zeros_like(g[0])

    return Pair("Adam-2k", phi, adam(beta1, beta2, eps).psi)


def radam(
    beta1: float = 0.9, beta2: float = 0.999, eps: float = 0.0, threshold: float = 4.0
) -> Pair:
    """RAdam (R Alg. 2): phi_t = mhat_t, psi_t = r_t/(sqrt(vhat_t) + eps) where rho_t > threshold, else 1."""

    def psi(g: History) -> Tensor | float:
        t = len(g)
        if float(degrees_of_freedom(t, beta2)) <= threshold:
            return 1.0
        return float(rectification(t, beta2)) / (corrected_mean(g**2, beta2).sqrt() + eps)

    return Pair("RAdam", lambda g: corrected_mean(g, beta1), psi)


def lamb(beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-6) -> Pair:
    """LAMB (You et al.): Adam's pair, with norm(theta)/norm(update) as each layer's own rate."""

    def layer_rate(theta: Tensor, update: Tensor) -> float:
        weight, length = float((theta**2).sum() ** 0.5), float((update**2).sum() ** 0.5)
        return weight / length if weight > 0 and length > 0 else 1.0

    pair = adam(beta1, beta2, eps)
    return Pair("LAMB", pair.phi, pair.psi, layer_rate)
