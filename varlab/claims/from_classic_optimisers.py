"""Evidence on the blogs' statements from the optimisers themselves: decay, AdamW, LAMB, Adagrad, RMSprop.

As in from_optimisers, torch's kernels do the arithmetic and are imported when a check runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from varlab.claims.accumulators import Adaptation, Denominator, counted_time
from varlab.claims.from_optimisers import BETA1, BETA2, KERNEL, Array, steps_of
from varlab.claims.recursions import adam_moments, adam_updates
from varlab.claims.statements import StepNorm, WeightDecay
from varlab.core import Context, Finding, generator
from varlab.theory.symbols import c, eps, lr, m, v, x


def check_decay(formula: Callable[..., sp.Expr], context: Context) -> Finding:
    """Steps of Adam under an exponential decay of lr, against the step with the rate decayed."""
    from varlab.optim import Adam, ExponentialDecayLR

    rng = generator(context.seed, "claims", context.claim, "optimisers")
    gradients = rng.standard_normal((100, 4))
    # A large eps, so that it counts where it stands; a fast decay for the same reason.
    rate, offset = 0.97, 0.1
    found = steps_of(Adam, gradients, lambda o: ExponentialDecayLR(o, rate, 1), eps=offset)
    step: Any = sp.lambdify((m, v, lr, eps, c), formula(m, v, lr, eps, c), "numpy")
    factor = rate ** np.arange(100.0)[:, None]
    stated = step(*adam_moments(gradients, BETA1, BETA2), 1.0, offset, factor)
    error = np.max(np.abs(found - stated), axis=1) / np.max(np.abs(stated))
    worst = int(np.argmax(error))
    return Finding.within(
        float(error[worst]),
        KERNEL,
        f"torch's Adam with eps = {offset} under ExponentialDecayLR, factor {rate} a step, 100 steps: "
        f"its steps are the stated ones to {error[worst]:.1e}",
        worst={"t": worst + 1, "relative difference of the step": float(error[worst])},
    )


def check_weight_decay(formula: WeightDecay, context: Context) -> Finding:
    """The pull of an L2 term in SGD and Adam, over that of decoupled decay in AdamW."""
    from varlab.optim import SGD, Adam, AdamW

    rate, term = 0.1, 0.3
    step = steps_of(SGD, np.ones((1, 1)), start=2.0, weight_decay=term)[0, 0]
    moved = 2.0 - rate * float(step)
    stated = (1 - float(formula.sgd.subs({lr: rate, x: term}))) * 2.0 - rate
    if abs(moved - stated) > KERNEL:
        return Finding.refutes(
            f"torch's SGD, lr {rate}, weight_decay {term}, w = 2, g = 1: w becomes {moved:.6g}, stated "
            f"{stated:.6g}",
            counterexample={"lr": rate, "L": term, "w": 2.0, "w after": moved, "stated": stated},
        )
    rng = generator(context.seed, "claims", context.claim, "optimisers")
    signs = rng.choice([-1.0, 1.0], size=(200, 200))
    worst, at, pulls = 0.0, 1.0, {}
    for scale in (0.01, 1.0, 100.0):
        small = 1e-6 * scale  # a decay that does not change vhat
        change = [
            steps_of(method, scale * signs, start=1.0, eps=0.0, weight_decay=small)[-1]
            - steps_of(method, scale * signs, start=1.0, eps=0.0, weight_decay=0.0)[-1]
            for method in (Adam, AdamW)
        ]
        pulls[scale] = float(change[0].mean() / change[1].mean())
        error = abs(pulls[scale] * scale**formula.power - 1)
        if error >= worst:
            worst, at = error, scale
    listed = ", ".join(f"{scale:g}: {pull:.4g}" for scale, pull in pulls.items())
    # The pull is 1 - sum a_i w_i over sqrt(vhat): 0.5 % off at t = 200; sampling adds less.
    detail = (
        "torch's SGD with weight_decay is decoupled decay by lr L; pull of weight_decay in torch's "
        f"Adam over that in AdamW, by gradient scale: {listed}"
    )
    strongest = max(pulls, key=lambda scale: pulls[scale])
    if formula.loses and pulls[strongest] > 1:
        point = {"gradient scale": strongest, "pull of L2 / pull of decoupled": pulls[strongest]}
        return Finding.refutes(detail, counterexample=point)
    return Finding.within(
        worst,
        context.required_tolerance,
        detail,
        worst={"gradient scale": at, "pull": pulls[at], "stated": at**-formula.power},
    )


def check_lamb(formula: StepNorm, context: Context) -> Finding:
    """Norm of the fifth step of LAMB on a layer of 20 weights, over gradient scales."""
    from varlab.optim import LAMB

    rng = generator(context.seed, "claims", context.claim, "optimisers")
    weights, gradients = rng.standard_normal(20), rng.standard_normal((5, 20))
    size = float(np.linalg.norm(weights))
    worst, at = 0.0, 1.0
    scales = (1e-8, 1e-3, 1.0, 1e3, 1e8)
    for scale in scales:
        step = steps_of(LAMB, scale * gradients, start=weights)[-1]
        direction = adam_updates(scale * gradients, BETA1, BETA2, 1e-6)[-1]
        stated = formula(1.0, size, float(np.linalg.norm(direction)))
        error = abs(float(np.linalg.norm(step)) / stated - 1)
        if error >= worst:
            worst, at = error, scale
    return Finding.within(
        worst,
        KERNEL,
        f"varlab.optim.LAMB, gradient scales {scales}: norm of the step over the stated one is 1 to "
        f"{worst:.1e}",
        worst={"gradient scale": at, "relative difference": worst},
    )


def denominators_of(steps: Array, gradients: Array) -> Array:
    """What an optimiser with phi_t = g_t divided its gradients by."""
    return np.asarray(gradients / steps)


def check_adagrad(formula: Denominator, context: Context) -> Finding:
    """What torch's Adagrad divides by, against the stated denominator."""
    from varlab.optim import Adagrad

    rng = generator(context.seed, "claims", context.claim, "optimisers")
    gradients = rng.standard_normal(100)
    column = gradients[:, None]
    actual = denominators_of(steps_of(Adagrad, column, eps=0.0), column)[:, 0]
    ratio = actual / formula(gradients)
    off = np.flatnonzero(np.abs(ratio - 1) > KERNEL)
    if not off.size:
        return Finding.supports("torch's Adagrad, 100 steps: the denominators agree")
    first = int(off[0])
    return Finding.refutes(
        "torch's Adagrad over 100 normal gradients: its denominator over the stated one is "
        f"{ratio[first]:.4f} at t = {first + 1} and {ratio[-1]:.4f} at t = 100",
        counterexample={
            "t": first + 1,
            "Adagrad's denominator": float(actual[first]),
            "stated": float(actual[first] / ratio[first]),
        },
        error=float(np.max(np.abs(ratio - 1))),
    )


def check_adaptation(formula: Adaptation, _: Context) -> Finding:
    """Steps after a change of scale until torch's RMSprop and Adagrad divide by the new scale."""
    from varlab.optim import Adagrad, RMSprop

    total, ratios = 1500, np.array([10.0, 0.5])
    steps = np.arange(total)[:, None]
    settled = ratios * np.sqrt(steps + 1)
    lines, found = [], None
    # Adagrad's time is 13 times the step of the change at most: only early ones fit into the run.
    for change in (step for step in formula.changes if step <= 100):
        gradients = np.where(steps < change, 1.0, ratios)
        adagrad = denominators_of(steps_of(Adagrad, gradients, eps=0.0), gradients)
        late = [counted_time(adagrad[:, k], settled[:, k], change) for k in range(len(ratios))]
        for decay in formula.decays:
            moved = steps_of(RMSprop, gradients, alpha=decay, eps=0.0)
            rmsprop = denominators_of(moved, gradients)
            for k, ratio in enumerate(ratios):
                soon = counted_time(rmsprop[:, k], np.full(total, ratio), change)
                times = {"rmsprop": soon, "adagrad": late[k]}
                if found is None and not times[formula.sooner] < times[formula.later]:
                    setting = {"ratio": float(ratio), "decay": decay, "change at step": change}
                    found = {**setting, **times}
                lines.append(f"step {change}, x{ratio:g}, decay {decay}: {soon} against {late[k]}")
    detail = (
        "torch's RMSprop against Adagrad, gradient scale changed; steps until the denominator is within "
        f"10 % of the new scale's: {'; '.join(lines)}"
    )
    if found is None:
        return Finding.supports(detail)
    return Finding.refutes(detail, counterexample=found)
