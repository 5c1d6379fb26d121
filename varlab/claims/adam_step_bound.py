"""The bound of Adam's step.

The statements are decided against the sharp constant K_t of theory.step_bound; the recursion run on
the sequence that attains it, and the exact law of the update, are independent witnesses.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from varlab.claims import from_optimisers
from varlab.claims.bridge import as_finding, derivation_finding
from varlab.claims.recursions import adam_moments, adam_updates
from varlab.claims.update_law import exceedance, median_size
from varlab.core import Claim, ClaimKind, Context, Finding, generator, numeric, symbolic
from varlab.numerics.bounds import step_bound
from varlab.theory import step_bound as theory
from varlab.theory.checking import check_equal
from varlab.theory.symbols import b1, b2, c, m, t, v

DEFAULTS = (sp.Rational(9, 10), sp.Rational(999, 1000))
DENSE_PAIR = (sp.Rational(99, 100), sp.Rational(999, 1000))
# Recursion and closed form differ by rounding of a few thousand additions of positive terms.
ROUNDING = 1e-9


@cache
def _sharp_is_derived() -> Finding:
    return derivation_finding(theory.step_bound())


def attained(beta1: float, beta2: float, steps: int) -> float:
    """The step over lr that Adam's recursion makes on the worst sequence of the given length."""
    # Powers below e^-300 of the newest gradient add nothing, and their squares do not underflow.
    powers = np.maximum((steps - np.arange(1, steps + 1)) * np.log(beta1 / beta2), -300.0)
    return float(adam_updates(np.exp(powers), beta1, beta2)[-1])


def _against_sharp(
    printed: sp.Expr,
    pair: tuple[sp.Rational, sp.Rational],
    what: str,
    where: str,
    domain: str,
) -> Finding:
    derived = _sharp_is_derived()
    if not derived.agrees:
        return derived
    at = dict(zip((b1, b2), pair, strict=True))
    limit = theory.bound_limit(*pair)
    stated = sp.sympify(printed).subs(at)
    if limit <= stated:
        return Finding.supports(f"sup K_t = {limit.n(6)} <= {stated.n(6)} at {pair}")
    return Finding.refutes(
        f"{what}: the sharp constant over all t is {limit.n(6)} against {stated.n(6)} for "
        f"(b1, b2) = ({float(pair[0])}, {float(pair[1])}). The right bound is K_t = "
        "sqrt(sum a_i^2/w_i), with limit (1-b1)/sqrt((1-b2)(1-b1^2/b2)) for b1^2 < b2 and none "
        f"otherwise. {where}",
        counterexample={
            "beta1": float(pair[0]),
            "beta2": float(pair[1]),
            "gradients": "g_i = (beta1/beta2)^(t-i)",
            "sup |step|/lr": float(limit),
            "stated bound": float(stated),
        },
        error=float(limit / stated - 1),
        domain=domain or None,
    )


def check_sparse_symbolic(formula: sp.Expr, _: Context) -> Finding:
    """The stated bound against the limit of K_t; what remains is where they agree."""
    decay = sp.Dummy("b1", nonnegative=True)
    limit = theory.bound_limit(decay, b2).args[0][0]
    roots = [root for root in sp.solve(limit**2 - (formula**2).subs(b1, decay), decay) if root < 1]
    remains = [root for root in roots if _holds_at(formula, root)]
    domain = ", ".join(f"b1 = {root}" for root in remains)
    where = (
        f"Limit and stated bound agree only at {domain}, where bound^2 - K_t^2 = b2^t/(1-b2) > 0 "
        "at every t."
    )
    return _against_sharp(formula, DEFAULTS, "(1-b1) > sqrt(1-b2)", where, domain)


def _holds_at(formula: sp.Expr, decay: sp.Expr) -> bool:
    """Whether bound^2 - K_t^2 is b2^t/(1-b2), which is positive, at this b1 and every t."""
    gap = formula.subs(b1, decay) ** 2 - theory.bound_squared(t, decay, b2)
    checked = check_equal(gap, b2**t / (1 - b2), theory.DOMAIN, prover=theory.by_powers)
    return bool(checked)


def check_dense_symbolic(formula: sp.Expr, _: Context) -> Finding:
    """K_t^2 - 1 = sum (a_i - w_i)^2/w_i: above 1 wherever the weights differ."""
    equal = check_equal(
        theory.bound_sum(t, b2, b2), formula**2, theory.DOMAIN, prover=theory.by_powers
    )
    first = check_equal(
        theory.bound_squared(sp.S.One), formula**2, theory.DOMAIN, prover=theory.by_powers
    )
    places = [name for name, kept in (("b1 = b2", equal), ("t = 1", first)) if kept]
    domain = ", or ".join(places)
    where = f"K_t = 1 only for {domain}, where both weights coincide."
    return _against_sharp(formula, DENSE_PAIR, "(1-b1) <= sqrt(1-b2)", where, domain)


def _by_recursion(
    formula: sp.Expr, pair: tuple[sp.Rational, sp.Rational], lengths: range
) -> Finding:
    beta1, beta2 = (float(value) for value in pair)
    stated = float(sp.sympify(formula).subs({b1: pair[0], b2: pair[1]}))
    sizes = {steps: attained(beta1, beta2, steps) for steps in lengths}
    first = next((steps for steps, size in sizes.items() if size > stated * (1 + ROUNDING)), None)
    if first is None:
        return Finding.supports(f"no step above {stated:.6g} up to t = {lengths[-1]}")
    last = lengths[-1]
    mismatch = max(abs(sizes[s] / float(step_bound(s, beta1, beta2)) - 1) for s in (first, last))
    if mismatch > ROUNDING:
        return Finding.silent(f"recursion and closed form differ by {mismatch:.1e}")
    return Finding.refutes(
        f"Adam's recursion on g_i = (b1/b2)^(t-i), ({beta1}, {beta2}): above {stated:.4g} from "
        f"t = {first} on ({sizes[first]:.6f}), {sizes[last]:.4f} at t = {last}; it meets K_t to "
        f"{mismatch:.0e}",
        counterexample={
            "beta1": beta1,
            "beta2": beta2,
            "t": first,
            "|step|/lr": sizes[first],
            "stated bound": stated,
        },
        error=sizes[last] / stated - 1,
    )


def check_sparse_numeric(formula: sp.Expr, _: Context) -> Finding:
    """First length of the worst sequence at which the stated bound is exceeded."""
    return _by_recursion(formula, DEFAULTS, range(1, 401))


def check_dense_numeric(formula: sp.Expr, _: Context) -> Finding:
    """The same in the dense case."""
    return _by_recursion(formula, DENSE_PAIR, range(1, 401))


def check_typical_sharp(formula: sp.Expr, context: Context) -> Finding:
    """The worst step at A's defaults against the learning rate."""
    sizes = [attained(0.9, 0.999, steps) for steps in (1, 2, 10, 100, 5000)]
    limit = float(theory.bound_limit(*DEFAULTS))
    error = max(sizes) / float(formula) - 1
    worst: dict[str, float | str] = {
        "beta1": 0.9,
        "beta2": 0.999,
        "t": 5000,
        "gradients": "g_i = (beta1/beta2)^(t-i)",
        "|step|/lr": max(sizes),
        "stated bound": float(formula),
    }
    return Finding.within(
        error,
        context.required_tolerance,
        "worst step over lr at b1 = 0.9, b2 = 0.999 after t = 1, 2, 10, 100, 5000 steps: "
        + ", ".join(f"{size:.4f}" for size in sizes)
        + f" (limit {limit:.4f}); 'never exceeds' is wrong from t = 2 on",
        worst=worst,
    )


def check_typical_law(formula: sp.Expr, _: Context) -> Finding:
    """How often i.i.d. normal gradients exceed the learning rate: the exact law of the update."""
    stated = float(formula)
    shares = {steps: exceedance(stated, steps, 0.9, 0.999) for steps in (2, 3, 5, 100)}
    listed = ", ".join(f"{share:.2g} at t = {steps}" for steps, share in shares.items())
    detail = (
        f"i.i.d. N(0, s^2), exact law: P(|step| > {stated:g} lr) = {listed}; median |step|/lr "
        f"{median_size(100, 0.9, 0.999):.4f} at t = 100"
    )
    # One step in twenty is the usual meaning of 'typically'.
    if max(shares.values()) < 0.05:
        return Finding.supports(detail, domain="typical steps of i.i.d. normal gradients")
    worst = max(shares, key=lambda steps: shares[steps])
    return Finding.refutes(detail, counterexample={"t": worst, "share above": shares[worst]})


SCALE_FACTORS = (1e-6, 0.5, 3.0, 1e6)


def check_scale_symbolic(formula: sp.Expr, _: Context) -> Finding:
    """The step as a function of mhat and vhat, under (c mhat, c^2 vhat)."""
    scaled = formula.subs({m: c * m, v: c**2 * v}, simultaneous=True)
    checked = check_equal(scaled, formula, theory.SCALES)
    if checked and not theory.scale_invariance().holds():
        return Finding.silent("theory's derivation does not check")
    note = (
        "c > 0: mhat -> c mhat, vhat -> c^2 vhat; for c < 0 the step changes its sign, not its size"
    )
    return as_finding(checked, note=note, domain="c > 0, eps = 0")


def check_scale_numeric(formula: sp.Expr, context: Context) -> Finding:
    """The recursion on rescaled gradients."""
    step: Any = sp.lambdify((m, v), formula, "numpy")
    rng = generator(context.seed, "claims", context.claim)
    gradients = rng.standard_normal((50, 4)) * np.exp(rng.standard_normal((50, 4)))
    base = step(*adam_moments(gradients, 0.9, 0.999))
    worst, at = 0.0, 1.0
    for factor in SCALE_FACTORS:
        moved = step(*adam_moments(factor * gradients, 0.9, 0.999))
        error = float(np.max(np.abs(moved - base)) / np.max(np.abs(base)))
        if error >= worst:
            worst, at = error, factor
    turned = step(*adam_moments(-gradients, 0.9, 0.999))
    sign = "and turns round exactly for c = -1" if np.array_equal(turned, -base) else ""
    # The largest of 200 relative roundings over 50 steps.
    return Finding.within(
        worst,
        1e-12,
        f"50 steps, c in {SCALE_FACTORS}: the steps differ by at most {worst:.1e} {sign}".strip(),
        worst={"c": at, "relative difference of the steps": worst},
        domain="c > 0, eps = 0",
    )


CLAIMS = (
    Claim(
        id="adam.bound.sparse",
        source="A §2.1",
        statement="abs(step) <= lr (1-b1)/sqrt(1-b2) when (1-b1) > sqrt(1-b2), eps = 0",
        kind=ClaimKind.INEQUALITY,
        domain_stated="(1-b1) > sqrt(1-b2), eps = 0",
        formula=theory.sparse_bound(),
        derivation="step_bound.step_bound",
        checks=(
            symbolic(check_sparse_symbolic),
            numeric(check_sparse_numeric),
            numeric(from_optimisers.check_bound(0.9, 0.999)),
        ),
        equation=r"\left|\Delta_t\right| \le \alpha \frac{1-\beta_1}{\sqrt{1-\beta_2}}",
    ),
    Claim(
        id="adam.bound.dense",
        source="A §2.1",
        statement="abs(step) <= lr otherwise, that is when (1-b1) <= sqrt(1-b2), eps = 0",
        kind=ClaimKind.INEQUALITY,
        domain_stated="(1-b1) <= sqrt(1-b2), eps = 0",
        formula=sp.S.One,
        derivation="step_bound.step_bound",
        checks=(
            symbolic(check_dense_symbolic),
            numeric(check_dense_numeric),
            numeric(from_optimisers.check_bound(0.99, 0.999)),
        ),
        equation=r"\left|\Delta_t\right| \le \alpha",
    ),
    Claim(
        id="adam.bound.typical",
        source="A §2.1, B3",
        statement="the learning rate is (approximately) an upper bound of every parameter's step",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="none stated",
        formula=sp.S.One,
        derivation="step_bound.step_bound",
        checks=(numeric(check_typical_sharp), numeric(check_typical_law)),
        tolerance=0.10,
        tolerance_reason="no number in the source: 'approximately' means that the first digit is right",
        equation=r"\left|\Delta_t\right| \lessapprox \alpha",
    ),
    Claim(
        id="adam.scale-invariance",
        source="A §2.1",
        statement="rescaling all gradients by c > 0 leaves the steps unchanged (eps = 0)",
        kind=ClaimKind.EXACT,
        domain_stated="rescaling, that is c > 0; eps = 0",
        formula=theory.update(),
        derivation="step_bound.scale_invariance",
        checks=(
            symbolic(check_scale_symbolic),
            numeric(check_scale_numeric),
            numeric(from_optimisers.check_scale),
        ),
        mutants={
            "no root": m / v,
            "eps beside the root": m / (sp.sqrt(v) + sp.Rational(1, 1000)),
            "momentum alone": m,
        },
        equation=r"\frac{c\,\hat m_t}{\sqrt{c^2\,\hat v_t}} = \frac{\hat m_t}{\sqrt{\hat v_t}}",
    ),
)
