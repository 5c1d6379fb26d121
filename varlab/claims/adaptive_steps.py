"""Which steps are adaptive: R section 4.2 and Algorithm 2."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from varlab.claims import from_optimisers
from varlab.claims.bridge import as_finding
from varlab.claims.statements import DegenerateDecays
from varlab.core import Claim, ClaimKind, Context, Finding, numeric, symbolic
from varlab.numerics import first_adaptive_step
from varlab.theory import moving_average
from varlab.theory import rectification as theory
from varlab.theory.symbols import b2, t


def _degenerate_symbolic(formula: DegenerateDecays, _: Context) -> Finding:
    found = theory.degenerate_decays(formula.threshold)
    if not found.contains(formula.bound):
        at = moving_average.rho_limit(formula.bound)
        return Finding.refutes(
            f"rho_inf <= {formula.threshold} holds on {found} only",
            counterexample={"beta2": str(formula.bound), "rho_inf": str(at)},
        )
    checked = theory.check_degenerate()
    other = theory.degenerate_decays(sp.Integer(5)).sup
    return as_finding(
        checked,
        note=f"the bound is sharp; with the threshold 5 of the authors' code it is beta2 <= {other}",
        domain=f"0 <= beta2 <= {found.sup}, exactly there",
    )


def _degenerate_numeric(formula: DegenerateDecays, _: Context) -> Finding:
    bound, threshold = float(formula.bound), float(formula.threshold)
    for decay in (0.0, 0.3, bound / 2, bound):
        step = first_adaptive_step(decay, threshold)
        if step is not None:
            return Finding.refutes(
                f"at beta2 = {decay} step {step} is adaptive",
                counterexample={"beta2": decay, "first_adaptive_step": step},
            )
    above_bound = np.nextafter(bound, 1)
    step = first_adaptive_step(float(above_bound), threshold)
    return Finding.supports(
        f"no step is adaptive up to beta2 = {bound}; one unit of float64 above it step {step} is. "
        "Every update is then momentum alone, without psi (Alg. 2); the authors' code by default "
        "makes no update there"
    )


@dataclass(frozen=True)
class FirstAdaptiveStep:
    """``rho_t > threshold`` first at ``step`` for this ``beta2``."""

    step: int
    beta2: sp.Rational
    threshold: int = 4


def _first_step_symbolic(formula: FirstAdaptiveStep, _: Context) -> Finding:
    degrees = moving_average.rho_t().subs(b2, formula.beta2)
    before, at = (degrees.subs(t, n) if n else 0 for n in (formula.step - 1, formula.step))
    if before > formula.threshold or at <= formula.threshold:
        return Finding.refutes(
            f"rho = {float(before):.6g} at t = {formula.step - 1} and {float(at):.6g} at t = "
            f"{formula.step}, threshold {formula.threshold}, in exact arithmetic",
            counterexample={"t": formula.step, "rho_before": float(before), "rho": float(at)},
        )
    edges = ", ".join(
        f"t <= {n} from beta2 = {float(theory.adaptive_decay(n)):.5f}" for n in range(5, 9)
    )
    other = ", ".join(
        f"t <= {n} from beta2 = {float(theory.adaptive_decay(n, 5)):.5f}" for n in range(6, 9)
    )
    lowest = float(theory.adaptive_decay(formula.step, formula.threshold))
    earlier = formula.step - 1
    highest = (
        float(theory.adaptive_decay(earlier, formula.threshold))
        if earlier > formula.threshold
        else 1.0
    )
    return Finding.supports(
        f"exact arithmetic: rho = {float(before):.6f} at t = {formula.step - 1}, {float(at):.6f} at "
        f"t = {formula.step}. Threshold 4: "
        f"{edges}. Threshold 5: {other}. As rho_t < t for t >= 2, no beta2 is adaptive at t <= "
        "threshold",
        domain=f"first at t = {formula.step} for beta2 between {lowest:.5f} and {highest:.5g}",
    )


def _first_step_numeric(formula: FirstAdaptiveStep, _: Context) -> Finding:
    found = first_adaptive_step(float(formula.beta2), formula.threshold)
    if found != formula.step:
        return Finding.refutes(
            f"rho_t > {formula.threshold} first at t = {found}",
            counterexample={"stated": formula.step, "found": found},
        )
    table = "; ".join(
        f"{decay}: {first_adaptive_step(decay, 4.0) or 'never'}/"
        f"{first_adaptive_step(decay, 5.0) or 'never'}"
        for decay in (0.5, 0.6, 0.61, 0.65, 0.67, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999)
    )
    return Finding.supports(f"first adaptive step by beta2, threshold 4/threshold 5: {table}")


DEGENERATE = DegenerateDecays(sp.Rational(3, 5), sp.Integer(4))
FIFTH = FirstAdaptiveStep(5, sp.Rational(999, 1000))

CLAIMS = (
    Claim(
        id="radam.beta2-at-most-0.6",
        source="R §4.2",
        statement="beta2 <= 0.6 gives rho_inf <= 4, and RAdam degenerates to SGD with momentum",
        kind=ClaimKind.EXACT,
        domain_stated="beta2 <= 0.6",
        formula=DEGENERATE,
        derivation="rectification.rectification_term",
        checks=(
            symbolic(_degenerate_symbolic),
            numeric(_degenerate_numeric),
            numeric(from_optimisers.check_degenerate),
        ),
        mutants={
            "bound": replace(DEGENERATE, bound=sp.Rational(61, 100)),
            "threshold": replace(DEGENERATE, threshold=sp.Integer(3)),
        },
        equation=r"\beta_2 \le 0.6 \Rightarrow \rho_\infty \le 4",
    ),
    Claim(
        id="radam.alg2.first-adaptive-step",
        source="R Alg. 2",
        statement="rho_t > 4 first at t = 5 for beta2 = 0.999",
        kind=ClaimKind.EXACT,
        domain_stated="beta2 = 0.999, threshold 4",
        formula=FIFTH,
        checks=(symbolic(_first_step_symbolic), numeric(_first_step_numeric)),
        mutants={
            "a step earlier": replace(FIFTH, step=4),
            "a step later": replace(FIFTH, step=6),
            "threshold 5": replace(FIFTH, threshold=5),
            "small beta2": replace(FIFTH, beta2=sp.Rational(3, 4)),
        },
        equation=r"\min\{t : \rho_t > 4\} = 5",
    ),
)
