"""Evidence from the package's own optimisers: the steps they really make, read off their parameters.

Independent of the recursions beside it: torch's kernels do the arithmetic here. torch is imported
when a check runs, not with the ledger.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy import stats

from varlab.claims.recursions import adam_moments
from varlab.claims.statements import DegenerateDecays, Isolation, Schedule
from varlab.core import Context, Finding, generator
from varlab.numerics.bounds import step_bound
from varlab.theory.symbols import b1, b2, m, v

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler


Array = NDArray[np.float64]

BETA1, BETA2 = 0.9, 0.999
DECAYS = (0.7, 0.9, 0.99, 0.999, 0.9999)
# float64 kernels over some hundred steps; mhat cancels by up to three digits in a random sequence.
KERNEL = 1e-9


def steps_of(
    method: Callable[..., Optimizer],
    gradients: Array,
    schedule: Callable[[Optimizer], LRScheduler] | None = None,
    *,
    start: float | Array = 0.0,
    **options: Any,
) -> Array:
    """Steps theta_{t-1} - theta_t at lr = 1 for given gradients, theta being put back before each.

    Parameters
    ----------
    method : callable
        An optimiser's class.
    gradients : ndarray, shape (t, ...)
    schedule : callable, optional
        Makes a scheduler for it.
    start : float or ndarray
        The value of theta before each step.
    **options
        Its hyper-parameters but for lr.

    Returns
    -------
    ndarray, shape (t, ...)
    """
    import torch

    before = torch.zeros(gradients.shape[1:], dtype=torch.float64) + torch.as_tensor(start)
    theta = before.clone().requires_grad_()
    optimizer = method([theta], lr=1.0, **options)
    scheduler = schedule(optimizer) if schedule else None
    steps = np.empty_like(gradients)
    for t, gradient in enumerate(gradients):
        theta.data.copy_(before)
        theta.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        if scheduler:
            scheduler.step()
        steps[t] = (before - theta.detach()).numpy()
    return steps


def check_fixed_schedule(formula: Schedule, context: Context) -> Finding:
    """RAdam over Adam, step by step on two gradient sequences."""
    from varlab.optim import Adam, RAdam

    rng = generator(context.seed, "claims", context.claim, "optimisers")
    normal, heavy = rng.standard_normal(300), 1 + np.exp(2 * rng.standard_normal(300))
    gradients = np.stack([normal, heavy], axis=1)
    worst, at = 0.0, {"t": 1.0}
    for beta2 in DECAYS:
        betas = (BETA1, beta2)
        found = steps_of(RAdam, gradients, betas=betas, eps=0.0)
        plain = steps_of(Adam, gradients, betas=betas, eps=0.0)
        factor = formula.factor(np.arange(1.0, 301.0), beta2)[:, None]
        momentum = adam_moments(gradients, BETA1, beta2)[0]
        expected = np.where(np.isnan(factor), momentum, factor * plain)
        error = np.abs(found / expected - 1).max(axis=1)
        step = int(np.argmax(error))
        if error[step] > worst:
            worst = float(error[step])
            at = {"t": step + 1, "beta2": beta2, "relative difference": worst}
    return Finding.within(
        worst,
        KERNEL,
        f"varlab.optim.RAdam against torch's Adam times the schedule, on a normal and a log-normal "
        f"sequence of 300 steps, b2 in {DECAYS}: largest relative difference of a step {worst:.1e}",
        worst=at,
    )


def check_degenerate(formula: DegenerateDecays, context: Context) -> Finding:
    """RAdam's steps up to the stated beta2, against those of torch's SGD with momentum."""
    from varlab.optim import SGD, RAdam

    bound, threshold = float(formula.bound), float(formula.threshold)
    if threshold < 4:
        return Finding.silent("RAdam takes no threshold below 4: r_t does not exist there")
    rng = generator(context.seed, "claims", context.claim, "optimisers")
    gradients = rng.standard_normal((200, 3))
    # torch's SGD adds up momentum^(t-i) g_i; R's mhat is that times (1-b1)/(1-b1^t).
    weight = (1 - BETA1) / (1 - BETA1 ** np.arange(1.0, 201.0))[:, None]
    momentum = weight * steps_of(SGD, gradients, momentum=BETA1)
    worst = 0.0
    for decay in (0.0, 0.3, bound):
        betas = (BETA1, decay)
        found = steps_of(RAdam, gradients, betas=betas, eps=0.0, threshold=threshold)
        error = np.abs(found / momentum - 1).max(axis=1)
        worst = max(worst, float(error.max()))
        if worst > KERNEL:
            first = int(np.argmax(error > KERNEL)) + 1
            return Finding.refutes(
                f"varlab.optim.RAdam at beta2 = {decay:.6g} leaves momentum at t = {first}",
                counterexample={"beta2": decay, "t": first, "relative difference": worst},
            )
    return Finding.supports(
        f"varlab.optim.RAdam, threshold {threshold:g}, beta2 = 0, 0.3 and {bound:g}, 200 steps: torch's "
        f"momentum SGD times (1-b1)/(1-b1^t) to {worst:.1e}",
        error=worst,
    )


def check_bound(beta1: float, beta2: float) -> Callable[[sp.Expr, Context], Finding]:
    """A check of the stated bound on the step of torch's Adam, on the sequence that is worst for it.

    g_i = (beta2/beta1)^i is, up to its scale, the worst sequence at every t at once.
    """

    def check(formula: sp.Expr, _: Context) -> Finding:
        from varlab.optim import Adam

        stated = float(sp.sympify(formula).subs({b1: beta1, b2: beta2}))
        gradients = (beta2 / beta1) ** np.arange(1.0, 401.0)[:, None]
        betas = (beta1, beta2)
        sizes = steps_of(Adam, gradients, betas=betas, eps=0.0)[:, 0]
        mismatch = float(np.max(np.abs(sizes / step_bound(np.arange(1, 401), beta1, beta2) - 1)))
        if mismatch > KERNEL:
            return Finding.silent(f"torch's Adam misses the sharp constant by {mismatch:.1e}")
        above = np.flatnonzero(sizes > stated * (1 + KERNEL))
        detail = (
            f"torch's Adam, betas {betas}, eps = 0, on g_i = (b2/b1)^i: the step over lr is the sharp "
            f"constant K_t to {mismatch:.0e}, {sizes[-1]:.4f} at t = 400; stated {stated:.4f}"
        )
        if not above.size:
            return Finding.supports(detail)
        first = int(above[0])
        return Finding.refutes(
            f"{detail}, exceeded from t = {first + 1} on",
            counterexample={
                "beta1": beta1,
                "beta2": beta2,
                "t": first + 1,
                "gradients": "g_i = (beta2/beta1)^i",
                "|step|/lr": float(sizes[first]),
                "stated bound": stated,
            },
            error=float(sizes[-1] / stated - 1),
        )

    return check


def check_scale(formula: sp.Expr, context: Context) -> Finding:
    """Steps of torch's Adam on rescaled gradients, against the stated step on the plain ones."""
    from varlab.optim import Adam

    rng = generator(context.seed, "claims", context.claim, "optimisers")
    gradients = rng.standard_normal((50, 4)) * np.exp(rng.standard_normal((50, 4)))
    step: Any = sp.lambdify((m, v), formula, "numpy")
    stated = step(*adam_moments(gradients, BETA1, BETA2))
    worst, at = 0.0, 1.0
    factors = (1e-6, 0.5, 1.0, 3.0, 1e6)
    for factor in factors:
        found = steps_of(Adam, factor * gradients, eps=0.0)
        error = float(np.max(np.abs(found - stated)) / np.max(np.abs(stated)))
        if error >= worst:
            worst, at = error, factor
    return Finding.within(
        worst,
        KERNEL,
        f"torch's Adam, eps = 0, 50 steps, gradients times c in {factors}: its steps are the stated "
        f"ones to {worst:.1e}",
        worst={"c": at, "relative difference of the steps": worst},
    )


def check_adam_2k(formula: Isolation, context: Context) -> Finding:
    """Mean size of the first step of varlab's Adam-2k, sampled over coordinates.

    abs(u_1) has a standard deviation of about 0.6: with 4000 coordinates five standard errors are
    0.05, a false-fail rate below 1e-6; the exact mean 0.80 lies ten of them below 1.
    """
    from varlab.optim import Adam2k

    coordinates, frozen = 4000, 2000
    rng = generator(context.seed, "claims", context.claim, "optimisers")
    gradients = rng.standard_normal((frozen + 1, coordinates))
    first = np.abs(steps_of(Adam2k, gradients, eps=0.0)[-1])
    mean, error = float(first.mean()), float(first.std() / math.sqrt(coordinates))
    detail = (
        f"varlab.optim.Adam2k, {frozen} frozen steps of N(0, 1) gradients, {coordinates} coordinates: "
        f"mean |u| of its first step {mean:.3f} +- {error:.3f}; Adam's is exactly 1"
    )
    gap = abs(mean / formula.size - 1)
    if gap <= context.required_tolerance + 5 * error:
        return Finding.supports(detail, error=gap)
    return Finding.refutes(
        detail,
        counterexample={"Adam: mean |u_1|": 1.0, "Adam-2k: mean |u_1|": mean},
        error=gap,
    )


def check_adam_eps(formula: Isolation, context: Context) -> Finding:
    """Mean size of the first step of varlab's Adam-eps, over the quantiles of N(0, e^-20)."""
    from varlab.optim import AdamEps

    scale, points = math.exp(-10), 4000
    gradients = scale * stats.norm.ppf((np.arange(points) + 0.5) / points)
    found = steps_of(AdamEps, gradients[None])[0]
    mean = float(np.abs(found).mean())
    detail = (
        f"varlab.optim.AdamEps, eps = 1e-4, on {points} quantiles of N(0, e^-20): mean |u_1| = "
        f"{mean:.5f}; Adam's is 1"
    )
    gap = abs(mean / formula.size - 1)
    if gap <= context.required_tolerance:
        return Finding.supports(detail, error=gap)
    return Finding.refutes(
        detail,
        counterexample={"s": scale, "Adam: mean |u_1|": 1.0, "Adam-eps: mean |u_1|": mean},
        error=gap,
    )
