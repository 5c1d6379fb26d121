"""Monte-Carlo evidence on the controls and on the size of Adam's steps."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import sympy as sp

from varlab.claims.sampling import QUANTILE, RATE, Array, finding
from varlab.claims.statements import Isolation
from varlab.core import Context, Finding, generator
from varlab.core.evidence import Scalar
from varlab.numerics import ema_weights
from varlab.theory.symbols import b1, b2, eps, s, t

BETA1, BETA2 = 0.9, 0.999
DRAWS = 200_000
EPSILONS = (1e-8, 1e-4)


def sampled_moment(order: int, offset: float, rng: np.random.Generator) -> tuple[float, float]:
    """E[(offset + abs(g))^-order], g ~ N(0, 1), and its standard error.

    By importance: ln abs(g) uniform on (ln offset - 14, 2). Plain draws would not do: E[psi_eps^2] is
    made by gradients of size eps. What lies outside is below 1e-6 of it.
    """
    low, high = math.log(offset) - 14, 2.0
    size = np.exp(rng.uniform(low, high, DRAWS))
    weight = (high - low) * size * math.sqrt(2 / math.pi) * np.exp(-(size**2) / 2)
    terms = weight / (offset + size) ** order
    return float(terms.mean()), float(terms.std()) / math.sqrt(DRAWS)


def check_power_of_eps(formula: sp.Expr, context: Context) -> Finding:
    """The power of eps in Var[psi_eps] at t = 1 between 1e-8 and 1e-4, by importance sampling."""
    rng = generator(context.seed, "claims", context.claim, "importance")
    values, errors = [], []
    for epsilon in EPSILONS:
        offset = epsilon / math.sqrt(1 - BETA2)
        second, error = sampled_moment(2, offset, rng)
        mean, mean_error = sampled_moment(1, offset, rng)
        values.append(second - mean**2)
        errors.append((error + 2 * mean * mean_error) / values[-1])
    stated = [float(formula.subs({eps: e, b2: BETA2, s: 1})) for e in EPSILONS]
    width = math.log(EPSILONS[1] / EPSILONS[0])
    slope, claimed = (math.log(v[1] / v[0]) / width for v in (values, stated))
    radius = QUANTILE * sum(errors) / abs(width)
    gap = abs(slope - claimed)
    detail = (
        f"{DRAWS} draws by importance, s = 1, t = 1: Var[psi_eps] = {values[0]:.4g} (+- {errors[0]:.1%}) "
        f"at eps = 1e-8 and {values[1]:.4g} (+- {errors[1]:.1%}) at 1e-4: power of eps {slope:.4f} +- "
        f"{radius:.4f} (false-fail rate {RATE:.0e}) against {claimed:.3f}"
    )
    if gap - radius > context.required_tolerance:
        return Finding.refutes(
            detail,
            counterexample={"power of eps": slope, "stated": claimed, "radius": radius},
            error=gap,
        )
    if gap + radius <= context.required_tolerance:
        return Finding.supports(detail, error=gap)
    return Finding.silent(detail)


def check_adam_eps_size(formula: Isolation, context: Context) -> Finding:
    """Mean size of Adam-eps's first step, abs(g)/(eps/sqrt(1-b2) + abs(g)), for g ~ N(0, e^-20)."""
    offset = 1e-4 / math.sqrt(1 - BETA2)
    rng = generator(context.seed, "claims", context.claim, "first steps")
    size = np.abs(math.exp(-10) * rng.standard_normal(DRAWS))
    steps = size / (offset + size)
    mean, radius = float(steps.mean()), QUANTILE * float(steps.std()) / math.sqrt(DRAWS)
    detail = (
        f"{DRAWS} first steps at s = e^-10, eps = 1e-4: mean |u_1| = {mean:.5f} +- {radius:.5f} "
        f"(false-fail rate {RATE:.0e}); Adam's is 1"
    )
    gap = abs(mean / formula.size - 1)
    if gap - radius > context.required_tolerance:
        return Finding.refutes(
            detail,
            counterexample={"Adam: mean |u_1|": 1.0, "Adam-eps: mean |u_1|": mean},
            error=gap,
        )
    if gap + radius <= context.required_tolerance:
        return Finding.supports(detail, error=gap)
    return Finding.silent(detail)


# Close enough to 1 for the limit: weights differ by t (1-b2) = 2e-5, the radius is about 1e-2.
NEAR_ONE = 1 - 1e-6


def check_second_moment(formula: sp.Expr, context: Context) -> Finding:
    """Mean of u_t^2 for normal and Cauchy gradients: u_t is bounded, so it exists."""
    from varlab.simulate import mean_agrees

    rng = generator(context.seed, "claims", context.claim, "updates")
    runs, steps = 40_000, (1, 2, 4, 20)
    shape = (max(steps), runs)
    laws: dict[str, Array] = {
        "normal": rng.standard_normal(shape),
        "Cauchy": rng.standard_cauchy(shape),
    }
    means, variances, stated = [], [], []
    points: list[Mapping[str, Scalar]] = []
    for name, table in laws.items():
        for step in steps:
            first, second = ema_weights(step, BETA1), ema_weights(step, NEAR_ONE)
            squares = (first @ table[:step]) ** 2 / (second @ table[:step] ** 2)
            means.append(float(squares.mean()))
            # At t = 1 every u^2 is 1 up to rounding.
            variances.append(max(float(squares.var()), np.finfo(float).eps))
            stated.append(float(formula.subs({b1: sp.Rational(9, 10), t: step})))
            points.append({"law": name, "t": step})
    assertion = mean_agrees(means, stated, variance=variances, n=runs, false_fail_rate=RATE)
    what = f"mean of u_t^2, {runs} trajectories of normal and of Cauchy gradients, t = 1, 2, 4, 20"
    return finding(assertion, points, what)
