"""The two controls.

Adam-eps and Adam-2k against the exact moments of psi and of the first update; closed forms from
theory.controls, quadrature by SciPy, and sampled recursions.
"""

from __future__ import annotations

import math

import numpy as np
import sympy as sp
from scipy import integrate, optimize, stats

from varlab.claims import from_optimisers
from varlab.claims.bridge import derivation_finding
from varlab.claims.monte_carlo_steps import check_adam_eps_size, check_power_of_eps
from varlab.claims.recursions import Array, adam_moments
from varlab.claims.statements import Isolation
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
from varlab.numerics import AdaptiveRate, ema_weights
from varlab.theory import controls as theory
from varlab.theory.inverse_chi import threshold
from varlab.theory.symbols import b2, eps, s, y

BETA1, BETA2 = 0.9, 0.999
EPSILONS = (1e-8, 1e-4)
FROZEN = 2000
SCALE = math.exp(-10)
BIG_EPS = 1e-4
# Quadrature and closed form are both in double precision.
QUADRATURE = 1e-8


def psi_eps_variance(epsilon: float, beta2: float, scale: float) -> float:
    """Var[psi_eps] at t = 1 for N(0, scale^2), by quadrature over ln abs(g)."""
    offset = epsilon / math.sqrt(1 - beta2)

    def moment(k: int) -> float:
        def integrand(logarithm: float) -> float:
            x = math.exp(logarithm)
            return x * math.sqrt(2 / math.pi) * math.exp(-x * x / 2) / (offset + scale * x) ** k

        # Outside (e^-60, e^4) the integrand is below 1e-20 of its integral for offsets >= 1e-9 scale.
        knee = math.log(offset / scale)
        value, _ = integrate.quad(
            integrand, -60, 4, points=[min(knee, 3.0)], limit=400, epsrel=1e-12
        )
        return float(value)

    return moment(2) - moment(1) ** 2


def closed_variance(epsilon: float, beta2: float, scale: float) -> float:
    """The same from theory's closed form, evaluated with enough digits."""
    offset = sp.Float(epsilon, 40) / sp.sqrt(1 - sp.Float(beta2, 40)) / sp.Float(scale, 40)
    return float(sp.N(theory.variance(y, sp.S.One).subs(y, offset), 30) / scale**2)


def check_order_symbolic(formula: sp.Expr, _: Context) -> Finding:
    """The power of eps: limit of Var/stated as eps -> 0."""
    derived = derivation_finding(theory.adam_eps())
    if not derived.agrees:
        return derived
    ratio = sp.limit(theory.leading_variance() / formula, eps, 0, "+")
    if ratio.is_finite and ratio.is_positive:
        return Finding.supports(f"Var[psi_eps]/stated tends to {ratio} as eps -> 0", domain="t = 1")
    return Finding.refutes(
        "under N(0, s^2) at t = 1, Var[psi_eps] = (sqrt(2/pi)(1/y + y J(y)) - 1 - (2/pi) J(y)^2)/s^2 "
        "with y = eps/(s sqrt(1-b2)); it tends to sqrt(2/pi) sqrt(1-b2)/(s eps): inversely "
        "proportional to eps, not to eps^2. A larger eps does reduce it. The support at step t is "
        "(0, sqrt(1-b2^t)/eps), so even the uniform law has (1-b2^t)/(12 eps^2)",
        counterexample={
            "eps": EPSILONS[0],
            "beta2": BETA2,
            "t": 1,
            "Var[psi_eps]": closed_variance(EPSILONS[0], BETA2, 1.0),
            "stated": float(formula.subs(eps, EPSILONS[0])),
            "limit of Var/stated as eps -> 0": str(ratio),
        },
    )


def check_order_numeric(formula: sp.Expr, context: Context) -> Finding:
    """The variance at the two values of eps, and its slope between them."""
    found, stated = [], []
    for epsilon in EPSILONS:
        value = psi_eps_variance(epsilon, BETA2, 1.0)
        mismatch = abs(value / closed_variance(epsilon, BETA2, 1.0) - 1)
        if mismatch > QUADRATURE:
            return Finding.silent(f"quadrature and closed form differ by {mismatch:.1e}")
        found.append(value)
        at = {eps: epsilon, b2: BETA2, s: 1}
        stated.append(float(formula.subs(at)))
    decades = math.log10(EPSILONS[1] / EPSILONS[0])
    slope, claimed = (math.log10(v[1] / v[0]) / decades for v in (found, stated))
    support = [math.sqrt(1 - BETA2) / epsilon for epsilon in EPSILONS]
    detail = (
        f"b2 = 0.999, t = 1, s = 1: Var[psi_eps] = {found[0]:.5g} at eps = 1e-8 and {found[1]:.5g} "
        f"at 1e-4; stated {stated[0]:.4g} and {stated[1]:.4g}; power of eps {slope:.3f} against "
        f"{claimed:.3f}. Support up to {support[0]:.4g} and {support[1]:.4g}; uniform on it: "
        f"{support[0] ** 2 / 12:.4g} and {support[1] ** 2 / 12:.4g}"
    )
    if abs(slope - claimed) <= context.required_tolerance:
        return Finding.supports(detail, error=abs(slope - claimed), domain="t = 1")
    return Finding.refutes(
        detail,
        counterexample={
            "eps": EPSILONS[0],
            "beta2": BETA2,
            "t": 1,
            "Var[psi_eps]": found[0],
            "stated": stated[0],
        },
        error=stated[0] / found[0] - 1,
    )


def sizes_after_freezing(frozen: int, gradients: Array) -> Array:
    """Mean abs(u) of Adam-2k's updates after ``frozen`` steps, m restarted; gradients (steps, runs)."""
    steps = len(gradients) - frozen
    mhat, _ = adam_moments(gradients[frozen:], BETA1, BETA2)
    sizes = np.empty(steps)
    for j in range(steps):
        count = frozen + j + 1
        square = ema_weights(count, BETA2) @ gradients[:count] ** 2
        sizes[j] = np.mean(np.abs(mhat[j]) / np.sqrt(square))
    return sizes


def check_2k_symbolic(formula: Isolation, context: Context) -> Finding:
    """Mean of psi at the first update, its dependence on m, and the size of the update."""
    derived = derivation_finding(theory.first_updates())
    if not derived.agrees:
        return derived
    size = float(theory.half_normal())
    # E[psi_1] needs more degrees of freedom than the threshold; psi_1 has one.
    finite = threshold(sp.S.One) < 1
    if finite and abs(size / formula.size - 1) <= context.required_tolerance:
        return Finding.supports(f"first steps of mean size {formula.size:g} and {size:.4f}")
    # After freezing psi hardly knows the newest gradient.
    share = float(ema_weights(FROZEN + 1, BETA2)[-1])
    return Finding.refutes(
        "not the variance alone: the mean of psi is infinite at Adam's first update and tends to 1/s "
        "as b2 -> 1 after freezing, and psi's dependence on m changes: under Adam psi_1 = 1/abs(m_1), so "
        "that m psi = sign(g) whatever g; under Adam-2k the newest gradient has the share "
        f"{share:.2g} of vhat, and psi is nearly free of m. Sizes beside them: abs(u_1) is exactly 1 and "
        f"abs(g)/s, mean sqrt(2/pi) = {size:.4f}; with the first moment's correction counting the frozen "
        "steps another factor 1-b1",
        counterexample={
            "Adam: E[psi_1]": "infinite",
            "Adam-2k: s E[psi], limit b2 -> 1": 1.0,
            "Adam: share of the newest gradient in vhat": 1.0,
            "Adam-2k: share of the newest gradient in vhat": share,
            "Adam: mean |u_1|": 1.0,
            "Adam-2k: mean |u_1|": size,
        },
        error=abs(size / formula.size - 1),
    )


def check_2k_mean(_: Isolation, context: Context) -> Finding:
    """E[psi] at the first update, by the exact law of the moving average."""
    plain, frozen = (AdaptiveRate(count, BETA2) for count in (1, FROZEN + 1))
    detail = (
        f"exact law, s = 1: E[psi_1] of Adam is {plain.mean():g}, that of Adam-2k after {FROZEN} frozen "
        f"steps {frozen.mean():.6f}; Var[psi] {plain.var():g} against {frozen.var():.3g}: mean and "
        "variance change together"
    )
    if abs(plain.mean() / frozen.mean() - 1) <= context.required_tolerance:
        return Finding.supports(detail)
    return Finding.refutes(
        detail,
        counterexample={
            "Adam: E[psi_1]": "infinite" if math.isinf(plain.mean()) else plain.mean(),
            "Adam-2k: E[psi]": frozen.mean(),
        },
    )


def check_2k_numeric(formula: Isolation, context: Context) -> Finding:
    """Both readings of the bias correction, by the exact law of vhat after 2000 frozen steps."""
    restarted = theory.delayed_update_mean(FROZEN, BETA2)
    counted = theory.delayed_update_mean(FROZEN, BETA2, BETA1)
    detail = (
        f"exact mean |u| of the first update after {FROZEN} frozen steps: {restarted:.5f} with the "
        f"first moment's correction restarted, {counted:.5f} with it counting all {FROZEN + 1} steps; "
        "Adam 1"
    )
    error = abs(restarted / formula.size - 1)
    if error <= context.required_tolerance:
        return Finding.supports(detail, error=error)
    return Finding.refutes(
        detail,
        counterexample={
            "Adam: mean |u_1|": 1.0,
            "Adam-2k, correction restarted": restarted,
            "Adam-2k, correction counted": counted,
        },
        error=error,
    )


def check_2k_sampled(formula: Isolation, context: Context) -> Finding:
    """The first ten updates, sampled, and the rank correlation of abs(m) and psi at the first.

    With 1000 runs a mean size has a standard error of at most 0.02; the largest difference is tested
    against the tolerance plus five of them: false-fail rate below 1e-6.
    """
    runs, steps = 1000, 10
    rng = generator(context.seed, "claims", context.claim)
    mhat, vhat = adam_moments(rng.standard_normal((steps, runs)), BETA1, BETA2)
    plain = np.mean(np.abs(mhat) / np.sqrt(vhat), axis=1)
    gradients = rng.standard_normal((FROZEN + steps, runs))
    frozen = sizes_after_freezing(FROZEN, gradients)
    gap = float(np.max(np.abs(frozen / (formula.size * plain) - 1)))
    bound = float(stats.spearmanr(np.abs(mhat[0]), 1 / np.sqrt(vhat[0])).statistic)
    square = ema_weights(FROZEN + 1, BETA2) @ gradients[: FROZEN + 1] ** 2
    loose = float(stats.spearmanr(np.abs(gradients[FROZEN]), 1 / np.sqrt(square)).statistic)
    shown = ", ".join(f"{a:.2f}/{b:.2f}" for a, b in zip(plain, frozen, strict=True))
    detail = f"mean |u| of updates 1..{steps}, Adam / Adam-2k (restarted), s.e. <= 0.02: {shown}"
    detail += f"; rank correlation of |m| and psi at the first update {bound:.3f} / {loose:.3f}, s.e. 0.03"
    if gap <= context.required_tolerance + 5 * 0.02:
        return Finding.supports(detail, error=gap)
    return Finding.refutes(
        detail,
        counterexample={
            "Adam: rank correlation of |m| and psi": bound,
            "Adam-2k: rank correlation of |m| and psi": loose,
            "Adam: mean |u_1|": float(plain[0]),
            "Adam-2k: mean |u_1|": float(frozen[0]),
        },
        error=gap,
    )


def mean_first_size(scale: float, epsilon: float, beta2: float) -> float:
    """E[abs(g)/(e + abs(g))] for N(0, scale^2), e = epsilon/sqrt(1-beta2); by quadrature."""
    offset = epsilon / math.sqrt(1 - beta2) / scale

    def integrand(x: float) -> float:
        return math.sqrt(2 / math.pi) * math.exp(-x * x / 2) * x / (offset + x)

    value, _ = integrate.quad(integrand, 0, 12, epsabs=0, epsrel=1e-12)
    return float(value)


def check_eps_isolates(formula: Isolation, context: Context) -> Finding:
    """Mean first step of Adam-eps at the paper's gradient scale."""
    found = mean_first_size(SCALE, BIG_EPS, BETA2)
    offset = sp.Float(BIG_EPS, 40) / sp.sqrt(1 - sp.Float(BETA2, 40)) / sp.Float(SCALE, 40)
    closed = float(sp.N(theory.first_update_mean(y).subs(y, offset), 30))
    if abs(found / closed - 1) > QUADRATURE:
        return Finding.silent(f"quadrature {found} and closed form {closed} differ")
    late = SCALE / (BIG_EPS + SCALE)
    at_scale = SCALE / (BIG_EPS / math.sqrt(1 - BETA2) + SCALE)
    # eps = 1e-8 is plain Adam as it is used: its own effect at this scale.
    plain = mean_first_size(SCALE, 1e-8, BETA2)
    tolerance = context.required_tolerance

    def shrinkage(scale: float) -> float:
        return 1 - mean_first_size(scale, BIG_EPS, BETA2) / formula.size

    needed = math.exp(
        float(optimize.brentq(lambda u: shrinkage(math.exp(u)) - tolerance, -12.0, 5.0))
    )
    detail = (
        f"g ~ N(0, e^-20), eps = 1e-4 beside the uncorrected root: mean |u_1| = {found:.5f}, "
        f"{1 / found:.1f} times smaller than Adam's 1 (for abs(g) = s: {1 / at_scale:.1f} times; "
        f"eps = 1e-8: {plain:.4f}); once sqrt(v) = s the factor is still {late:.3f}. Adam-eps is "
        "mostly a smaller learning rate here; first steps within "
        f"{tolerance:.0%} of Adam's need s >= {needed:.3g}"
    )
    error = abs(found / formula.size - 1)
    if error <= tolerance:
        return Finding.supports(detail, error=error)
    return Finding.refutes(
        detail,
        counterexample={"s": SCALE, "eps": BIG_EPS, "Adam: mean |u_1|": 1.0, "Adam-eps": found},
        error=error,
        domain=f"s >= {needed:.3g}",
    )


CLAIMS = (
    Claim(
        id="radam.s31.adam-eps",
        source="R §3.1",
        statement="if uniform, the variance of psi_eps equals 1/(12 eps^2): it scales like eps^-2",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="psi_eps uniform; used for the N(0, s^2) gradients of the paper",
        formula=theory.printed_variance(),
        derivation="controls.adam_eps",
        checks=(
            symbolic(check_order_symbolic),
            numeric(check_order_numeric),
            monte_carlo(check_power_of_eps),
        ),
        tolerance=0.05,
        tolerance_reason="the power of eps between 1e-8 and 1e-4: corrections to it are of order y ln(1/y)^2, "
        "0.02 over these four decades",
        equation=r"\mathrm{Var}[\psi_\epsilon] = \frac{1}{12\epsilon^2}",
    ),
    Claim(
        id="radam.s31.adam-2k-isolates-variance",
        source="R §3.1",
        statement="Adam-2k differs from Adam only through the variance of psi",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="none stated",
        formula=Isolation("Adam-2k"),
        derivation="controls.first_updates",
        checks=(
            symbolic(check_2k_symbolic),
            numeric(check_2k_mean),
            numeric(check_2k_numeric),
            monte_carlo(check_2k_sampled),
            monte_carlo(from_optimisers.check_adam_2k),
        ),
        tolerance=0.10,
        tolerance_reason="first updates of the same size: the first digit must be right",
        equation=r"\mathbb{E}[\psi^{\mathrm{Adam\text{-}2k}}] \approx \mathbb{E}[\psi_1^{\mathrm{Adam}}], "
        r"\quad \mathbb{E}\left|u_1^{\mathrm{Adam\text{-}2k}}\right| \approx "
        r"\mathbb{E}\left|u_1^{\mathrm{Adam}}\right| = 1",
    ),
    Claim(
        id="radam.s31.adam-eps-isolates-variance",
        source="R §3.1",
        statement="Adam with eps = 1e-4 differs from Adam only through the variance of psi",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="gradients of scale e^-10 (R Fig. 2)",
        formula=Isolation("Adam-eps"),
        derivation="controls.first_updates",
        checks=(
            numeric(check_eps_isolates),
            numeric(from_optimisers.check_adam_eps),
            monte_carlo(check_adam_eps_size),
        ),
        tolerance=0.10,
        tolerance_reason="first updates of the same size: the first digit must be right",
        equation=r"\mathbb{E}\left|u_1^{\mathrm{Adam\text{-}eps}}\right| \approx "
        r"\mathbb{E}\left|u_1^{\mathrm{Adam}}\right| = 1",
    ),
)
