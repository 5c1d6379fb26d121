"""Rectification: R sections 3 and 4.2, Algorithm 2."""

from __future__ import annotations

from dataclasses import dataclass, replace

import mpmath as mp
import numpy as np
import sympy as sp

from varlab.claims import from_optimisers
from varlab.claims.bridge import as_finding, derivation_finding
from varlab.core import Claim, ClaimKind, Context, Finding, numeric, symbolic
from varlab.numerics import (
    degrees_of_freedom,
    first_adaptive_step,
    psi_variance,
    psi_variance_at,
    rectification,
    rho_inf,
)
from varlab.theory import moving_average
from varlab.theory import rectification as theory
from varlab.theory.checking import check_equal
from varlab.theory.delta_method import delta_method_variance
from varlab.theory.domain import above
from varlab.theory.inverse_chi import density, psi_variance_gamma, where_finite
from varlab.theory.symbols import b2, c, rho, t, tau, x
from varlab.theory.symbols import rho_inf as rho_limit_symbol

DECAYS = (0.7, 0.9, 0.99, 0.999, 0.9999)
ROUNDING = 1e-12  # products of a few float64 numbers, with room for the conditioning of rho_t - 4
LATE = 10**7  # steps after which beta2^t is 0 in float64 for every decay here


# --- R section 4.2: where Var[psi] is smallest.


def _minimum_symbolic(formula: sp.Expr, _: Context) -> Finding:
    same = check_equal(formula, moving_average.rho_limit(), moving_average.DOMAIN)
    if not same:
        return as_finding(same, note="the stated degrees of freedom against the supremum of rho_t")
    return as_finding(
        moving_average.check_limit(),
        note="rho_t < rho_inf and rho_t -> rho_inf; with Theorem 1 the infimum of Var[psi] is at "
        "rho_inf",
        domain=f"beta2 > {theory.degenerate_decays(sp.Integer(2)).sup} (rho_inf > 2, Var[psi] finite), "
        "as an infimum: no finite t attains it",
    )


def _minimum_numeric(formula: sp.Expr, _: Context) -> Finding:
    stated = sp.lambdify(b2, formula, "numpy")
    worst = 0.0
    for decay in (0.4, *DECAYS):
        steps = np.unique(np.round(np.geomspace(3, LATE, 200)))
        degrees = np.asarray(degrees_of_freedom(steps, decay))
        finite = degrees > 2
        variances = np.asarray(psi_variance(degrees[finite]))
        claimed = float(psi_variance(max(float(stated(decay)), 2 + 1e-9)))
        smallest = float(variances.min())
        error = abs(smallest / claimed - 1)
        if error > ROUNDING or np.any(np.diff(variances) > ROUNDING * variances[:-1]):
            return Finding.refutes(
                f"the smallest Var[psi] along rho_t is {smallest:.8g}, at the stated place "
                f"{claimed:.8g}, beta2 = {decay}",
                counterexample={"beta2": decay, "smallest": smallest, "stated": claimed},
                error=error,
            )
        worst = max(worst, error)
    return Finding.supports(
        "Var[psi] at rho_t falls along 200 steps up to 10^7 and ends at its value at rho_inf",
        error=worst,
    )


# --- R section 4.2: r_t.


def _rt_symbolic(formula: sp.Expr, _: Context) -> Finding:
    solved = theory.solve_rectification()
    checked = check_equal(solved**2, formula**2, theory.ADAPTIVE_DOMAIN)
    if not checked:
        return as_finding(checked, note="r^2 solved from r^2 Var (Eq. 5) = C_var")
    return derivation_finding(
        theory.rectification_term(), domain="rho_t > 4 and rho_inf > 4, that is beta2 > 3/5"
    )


def _rt_numeric(formula: sp.Expr, _: Context) -> Finding:
    stated = sp.lambdify((rho, rho_limit_symbol), formula, "numpy")
    first_order = sp.lambdify(rho, delta_method_variance(tau=sp.S.One), "numpy")
    worst = 0.0
    for decay in DECAYS:
        limit = float(rho_inf(decay))
        for step in (10, 30, 1000, 100_000):
            degrees = float(degrees_of_freedom(step, decay))
            if degrees <= 4:
                continue
            value = float(stated(degrees, limit))
            target = value**2 * first_order(degrees) / first_order(limit)
            error = max(abs(target - 1), abs(value / float(rectification(step, decay)) - 1))
            if error > ROUNDING:
                return Finding.refutes(
                    f"r_t^2 Var/C_var by Eq. 5 is {target:.8g} at t = {step}, beta2 = {decay}",
                    counterexample={"t": step, "beta2": decay, "r": value, "ratio": target},
                    error=error,
                )
            worst = max(worst, error)
    return Finding.supports(
        "r_t^2 times Eq. 5 is C_var, and the formula equals the cancellation-free r_t", error=worst
    )


def _consistent_numeric(formula: sp.Expr, context: Context) -> Finding:
    tolerance = context.required_tolerance
    factor = sp.lambdify((rho, rho_limit_symbol), formula, "numpy")
    sentences, worst, domain = [], (0.0, 0, 0.0), ""
    for decay in (0.9, 0.99, 0.999):
        first = first_adaptive_step(decay) or 0
        steps = np.arange(first, round(12 / (1 - decay)))
        degrees = np.asarray(degrees_of_freedom(steps, decay))
        target = float(psi_variance_at(LATE, decay))
        exact = np.asarray(psi_variance_at(steps, decay))
        ratio = factor(degrees, float(rho_inf(decay))) ** 2 * exact / target
        error = np.abs(ratio - 1)
        at = int(np.argmax(error))
        worst = max(worst, (float(error[at]), int(steps[at]), decay))
        shown = sorted({first, 10, 30, round(1.5 / (1 - decay)), round(5 / (1 - decay))})
        figures = ", ".join(f"{ratio[n - first]:.3f} at t = {n}" for n in shown)
        domain = _runs(steps, error <= tolerance)
        sentences.append(f"beta2 = {decay}: {figures}; within {tolerance:.0%} for {domain}")
    error_at_worst, step, decay = worst
    return Finding.within(
        error_at_worst,
        tolerance,
        "exact Var[r_t psi_t]/C_var, C_var being its limit: " + "; ".join(sentences) + ". Eq. 5 "
        "overstates the variance at small rho_t, so r_t is too small there; near t (1-beta2) = 1.5 "
        "rho_t understates the degrees of freedom",
        worst={"t": step, "beta2": decay, "error": error_at_worst},
        domain=f"beta2 = 0.999: {domain}",
    )


def _runs(steps: np.ndarray, holds: np.ndarray) -> str:
    """The runs of consecutive steps that hold, e.g. ``27 <= t <= 1099 and t >= 1923``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(int)))
    runs = zip(edges[::2], edges[1::2], strict=True)
    parts = [
        f"t >= {steps[start]}"
        if stop == len(steps)
        else f"{steps[start]} <= t <= {steps[stop - 1]}"
        for start, stop in runs
    ]
    return " and ".join(parts) or "no t"


# --- R section 4.2: which decays degenerate, and R Alg. 2: the first adaptive step.


@dataclass(frozen=True)
class DegenerateDecays:
    """``beta2 <= bound`` gives ``rho_inf <= threshold``."""

    bound: sp.Rational
    threshold: sp.Integer


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


# --- R section 3: scaling.


def _scaling_symbolic(formula: sp.Expr, _: Context) -> Finding:
    scaled = psi_variance_gamma(rho, c * tau)  # c psi has the law of psi with scale c tau
    domain = where_finite(2).restrict(c, above(0))
    checked = check_equal(scaled, formula * psi_variance_gamma(), domain)
    return as_finding(
        checked,
        note="c psi has the scaled inverse chi law of scale c tau; its variance against c^2 Var[psi]",
        domain="wherever Var[x] is finite; psi_1 and psi_2 stay infinite however small the rate, "
        "and the relative spread sqrt(Var)/E never changes",
    )


def _scaling_numeric(formula: sp.Expr, _: Context) -> Finding:
    law = sp.lambdify((x, rho), density(tau=sp.S.One), "mpmath")
    degrees, rate = mp.mpf(7), mp.mpf("0.1")
    pieces = mp.linspace(-12, 60, 17)

    def moment(order: int, scale: mp.mpf) -> mp.mpf:
        # E[(scale psi)^order] over x = e^y, psi = sqrt(x).
        return mp.quad(
            lambda y: (scale * mp.exp(y / 2)) ** order * law(mp.exp(y), degrees) * mp.exp(y),
            pieces,
            method="gauss-legendre",
        )

    plain = moment(2, mp.mpf(1)) - moment(1, mp.mpf(1)) ** 2
    small = moment(2, rate) - moment(1, rate) ** 2
    stated = mp.mpf(str(sp.N(formula.subs(c, sp.Rational(1, 10)), 20)))
    error = float(abs(small / plain / stated - 1))
    if error > ROUNDING:
        return Finding.refutes(
            f"at rate 0.1 and rho = 7 the variance falls by {mp.nstr(small / plain, 8)}",
            counterexample={"rate": 0.1, "ratio": float(small / plain), "stated": float(stated)},
            error=error,
        )
    spread = mp.sqrt(plain) / moment(1, mp.mpf(1))
    return Finding.supports(
        f"rate 0.1, rho = 7: variance times {mp.nstr(small / plain, 6)}; sqrt(Var)/E is "
        f"{mp.nstr(spread, 4)} at either rate, so a small rate shrinks the steps and their spread "
        "alike",
        error=error,
    )


RT = theory.rectification_of()
DEGENERATE = DegenerateDecays(sp.Rational(3, 5), sp.Integer(4))
FIFTH = FirstAdaptiveStep(5, sp.Rational(999, 1000))

CLAIMS = (
    Claim(
        id="radam.s42.minimum",
        source="R §4.2",
        statement="The minimum of Var[psi] over rho_t is at rho_inf",
        kind=ClaimKind.EXACT,
        domain_stated="rho_t > 4",
        formula=moving_average.rho_limit(),
        checks=(symbolic(_minimum_symbolic), numeric(_minimum_numeric)),
        mutants={
            "constant": 2 / (1 - b2),
            "at t = 100": moving_average.rho_t(sp.Integer(100)),
        },
        equation=r"\min_{\rho_t} \mathrm{Var}[\psi] = \mathrm{Var}[\psi]|_{\rho_t=\rho_\infty}",
    ),
    Claim(
        id="radam.rt",
        source="R §4.2",
        statement="r_t = sqrt((rho_t-4)(rho_t-2) rho_inf/((rho_inf-4)(rho_inf-2) rho_t)) follows from "
        "Eq. 5 and Var[r_t psi_t] = C_var",
        kind=ClaimKind.EXACT,
        domain_stated="rho_t > 4",
        formula=RT,
        checks=(symbolic(_rt_symbolic), numeric(_rt_numeric)),
        mutants={
            "pole at 3": RT * sp.sqrt((rho - 3) / (rho - 4)),
            "ratio inverted": RT * rho / rho_limit_symbol,
            "no root": RT**2,
        },
        equation=r"r_t = \sqrt{\frac{(\rho_t-4)(\rho_t-2)\rho_\infty}"
        r"{(\rho_\infty-4)(\rho_\infty-2)\rho_t}}",
    ),
    Claim(
        id="radam.s42.consistent",
        source="R §4.2",
        statement="With r_t the rectified rate has variance C_var at every t",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="rho_t > 4",
        formula=RT,
        checks=(numeric(_consistent_numeric),),
        tolerance=0.10,
        tolerance_reason="approximately: the first digit must be right",
        equation=r"\mathrm{Var}[r_t \psi_t] = C_{var}",
    ),
    Claim(
        id="radam.beta2-at-most-0.6",
        source="R §4.2",
        statement="beta2 <= 0.6 gives rho_inf <= 4, and RAdam degenerates to SGD with momentum",
        kind=ClaimKind.EXACT,
        domain_stated="beta2 <= 0.6",
        formula=DEGENERATE,
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
    Claim(
        id="radam.s31.variance-scaling",
        source="R §3",
        statement="Var[a x] = a^2 Var[x], so a small learning rate reduces the variance",
        kind=ClaimKind.EXACT,
        domain_stated="none stated",
        formula=c**2,
        checks=(symbolic(_scaling_symbolic), numeric(_scaling_numeric)),
        mutants={"power 1": c, "power 3": c**3},
        equation=r"\mathrm{Var}[a x] = a^2 \mathrm{Var}[x]",
    ),
)
