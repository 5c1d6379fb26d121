"""A second moment that starts at a gradient's square (GI-Adam).

Kalra and Barkeshli start Adam's second moment at g_0^2 and read the result as an automatic warm-up.
Whether v keeps its bias correction decides the answer, so both readings stand here. g_0 is independent
of g_1..g_t unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import sympy as sp
from scipy import stats

from varlab.claims.bridge import as_finding, derivation_finding
from varlab.claims.exact_law import FIRST_DIGIT
from varlab.claims.gi_adam_spread import (
    DECAYS,
    DRAWS,
    LARGER,
    VARIANCE,
    LargerSteps,
    check_larger_numeric,
    check_larger_sampled,
    check_larger_symbolic,
    check_variance_numeric,
    check_variance_symbolic,
)
from varlab.claims.recursions import adam_moments, started_moments
from varlab.claims.sampling import QUANTILE, RATE, finding
from varlab.core import (
    Claim,
    ClaimKind,
    Context,
    Finding,
    generator,
    monte_carlo,
    numeric,
    symbolic,
)
from varlab.numerics import ema_weights
from varlab.numerics.gradient_start import median_multiplier
from varlab.theory import gradient_start as theory
from varlab.theory.checking import check_equal
from varlab.theory.moving_average import DOMAIN
from varlab.theory.symbols import b2, t

ROUNDING = 1e-12  # a few hundred additions of positive terms


# --- No bias. The formula under test is the weight of g_0^2 in v_t.


def check_weight_symbolic(formula: sp.Expr, _: Context) -> Finding:
    """The derivation, and the total weight with the stated start."""
    total = check_equal(theory.weights_total(formula), sp.S.One, DOMAIN)
    if not total:
        return as_finding(total, note="sum of the weights against 1")
    return derivation_finding(
        theory.gradient_start(), domain="gradients of constant E[g^2], every t"
    )


def check_weight_numeric(formula: sp.Expr, context: Context) -> Finding:
    """v_t of the recursion against formula * g_0^2 + (1 - b2^t) vhat_t on a heavy-tailed sequence."""
    rng = generator(context.seed, "claims", context.claim, "recursion")
    gradients, start = rng.standard_cauchy((300, 1)), rng.standard_cauchy(1)
    steps = np.arange(1.0, 301.0)[:, None]
    worst, at = 0.0, {"t": 1.0, "beta2": DECAYS[0]}
    for decay in DECAYS:
        weight = np.array([float(formula.subs({t: int(n), b2: decay})) for n in steps[:, 0]])
        _, vhat = adam_moments(gradients, 0.9, decay)
        stated = weight[:, None] * start**2 + (1 - decay**steps) * vhat
        error = np.abs(stated / started_moments(start, gradients, decay) - 1)[:, 0]
        if error.max() > worst:
            worst, at = float(error.max()), {"t": float(np.argmax(error) + 1), "beta2": decay}
    return Finding.within(
        worst,
        ROUNDING,
        f"300 Cauchy gradients, b2 in {DECAYS}: v_t is weight * g_0^2 + (1-b2^t) vhat_t to {worst:.1e}",
        worst={**at, "relative difference": worst},
    )


def check_weight_sampled(formula: sp.Expr, context: Context) -> Finding:
    """Mean of v_t over draws of normal gradients, s = 1, at b2 = 0.9."""
    from varlab.simulate import mean_agrees

    rng = generator(context.seed, "claims", context.claim, "mean")
    steps, decay = (1, 3, 10), 0.9
    found = started_moments(
        rng.standard_normal(DRAWS), rng.standard_normal((max(steps), DRAWS)), decay
    )
    stated = [float((formula + 1 - b2**t).subs({t: n, b2: decay})) for n in steps]
    spread = [
        2 * (decay ** (2 * n) + (1 - decay**n) ** 2 * float(np.sum(ema_weights(n, decay) ** 2)))
        for n in steps
    ]
    means = [float(found[n - 1].mean()) for n in steps]
    assertion = mean_agrees(means, stated, variance=spread, n=DRAWS, false_fail_rate=RATE)
    return finding(
        assertion, [{"t": n} for n in steps], f"mean of v_t, {DRAWS} draws, b2 = {decay}"
    )


# --- The warm-up.


@dataclass(frozen=True)
class Warmup:
    """``multiplier`` times Adam's step is ``1/reference`` times that of GI-Adam without bias correction of v.

    ``reference`` is 1 where GI-Adam leaves the correction out, and 1/sqrt(1-b2^t) where it keeps it:
    the same as holding GI-Adam without it against Adam without it.
    """

    multiplier: sp.Expr
    reference: sp.Expr

    def over_adam(self, step: int, decay: float) -> float:
        """The stated ratio of GI-Adam's step, without bias correction of v, to Adam's."""
        return float((self.multiplier * self.reference).subs({t: step, b2: decay}))


UNCORRECTED = Warmup(theory.stated_warmup(), sp.S.One)
CORRECTED = replace(UNCORRECTED, reference=1 / theory.stated_warmup())


def check_warmup_symbolic(formula: Warmup, _: Context) -> Finding:
    """Gradients of constant square: GI-Adam's step is Adam's."""
    same = check_equal(formula.multiplier * formula.reference, sp.S.One, DOMAIN)
    note = "gradients of constant square, v_t = g^2 = vhat_t"
    if same:
        return Finding.silent(
            f"{note}: exact at every t, the bias correction being all that differs; it does not speak of "
            "gradients that vary"
        )
    first = float(theory.ratio_for_warmup(sp.Integer(1), sp.Rational(999, 1000)))
    return Finding.refutes(
        f"{note}: the ratio of the steps is 1 at every t, with nothing warmed up. It is sqrt(1-b2^t) "
        "over the step of Adam without the bias correction of v, and over Adam's where "
        f"g_0^2 = vhat_t (2-b2^t)/(1-b2^t), {first:.0f} times vhat_1 at b2 = 0.999",
        counterexample={
            "gradients": "g_t = g_0",
            "beta2": 0.999,
            "t": 1,
            "step over Adam's": 1.0,
            "stated": formula.over_adam(1, 0.999),
        },
    )


def check_warmup_numeric(formula: Warmup, context: Context) -> Finding:
    """I.i.d. normal gradients: the exact median of the ratio of the steps."""
    worst, at, lines = 0.0, {"t": 1.0}, []
    for decay in DECAYS:
        horizon = round(1 / (1 - decay))
        medians = {n: median_multiplier(n, decay) for n in (1, 10, horizon, 3 * horizon)}
        for n, median in medians.items():
            error = abs(formula.over_adam(n, decay) / median - 1)
            if error > worst:
                worst = error
                step = median / formula.over_adam(n, decay)
                at = {"beta2": decay, "t": n, "median step over the stated": step}
        shown = ", ".join(f"{m:.4f} at {n}" for n, m in medians.items())
        lines.append(f"b2 = {decay}: {shown}")
    over = {decay: _over_from(formula, decay, context.required_tolerance) for decay in DECAYS}
    constant = check_equal(formula.multiplier * formula.reference, sp.S.One, DOMAIN)
    return Finding.within(
        worst,
        context.required_tolerance,
        "i.i.d. normal gradients, median of GI-Adam's step over Adam's: "
        + "; ".join(lines)
        + ". The "
        f"median is 1 at t = 1, above 1 after, up to {1 / stats.norm.isf(0.25):.4g}",
        worst=at,
        domain=("gradients of constant square: every t; " if constant else "")
        + "i.i.d. normal gradients: "
        + ", ".join(f"t >= {step} at beta2 = {decay}" for decay, step in over.items()),
    )


def _over_from(formula: Warmup, decay: float, tolerance: float) -> int:
    """First step from which the stated ratio stays within the tolerance of the median."""
    low, high = 1, round(20 / (1 - decay))
    while high - low > 1:
        middle = (low + high) // 2
        median = median_multiplier(middle, decay)
        near = abs(formula.over_adam(middle, decay) / median - 1) <= tolerance
        low, high = (low, middle) if near else (middle, high)
    return high


def check_warmup_sampled(formula: Warmup, context: Context) -> Finding:
    """Both recursions on the same normal gradients; g_0 independent, and g_0 = g_1.

    A sample median of n draws lies between the quantiles 1/2 +- 5/(2 sqrt n): false-fail rate below 1e-6.
    """
    rng = generator(context.seed, "claims", context.claim, "steps")
    steps, decay = (1, 10, 100), 0.999
    gradients, start = rng.standard_normal((max(steps), DRAWS)), rng.standard_normal(DRAWS)
    _, vhat = adam_moments(gradients, 0.9, decay)
    ratio = np.sqrt(vhat / started_moments(start, gradients, decay))
    repeated = np.sqrt(vhat[0] / started_moments(gradients[0], gradients[:1], decay)[0])
    share = QUANTILE / (2 * np.sqrt(DRAWS))
    ends = {n: np.quantile(ratio[n - 1], [0.5 - share, 0.5, 0.5 + share]) for n in steps}
    shown = ", ".join(f"{e[1]:.4f} in [{e[0]:.4f}, {e[2]:.4f}] at {n}" for n, e in ends.items())
    detail = (
        f"{DRAWS} draws, b2 = {decay}: median of the ratio {shown}; with g_0 = g_1 the first step is "
        f"Adam's to {np.abs(repeated - 1).max():.0e}"
    )
    slack = 1 + context.required_tolerance
    for n, (low, middle, high) in ends.items():
        stated = formula.over_adam(n, decay)
        if not low / slack <= stated <= high * slack:
            return Finding.refutes(
                detail,
                counterexample={"t": n, "beta2": decay, "median": float(middle), "stated": stated},
                error=float(abs(stated / middle - 1)),
            )
    return Finding.supports(detail)


CLAIMS = (
    Claim(
        id="gi-adam.no-bias-correction",
        source="V",
        statement="started at v_0 = g_0^2, the second moment needs no bias correction",
        kind=ClaimKind.EXACT,
        domain_stated="none stated; E[g^2] constant is needed",
        formula=theory.start_weight(),
        derivation="gradient_start.gradient_start",
        checks=(
            symbolic(check_weight_symbolic),
            numeric(check_weight_numeric),
            monte_carlo(check_weight_sampled),
        ),
        mutants={
            "index": theory.start_weight(t - 1),
            "no decay": sp.S.One,
            "weight 1 - b2": 1 - b2,
        },
        equation=r"v_0 = g_0^2 \Rightarrow \mathbb{E}[v_t] = \mathbb{E}[g^2]",
    ),
    Claim(
        id="gi-adam.warmup",
        source="KB §6",
        statement="Adam whose second moment starts at g_0^2, its bias correction kept, moves like Adam "
        "under the warm-up lr sqrt(1-b2^t)",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="none stated",
        formula=CORRECTED,
        checks=(
            symbolic(check_warmup_symbolic),
            numeric(check_warmup_numeric),
            monte_carlo(check_warmup_sampled),
        ),
        tolerance=FIRST_DIGIT,
        tolerance_reason="no number stated: the first digit must be right",
        equation=r"\Delta_t^{\mathrm{GI}} \approx \sqrt{1-\beta_2^t}\,\Delta_t^{\mathrm{Adam}}",
    ),
    Claim(
        id="varlab.gi-adam.warmup-uncorrected",
        source="V",
        statement="the same where the start at g_0^2 replaces the bias correction of v",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="none stated",
        formula=UNCORRECTED,
        checks=(
            symbolic(check_warmup_symbolic),
            numeric(check_warmup_numeric),
            monte_carlo(check_warmup_sampled),
        ),
        tolerance=FIRST_DIGIT,
        tolerance_reason="as for the reading with the correction kept",
        equation=r"\Delta_t^{\mathrm{GI}} \approx \sqrt{1-\beta_2^t}\,\Delta_t^{\mathrm{Adam}}",
    ),
    Claim(
        id="varlab.gi-adam.larger-steps",
        source="V",
        statement="for i.i.d. normal gradients GI-Adam's step is larger than Adam's with a probability "
        "between 1/2 (t = 1) and 0.683, at every t",
        kind=ClaimKind.INEQUALITY,
        domain_stated="i.i.d. N(0, s^2), g_0 independent of g_1..g_t",
        formula=LARGER,
        derivation="gradient_start.gradient_start",
        checks=(
            symbolic(check_larger_symbolic),
            numeric(check_larger_numeric),
            monte_carlo(check_larger_sampled),
        ),
        mutants={
            "more than half from the start": replace(LARGER, lower=0.51),
            "at most 0.65": replace(LARGER, upper=0.65),
            "at most half": LargerSteps(0.0, 0.5),
        },
        equation=r"\tfrac12 \le P\left(|\Delta_t^{\mathrm{GI}}| > |\Delta_t^{\mathrm{Adam}}|\right) "
        r"\le \operatorname{erf}(1/\sqrt 2)",
    ),
    Claim(
        id="varlab.gi-adam.variance",
        source="V",
        statement="the start at g_0^2 makes Var[psi_t] finite one step sooner, from t = 2, and larger "
        "than Adam's from t = 4 on for as long as b2^t >= 2(1-b2)",
        kind=ClaimKind.INEQUALITY,
        domain_stated="i.i.d. N(0, s^2), g_0 independent of g_1..g_t; beta2 >= 0.9",
        formula=VARIANCE,
        derivation="gradient_start.gradient_start",
        checks=(symbolic(check_variance_symbolic), numeric(check_variance_numeric)),
        mutants={
            "finite from the first step": replace(VARIANCE, finite_from=1),
            "larger from 3": replace(VARIANCE, larger_from=3),
            "larger for ever": replace(VARIANCE, until=0.5),
        },
        equation=r"\mathrm{Var}[v_t^{-1/2}] > \mathrm{Var}[\psi_t], \quad \beta_2^t \ge 2(1-\beta_2)",
    ),
)
