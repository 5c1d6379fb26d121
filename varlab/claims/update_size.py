"""Checks of section G on the size of Adam's update: median and second moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import sympy as sp

from varlab.claims.bridge import derivation_finding
from varlab.claims.recursions import (
    adam_updates,
)
from varlab.claims.update_law import equal_weights_median, median_size, sample_sizes
from varlab.core import Context, Finding, generator
from varlab.core.evidence import Scalar
from varlab.theory import warmup as theory
from varlab.theory.checking import check_equal
from varlab.theory.step_bound import DOMAIN
from varlab.theory.symbols import b1, t

BETA1, BETA2 = 0.9, 0.999


@dataclass(frozen=True)
class UpdateSize:
    """Median of abs(update)/lr: ``first`` at t = 1, near ``settled`` from step ``after`` on."""

    first: float
    settled: float
    after: int


MAGNITUDE = UpdateSize(1.0, 0.16, 40)


def _size_finding(
    formula: UpdateSize,
    medians: dict[float, float],
    context: Context,
    detail: str,
    slack: float = 0.0,
    domain: str | None = None,
) -> Finding:
    start = abs(medians[1] / formula.first - 1)
    late = {
        step: abs(m / formula.settled - 1) for step, m in medians.items() if step >= formula.after
    }
    step = max(late, key=lambda j: late[j])
    worst: dict[str, Scalar] = {
        "t": step if math.isfinite(step) else "infinity",
        "median": medians[step],
        "stated": formula.settled,
    }
    if start > 0:
        return Finding.refutes(
            f"{medians[1]} at t = 1",
            counterexample={"t": 1, "|u|": medians[1], "stated": formula.first},
        )
    return Finding.within(
        late[step], context.required_tolerance + slack, detail, worst=worst, domain=domain
    )


def check_magnitude_exact(formula: UpdateSize, context: Context) -> Finding:
    """Exact medians at b2 = 0.999 (Imhof) beside the equal-weights law (Beta), up to its limit."""
    steps = sorted({1, 2, 5, 10, 20, 30, 40, 60, 100, formula.after})
    medians: dict[float, float] = {step: median_size(step, BETA1, BETA2) for step in steps}
    beta = {step: equal_weights_median(step, BETA1) for step in steps if step > 1}
    medians[math.inf] = equal_weights_median(math.inf, BETA1)
    gap = max(abs(beta[step] / medians[step] - 1) for step in beta)
    near = [
        step
        for step in (*range(2, 201), math.inf)
        if abs(equal_weights_median(step, BETA1) / formula.settled - 1) > context.required_tolerance
    ]
    settled = max(near, default=1) + 1  # infinite when the limit itself is out
    listed = ", ".join(f"{medians[step]:.4f} at {step}" for step in steps)
    return _size_finding(
        formula,
        medians,
        context,
        f"exact medians of |u| (b1 = 0.9, b2 = 0.999): {listed}; within the tolerance of "
        f"{formula.settled} from t = {settled} on. The equal-weights law u^2 ~ t sum a^2 "
        f"Beta(1/2, (t-1)/2) differs by at most {gap:.1e} at these; its limit t -> infinity is "
        f"half-normal, {medians[math.inf]:.5f}, {medians[math.inf] / formula.settled - 1:+.2%} of the "
        "stated value",
        domain=f"t = 1 and t >= {settled}" if math.isfinite(settled) else None,
    )


def check_magnitude_sampled(formula: UpdateSize, context: Context) -> Finding:
    """Seeded sample: 20,000 updates at t = 1, 40, 100.

    The standard error of a half-normal median is 0.0083 of it with n = 20,000 (sqrt(1/4n)/density);
    five of them are allowed beyond the tolerance: false-fail rate below 1e-6, and a median that is
    20% off is caught with certainty.
    """
    rng = generator(context.seed, "claims", context.claim)
    medians: dict[float, float] = {
        1: float(np.median(np.abs(adam_updates(rng.standard_normal((1, 99)), BETA1, BETA2))))
    }
    for step in sorted({formula.after, 100}):
        medians[step] = float(np.median(sample_sizes(step, BETA1, BETA2, 20_000, rng)))
    listed = ", ".join(f"{m:.4f} at {step}" for step, m in medians.items())
    detail = f"sample medians (n = 20,000, s.e. 0.8%): {listed}"
    return _size_finding(formula, medians, context, detail, slack=5 * 0.0083)


def check_second_moment_symbolic(formula: sp.Expr, _: Context) -> Finding:
    """The derivation, and its closed form against the statement."""
    derived = derivation_finding(theory.second_moment())
    if not derived.agrees:
        return derived
    same = check_equal(formula, theory.update_second_moment(), DOMAIN)
    if not same:
        return Finding.refutes(
            same.how, counterexample=same.counterexample or {"formula": str(formula)}
        )
    return Finding.supports(
        derived.detail + "; only symmetry and no mass at 0 are needed, not normality",
        error=derived.error,
        domain="any symmetric law without mass at 0 (no moments needed), equal weights; every t, b1",
    )


def check_second_moment_numeric(formula: sp.Expr, _: Context) -> Finding:
    """Exact enumeration of three laws in the limit, and at b2 = 0.999 the distance from it."""
    decay = sp.Rational(9, 10)
    steps = (1, 2, 3, 4)
    for name, law in theory.LAWS.items():
        for step in steps:
            exact = theory.enumerate_second_moment(law, step, decay)
            stated = formula.subs({b1: decay, t: step})
            if exact != stated:
                return Finding.refutes(
                    f"{name}, t = {step}: {float(exact):.6f} against {float(stated):.6f}",
                    counterexample={
                        "law": name,
                        "t": step,
                        "E[u^2]": float(exact),
                        "stated": float(stated),
                    },
                    error=abs(float(stated / exact) - 1),
                )
    unequal = theory.enumerate_second_moment(theory.HEAVY, 4, decay, sp.Rational(999, 1000))
    skewed = theory.enumerate_second_moment(theory.SKEWED, 4, decay)
    limit = float(theory.update_second_moment(sp.Integer(4), decay))
    return Finding.supports(
        f"exact enumeration for t = 1..4: {', '.join(theory.LAWS)}; at b2 = 0.999 the heavy law "
        f"differs by {float(unequal) / limit - 1:.1e} at t = 4. Without symmetry it fails: "
        f"{float(skewed):.4f} against {limit:.4f} for a skewed law",
        error=0.0,
    )
