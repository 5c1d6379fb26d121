"""Checks on GI-Adam under i.i.d. normal gradients: steps larger than Adam's, variance larger than Adam's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sympy as sp
from scipy import stats

from varlab.claims.bridge import derivation_finding
from varlab.claims.sampling import QUANTILE, RATE
from varlab.core import Context, Finding, generator
from varlab.numerics import AdaptiveRate, ema_weights
from varlab.numerics.gradient_start import start_below, start_variance
from varlab.theory import gradient_start as theory

DECAYS = (0.9, 0.99, 0.999)
DRAWS = 100_000
QUADRATURE = 1e-10  # of a probability, well above the quadrature's own 1e-12


@dataclass(frozen=True)
class LargerSteps:
    """lower <= P(GI-Adam's step is larger than Adam's) <= upper at every t."""

    lower: float
    upper: float


ONE_SIGMA = float(theory.size_distribution(sp.S.One))
LARGER = LargerSteps(0.5, ONE_SIGMA)


def check_larger_symbolic(formula: LargerSteps, _: Context) -> Finding:
    """Jensen's two bounds, and that both are reached."""
    derived = derivation_finding(theory.gradient_start())
    if not derived.agrees:
        return derived
    if formula.lower > LARGER.lower:
        return Finding.refutes(
            "at t = 1, g_0^2 and vhat_1 = g_1^2 have one law: the probability is 1/2",
            counterexample={"t": 1, "probability": 0.5, "stated": formula.lower},
        )
    if formula.upper < LARGER.upper:
        return Finding.refutes(
            "as t -> infinity and b2 -> 1, vhat_t -> s^2: the probability tends to erf(1/sqrt 2)",
            counterexample={"limit": LARGER.upper, "stated": formula.upper},
        )
    return Finding.supports(
        f"{derived.detail}; Jensen's bounds 1/2 and erf(1/sqrt 2) are reached at t = 1 and in the limit "
        "t -> infinity, b2 -> 1",
        domain="every t and beta2; the lower bound for any i.i.d. gradients whose g^2 has a falling "
        "density",
    )


def check_larger_numeric(formula: LargerSteps, _: Context) -> Finding:
    """The exact probability over t, and its limit b2 -> 1, where vhat_t is a plain mean: Student's t."""
    values = {
        (decay, n): start_below(n, decay)
        for decay in (0.5, *DECAYS, 0.9999)
        for n in (1, 2, 3, 5, 10, 100, 1000, 10_000)
    }
    student = max(
        abs(start_below(n, 1 - 1e-12) - (2 * stats.t.cdf(1, n) - 1)) for n in (1, 2, 5, 20, 100)
    )
    if student > QUADRATURE:
        return Finding.silent(f"off Student's t by {student:.1e} in the limit beta2 -> 1")
    for (decay, n), value in values.items():
        if not formula.lower - QUADRATURE <= value <= formula.upper + QUADRATURE:
            return Finding.refutes(
                f"the probability is {value:.6f}",
                counterexample={"beta2": decay, "t": n, "probability": value},
            )
    shown = ", ".join(f"{values[0.999, n]:.4f} at {n}" for n in (1, 2, 10, 100, 1000))
    return Finding.supports(
        f"exact, b2 = 0.999: {shown}; from {min(values.values()):.4f} to {max(values.values()):.4f} "
        f"over all; in the limit b2 -> 1 it is P(|T_t| < 1) of Student's t, to {student:.0e}",
        error=student,
    )


def check_larger_sampled(formula: LargerSteps, context: Context) -> Finding:
    """Shares among draws, with their binomial radius."""
    rng = generator(context.seed, "claims", context.claim, "shares")
    radius = QUANTILE * 0.5 / np.sqrt(DRAWS)
    start, shares = rng.standard_normal(DRAWS) ** 2, {}
    squares = rng.standard_normal((100, DRAWS)) ** 2
    for n in (1, 10, 100):
        shares[n] = float(np.mean(start < ema_weights(n, 0.999) @ squares[:n]))
    shown = ", ".join(f"{p:.4f} at {n}" for n, p in shares.items())
    detail = (
        f"{DRAWS} draws, b2 = 0.999: {shown}, each +- {radius:.4f} (false-fail rate {RATE:.0e})"
    )
    for n, p in shares.items():
        if p + radius < formula.lower or p - radius > formula.upper:
            return Finding.refutes(detail, counterexample={"t": n, "share": p, "radius": radius})
    return Finding.supports(detail)


# --- The variance.


@dataclass(frozen=True)
class StartVariance:
    """Where Var[1/sqrt(v_t)] is finite, and where above Adam's: while b2^t >= until (1-b2)."""

    finite_from: int
    larger_from: int
    until: float


def check_variance_symbolic(formula: StartVariance, _: Context) -> Finding:
    """Where the second moment of 1/sqrt(v_t) exists."""
    found = theory.finite_from(2)
    tails = [theory.check_tail(step) for step in (1, 2, 3)]
    if not all(tails):
        return Finding.silent("the tail of the transform does not check")
    detail = f"t + 1 Gaussian terms: E[1/v_t] is finite iff t >= {found}, Adam's iff t >= 3"
    if formula.finite_from != found:
        return Finding.refutes(
            detail, counterexample={"finite from": found, "stated": formula.finite_from}
        )
    return Finding.silent(f"{detail}; it does not speak of the size")


def check_variance_numeric(formula: StartVariance, _: Context) -> Finding:
    """Exact variances beside Adam's, for b2 from 0.9 on."""
    lines = []
    for decay in (*DECAYS, 0.9999):
        last = int(np.log(formula.until * (1 - decay)) / np.log(decay))
        steps = sorted({*range(formula.larger_from, 11), *np.geomspace(11, last, 12).astype(int)})
        steps = [int(n) for n in steps if formula.larger_from <= n <= last]
        factors = {n: start_variance(n, decay) / AdaptiveRate(n, decay).var() for n in steps}
        least = min(factors, key=lambda n: factors[n])
        if factors[least] <= 1:
            return Finding.refutes(
                f"{factors[least]:.4f} times Adam's",
                counterexample={"beta2": decay, "t": least, "over Adam's": factors[least]},
            )
        most = max(factors, key=lambda n: factors[n])
        lines.append(
            f"b2 = {decay}: {factors[least]:.3f} (t = {least}) to {factors[most]:.3f} (t = {most}) times"
        )
    first = {n: start_variance(n, 0.999) for n in (1, 2, 3, 10)}
    shown = ", ".join(f"{v:.4g} at {n}" for n, v in first.items())
    return Finding.supports(
        f"over Adam's Var[psi_t] at the same step, {'; '.join(lines)}. b2 = 0.999: {shown}",
        domain="beta2 >= 0.9, tried at those named",
    )


VARIANCE = StartVariance(2, 4, 2.0)
