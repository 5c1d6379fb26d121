"""The optimisers of the blogs.

Learning-rate decay (B1), decoupled weight decay and LAMB (B2), Adagrad and RMSProp (B3); the checks
of B3 stand in accumulators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from scipy import optimize

from varlab.claims import from_classic_optimisers
from varlab.claims.accumulators import (
    Adaptation,
    TwoRates,
    check_adagrad_denominator,
    check_adaptation,
    check_effective_rate,
    check_two_rates,
    root_mean_square,
)
from varlab.claims.recursions import Array, adam_updates, lamb_step
from varlab.claims.statements import StepNorm, WeightDecay
from varlab.core import Claim, ClaimKind, Context, Finding, generator, numeric, symbolic
from varlab.theory.checking import check_equal
from varlab.theory.domain import Domain, above, between
from varlab.theory.symbols import c, eps, g, lr, m, v, w, x

# Iterates of two orders of multiplication differ by rounding: 200 steps of one ulp.
ROUNDING = 1e-13
STEP_DOMAIN = Domain(
    {m: between(-3, 3), v: above(0), lr: above(0), eps: between(0, 1), c: between(0, 1)}
)


def root(v: Any) -> Any:
    """Square root of a SymPy expression or of an array."""
    return sp.sqrt(v) if isinstance(v, sp.Basic) else np.sqrt(v)


def decay_rate(m: Any, v: Any, lr: Any, eps: Any, c: Any) -> Any:
    """One step with the whole factor lr/(sqrt(vhat)+eps) multiplied by c; symbols or arrays."""
    return (c * (lr / (root(v) + eps))) * m


def decay_lr(m: Any, v: Any, lr: Any, eps: Any, c: Any) -> Any:
    """One step with lr multiplied by c."""
    return (c * lr) / (root(v) + eps) * m


def check_decay_symbolic(formula: Callable[..., Any], _: Context) -> Finding:
    """The step with lr decayed against the step with the whole rate decayed."""
    left = decay_lr(m, v, lr, eps, c)
    checked = check_equal(left, formula(m, v, lr, eps, c), STEP_DOMAIN)
    if checked:
        domain = "every decay factor, eps >= 0; the same factor at the same step on both sides"
        return Finding.supports(f"(c lr)/(sqrt v + eps) m: {checked.how}", error=0.0, domain=domain)
    return Finding.refutes(
        checked.how, counterexample=checked.counterexample or {"step": str(left)}
    )


def check_decay_numeric(formula: Callable[..., Any], context: Context) -> Finding:
    """Both ways of decaying, 200 steps on a quadratic, lr 0.1, eps 1e-8, factor 0.99^t."""
    start = generator(context.seed, "claims", context.claim).standard_normal(5)
    curvature = np.array([0.1, 0.5, 1.0, 5.0, 20.0])
    paths = np.empty((2, 200, 5))
    for path, step in zip(paths, (decay_lr, formula), strict=True):
        point, mean, square = start.copy(), np.zeros(5), np.zeros(5)
        for t in range(1, 201):
            gradient = curvature * point
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient**2
            point = point - step(mean / (1 - 0.9**t), square / (1 - 0.999**t), 0.1, 1e-8, 0.99**t)
            path[t - 1] = point
    error = float(np.max(np.abs(paths[0] - paths[1])) / np.max(np.abs(start)))
    return Finding.within(
        error,
        200 * ROUNDING,
        f"Adam on a quadratic, 200 steps, factor 0.99^t: the iterates differ by {error:.1e}",
        worst={"t": 200, "relative difference of the iterates": error},
    )


def check_decay_symbols(formula: WeightDecay, _: Context) -> Finding:
    """An L2 term of coefficient x under SGD against decoupled decay; its pull under Adam."""
    domain = Domain({w: above(0), lr: above(0), x: above(0), g: between(-3, 3)})
    checked = check_equal(w - lr * (g + x * w), (1 - formula.sgd) * w - lr * g, domain)
    if not checked:
        point = checked.counterexample or {"sgd": str(formula.sgd)}
        return Finding.refutes(f"SGD: {checked.how}", counterexample=point)
    # At fixed vhat: an L2 term moves mhat by x w; its share through vhat vanishes on average.
    pull = sp.diff((m + x * w) / sp.sqrt(v), x) / w
    same = check_equal(pull, v ** -sp.Rational(formula.power, 2), Domain({v: above(0)}))
    if not same:
        point = same.counterexample or {"power": str(formula.power)}
        return Finding.refutes(f"Adam, pull of the L2 term: {same.how}", counterexample=point)
    detail = (
        "SGD: w - lr (g + L w) = (1 - lr L) w - lr g, so decoupled decay by lr L is the same; Adam: "
        "the L2 term's pull is divided by sqrt(vhat), that of decoupled decay is not"
    )
    small = {v: sp.Rational(1, 10_000)}
    if formula.loses and pull.subs(small) > 1:
        return Finding.refutes(
            detail
            + ": they differ, but dividing by sqrt(vhat) makes the L2 term weaker only where "
            "sqrt(vhat) > 1, and stronger where it is below 1",
            counterexample={"sqrt(vhat)": 0.01, "pull over L w": float(pull.subs(small))},
            domain="SGD: every lr and L. Adam: sqrt(vhat) > 1",
        )
    return Finding.supports(detail, error=0.0)


def l2_pull(scale: float, gradients: Array) -> float:
    """Change of Adam's step per unit of L2 term, relative to decoupled decay, mean over columns."""
    nudge = 1e-6 * scale
    plus = adam_updates(scale * gradients + nudge, 0.9, 0.999)[-1]
    minus = adam_updates(scale * gradients - nudge, 0.9, 0.999)[-1]
    return float(np.mean(plus - minus) / (2 * nudge))


def check_decay_adam(formula: WeightDecay, context: Context) -> Finding:
    """L2's pull under Adam for gradient scales 0.01 .. 100, t = 400, symmetric gradients."""
    rng = generator(context.seed, "claims", context.claim)
    gradients = rng.choice([-1.0, 1.0], size=(400, 200))
    scales = (0.01, 0.1, 1.0, 10.0, 100.0)
    pulls = {scale: l2_pull(scale, gradients) for scale in scales}
    # E[pull] scale = 1 - sum a_i w_i, a correction of 0.3% at t = 400; sampling adds less.
    worst = max(scales, key=lambda s: abs(pulls[s] * s**formula.power - 1))
    error = abs(pulls[worst] * worst**formula.power - 1)
    crossing = float(optimize.brentq(lambda u: np.log(l2_pull(float(np.exp(u)), gradients)), -2, 2))
    listed = ", ".join(f"{scale:g}: {pull:.4g}" for scale, pull in pulls.items())
    threshold = float(np.exp(crossing))
    detail = (
        f"pull of an L2 term under Adam over that of decoupled decay, by gradient scale: {listed}; that "
        "is 1/sqrt(vhat), so the part in parentheses holds: L2 and decoupled decay differ under Adam, "
        "and coordinates with large gradients are decayed less than those with small ones. L2 'loses "
        f"its effect' only where sqrt(vhat) > {threshold:.2f}; for smaller gradients it "
        "pulls harder than decoupled decay, which keeps lr L w at every scale"
    )
    domain = (
        "SGD: every lr and L. Adam: L2 is weaker than decoupled decay where sqrt(vhat) > "
        f"{threshold:.2f}, stronger below"
    )
    strongest = max(scales, key=lambda s: pulls[s])
    if formula.loses and pulls[strongest] > 1:
        point = {"gradient scale": strongest, "pull of L2 / pull of decoupled": pulls[strongest]}
        return Finding.refutes(detail, counterexample=point, domain=domain)
    return Finding.within(
        error,
        context.required_tolerance,
        detail,
        worst={"gradient scale": worst, "pull": pulls[worst], "stated": worst**-formula.power},
        domain=domain,
    )


def lamb_norm(lr: float, weights: float, update: float) -> float:
    """B2: norm of LAMB's layer step, from lr and the norms of weights and direction."""
    return lr * weights


def check_lamb_symbolic(formula: StepNorm, _: Context) -> Finding:
    """norm(lr * norm(w)/norm(u) * u) for vectors of three entries."""
    u = [sp.Dummy(f"u{j}", positive=True) for j in (1, 2, 3)]
    weight = sp.Dummy("W", positive=True)
    norm = sp.sqrt(sum(entry**2 for entry in u))
    step = [lr * weight / norm * entry for entry in u]
    left = sum(entry**2 for entry in step)
    domain = Domain({lr: above(0), weight: above(0), **{entry: above(0) for entry in u}})
    checked = check_equal(left, sp.sympify(formula(lr, weight, norm)) ** 2, domain)
    if checked:
        return Finding.supports(
            f"the direction's norm cancels: {checked.how}",
            error=0.0,
            domain="phi the identity, norms of weights and direction not 0",
        )
    return Finding.refutes(
        checked.how, counterexample=checked.counterexample or {"norm": "differs"}
    )


def check_lamb_numeric(formula: StepNorm, context: Context) -> Finding:
    """LAMB steps of a layer of 20 weights, gradient scales 1e-8 .. 1e8, decay 0 and 0.01, eps 1e-6."""
    rng = generator(context.seed, "claims", context.claim)
    weights, gradients = rng.standard_normal(20), rng.standard_normal((5, 20))
    size = float(np.linalg.norm(weights))
    worst, at = 0.0, 1.0
    for scale in (1e-8, 1e-3, 1.0, 1e3, 1e8):
        for decay in (0.0, 0.01):
            direction = adam_updates(scale * gradients, 0.9, 0.999, 1e-6)[-1] + decay * weights
            step = lamb_step(weights, scale * gradients, 0.1, decay=decay)
            stated = formula(0.1, size, float(np.linalg.norm(direction)))
            error = abs(float(np.linalg.norm(step)) / stated - 1)
            if error > worst:
                worst, at = error, scale
    zero = float(np.linalg.norm(lamb_step(np.zeros(20), gradients, 0.1)))
    return Finding.within(
        worst,
        ROUNDING,
        f"gradient scales 1e-8 to 1e8, decay 0 and 0.01, eps 1e-6: norm(step)/(lr norm(w)) = 1 to "
        f"{worst:.1e}. Not with zero weights (ratio set to 1: norm {zero:.3g} lr/0.1, not 0), nor with "
        "phi clipped, where it is lr phi(norm(w))",
        worst={"gradient scale": at, "relative difference": worst},
    )


DECAY = WeightDecay(lr * x, 1, loses=True)
ADAPTATION = Adaptation("rmsprop", "adagrad")

CLAIMS = (
    Claim(
        id="blog1.decay-equivalence",
        source="B1",
        statement="decaying lr and decaying lr/(sqrt(vhat)+eps) give the same iterates",
        kind=ClaimKind.EXACT,
        domain_stated="none stated",
        formula=decay_rate,
        checks=(
            symbolic(check_decay_symbolic),
            numeric(check_decay_numeric),
            numeric(from_classic_optimisers.check_decay),
        ),
        mutants={
            "decay of sqrt(vhat) only": lambda m, v, lr, eps, c: lr / (root(v) / c + eps) * m,
            "decay squared": lambda m, v, lr, eps, c: c**2 * lr / (root(v) + eps) * m,
        },
        equation=r"\frac{c_t\alpha}{\sqrt{\hat v_t}+\epsilon}\hat m_t = "
        r"c_t\left(\frac{\alpha}{\sqrt{\hat v_t}+\epsilon}\right)\hat m_t",
    ),
    Claim(
        id="blog2.adamw",
        source="B2",
        statement="an L2 term loses its effect under Adam's adaptive rate; decoupled decay keeps it (the "
        "two coincide for SGD up to rescaling, and differ for Adam)",
        kind=ClaimKind.EXACT,
        domain_stated="none stated",
        formula=DECAY,
        checks=(
            symbolic(check_decay_symbols),
            numeric(check_decay_adam),
            numeric(from_classic_optimisers.check_weight_decay),
        ),
        tolerance=0.02,
        tolerance_reason="the pull is (1 - sum a_i w_i)/sqrt(vhat) on average: up to 0.5% off at the steps "
        "tested, and sampling adds less",
        equation=r"w - \alpha(g + \lambda w) = (1-\alpha\lambda)w - \alpha g, \quad "
        r"\frac{\lambda |w|}{\sqrt{\hat v}} < \lambda |w|",
    ),
    Claim(
        id="blog2.lamb",
        source="B2",
        statement="LAMB's layer step has norm lr times the layer's weight norm, whatever the "
        "gradient's scale",
        kind=ClaimKind.EXACT,
        domain_stated="phi the identity",
        formula=lamb_norm,
        checks=(
            symbolic(check_lamb_symbolic),
            numeric(check_lamb_numeric),
            numeric(from_classic_optimisers.check_lamb),
        ),
        mutants={
            "norm of the update": lambda lr, weights, update: lr * update,
            "lr alone": lambda lr, weights, update: lr,
            "squared norm": lambda lr, weights, update: lr * weights**2,
        },
        equation=r"\|\Delta_t\| = \alpha \|w_t\|",
    ),
    Claim(
        id="blog3.adagrad-rms",
        source="B3",
        statement="Adagrad divides the step by the root mean square of all past gradients",
        kind=ClaimKind.EXACT,
        domain_stated="none stated",
        formula=root_mean_square,
        checks=(
            numeric(check_adagrad_denominator),
            numeric(from_classic_optimisers.check_adagrad),
        ),
        equation=r"\Delta_t = \frac{\alpha\, g_t}{\sqrt{\frac{1}{t}\sum_{i \le t} g_i^2}}",
    ),
    Claim(
        id="blog3.rmsprop-faster",
        source="B3",
        statement="after an abrupt change of curvature RMSProp adapts sooner than Adagrad",
        kind=ClaimKind.INEQUALITY,
        domain_stated="none stated",
        formula=ADAPTATION,
        checks=(numeric(check_adaptation), numeric(from_classic_optimisers.check_adaptation)),
        equation=r"k_{\mathrm{RMSProp}} < k_{\mathrm{Adagrad}}",
    ),
    Claim(
        id="blog3.gd-two-rates",
        source="B3",
        statement="on the convex surface shown there, lr 1e-2 oscillates and 1e-7 has not arrived after "
        "100,000 steps; Adagrad arrives, then bursts out once when its accumulated rate has grown "
        "(read: because the rate lr over the root of the accumulator has grown), and a decaying lr "
        "prevents it",
        kind=ClaimKind.EMPIRICAL,
        domain_stated="a convex surface with one flat and one steep direction (not given)",
        formula=TwoRates(1e-2, 1e-7, 100_000, rate_grows=True),
        checks=(symbolic(check_effective_rate), numeric(check_two_rates)),
        equation=r"\frac{\alpha}{\sqrt{G_{t+1}}} > \frac{\alpha}{\sqrt{G_t}}",
    ),
)
