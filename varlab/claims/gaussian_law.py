"""The exact law of vhat_t and psi_t for Gaussian gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import mpmath as mp
import sympy as sp

from varlab.claims.bridge import as_finding, derivation_finding
from varlab.claims.monte_carlo_rates import check_other_transforms, check_transform
from varlab.claims.statements import LawStatement
from varlab.claims.tails import grows, transform_decade_ratio
from varlab.core import Claim, ClaimKind, Context, Finding, monte_carlo, numeric, symbolic
from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.numerics.oracle_law import oracle_law
from varlab.theory import correlated_law
from varlab.theory import exact_law as theory
from varlab.theory.correlated_law import ema_weights
from varlab.theory.direct_integration import direct_moment, direct_moment_with_mean
from varlab.theory.symbols import mu, phi, s, w, z

# float64 laws against 25-digit quadrature.
FLOAT64 = 1e-11


def mellin_mean(transform: sp.Expr) -> mp.mpf:
    """E[psi] = pi^(-1/2) int z^(-1/2) M(z) dz of a transform in z, with z = tan(angle)^2."""
    function = sp.lambdify(z, transform, "mpmath")

    def integrand(angle: mp.mpf) -> mp.mpf:
        return function(mp.tan(angle) ** 2) / mp.cos(angle) ** 2

    pieces = mp.linspace(0, mp.pi / 2, 5)
    return 2 / mp.sqrt(mp.pi) * mp.quad(integrand, pieces, method="gauss-legendre")


def _agreement(rows: Sequence[tuple[str, mp.mpf, mp.mpf]], what: str) -> Finding:
    worst = 0.0
    for name, ours, other in rows:
        error = float(abs(ours / other - 1))
        if not error <= FLOAT64:
            return Finding.refutes(
                f"{name}: {mp.nstr(ours, 12)} against {mp.nstr(other, 12)}",
                counterexample={"where": name, "stated": float(ours), "computed": float(other)},
                error=error,
            )
        worst = max(worst, error)
    return Finding.supports(f"{what}: {len(rows)} comparisons, largest {worst:.1e}", error=worst)


def _exact_symbolic(formula: LawStatement, _: Context) -> Finding:
    checked = theory.check_factor(formula.factor)
    if not checked:
        return as_finding(checked, note="transform of one squared gradient")
    found = theory.finite_from(2)
    if found != formula.variance_from:
        return Finding.refutes(
            f"the Mellin integral of E[psi_t^2] converges from t = {found} on",
            counterexample={"stated": formula.variance_from, "found": found},
        )
    return derivation_finding(
        theory.exact_law(),
        domain=f"every t, beta2 in (0, 1), s > 0; Var[psi_t] finite iff t >= {found}",
    )


def first_finite(factor: sp.Expr, order: int, decay: sp.Rational) -> int:
    """First step at which the decades of the Mellin integral of E[psi^order] shrink."""
    one = sp.lambdify((z, w), factor.subs(s, 1), "math")

    def converges(steps: int) -> bool:
        weights = [float(each) for each in ema_weights(steps, decay)]
        return not grows(
            transform_decade_ratio(lambda at: math.prod(one(at, each) for each in weights), order)
        )

    return next(step for step in range(1, 9) if converges(step))


def _exact_numeric(formula: LawStatement, _: Context) -> Finding:
    decay, rows = sp.Rational(9, 10), []
    with mp.workdps(25):
        product = sp.Mul(*(formula.factor.subs({w: each, s: 1}) for each in ema_weights(2, decay)))
        direct = direct_moment(1, 2, decay, digits=25)
        rows.append(("E[psi_2], Mellin and polar integral", mellin_mean(product), direct))
        rows.append(("E[psi_2], float64", mp.mpf(AdaptiveRate(2, 0.9).mean()), direct))
        carlson = theory.third_step_second_moment(decay)
        rows.append(("E[psi_3^2], Carlson", mp.mpf(AdaptiveRate(3, 0.9).moment(2)), carlson))
        for step in (3, 4, 10):
            slow = theory.variance(step, decay, digits=25)
            rows.append((f"Var[psi_{step}]", mp.mpf(AdaptiveRate(step, 0.9).var()), slow))
        found = first_finite(formula.factor, 2, decay)
        rows.append(("first finite variance", mp.mpf(formula.variance_from), mp.mpf(found)))
        return _agreement(rows, "integral over the Gaussian density, 25-digit and float64 law")


def _noncentral_symbolic(formula: LawStatement, _: Context) -> Finding:
    checked = correlated_law.check_noncentral_factor(formula.factor)
    if not checked:
        return as_finding(checked, note="noncentral factor")
    checked = correlated_law.check_bivariate(formula.squared(ema_weights(2)))
    if not checked:
        return as_finding(checked, note="determinant at t = 2")
    return derivation_finding(
        correlated_law.correlated_law(),
        domain="every mu and s > 0 for i.i.d. g; centred AR(1), -1 < phi < 1, exactly at t = 2 and in "
        "numbers at t = 5; a mean and AR(1) together in numbers at t = 2, 3 and 10; other stationary "
        "Gaussian g not looked at",
    )


def _noncentral_numeric(formula: LawStatement, _: Context) -> Finding:
    decay, shift, lag, rows = sp.Rational(9, 10), sp.Rational(7, 10), sp.Rational(1, 2), []
    weights = ema_weights(2, decay)
    with mp.workdps(25):
        product = sp.Mul(*(formula.factor.subs({w: each, s: 1, mu: shift}) for each in weights))
        direct = direct_moment_with_mean(1, decay, shift, digits=12)
        rows.append(("E[psi_2] with a mean", mellin_mean(product), direct))
        rows.append(("float64, mean", mp.mpf(AdaptiveRate(2, 0.9, mu=0.7).mean()), direct))
        squared = formula.squared(weights).subs({s: 1, phi: lag})
        direct = direct_moment(1, 2, decay, phi=lag, digits=25)
        correlated = mellin_mean(squared ** sp.Rational(-1, 2))
        rows.append(("E[psi_2] of AR(1)", correlated, direct))
        rows.append(("float64, AR(1)", mp.mpf(AdaptiveRate(2, 0.9, ar1=0.5).mean()), direct))
        slow = correlated_law.ar1_moment(2, 5, decay, lag, digits=25)
        rows.append(("E[psi_5^2] of AR(1)", mp.mpf(AdaptiveRate(5, 0.9, ar1=0.5).moment(2)), slow))
        alone = _agreement(rows, "integral over the Gaussian density, transform and float64 law")
    if not alone.agrees:
        return alone
    both = AdaptiveRate(2, 0.9, mu=0.7, ar1=0.5).mean()
    direct = direct_moment_with_mean(1, decay, shift, phi=lag, digits=12)
    rows.append(("float64, mean and AR(1), t = 2", mp.mpf(both), direct))
    for step in (2, 3, 10):
        ours = AdaptiveRate(step, 0.9, mu=0.7, ar1=0.5)
        slow = oracle_law(step, 0.9, mu=0.7, ar1=0.5)
        rows.append((f"E[psi_{step}], mean and AR(1)", mp.mpf(ours.mean()), slow.moment(1)))
    return _agreement(
        rows, "integral over the Gaussian density, transform, 30-digit and float64 law"
    )


def _short_memory(weights: Sequence[sp.Expr]) -> sp.Expr:
    return correlated_law.determinant(weights, phi=phi**2)


PLAIN = LawStatement(theory.factor())
NONCENTRAL = LawStatement(theory.factor(mu=mu))

CLAIMS = (
    Claim(
        id="varlab.exact-law",
        source="V",
        statement="E[exp(-z vhat_t)] = prod_i (1 + 2 z s^2 w_i)^(-1/2), a q-Pochhammer symbol to the "
        "power -1/2; E[psi_t] and E[psi_t^2] are single integrals of it; Var[psi_t] finite iff t >= 3",
        kind=ClaimKind.EXACT,
        domain_stated="g_i i.i.d. N(0, s^2)",
        formula=PLAIN,
        derivation="exact_law.exact_law",
        checks=(
            symbolic(_exact_symbolic),
            numeric(_exact_numeric),
            monte_carlo(check_transform),
        ),
        mutants={
            "constant": replace(PLAIN, factor=(1 + z * w * s**2) ** sp.Rational(-1, 2)),
            "power": replace(PLAIN, factor=(1 + 2 * z * w * s**2) ** -1),
            "finite from 2": replace(PLAIN, variance_from=2),
            "finite from 4": replace(PLAIN, variance_from=4),
        },
        equation=r"E[e^{-z\hat v_t}] = \prod_i (1 + 2 z \sigma^2 w_i)^{-1/2}",
    ),
    Claim(
        id="varlab.exact-law.noncentral",
        source="V",
        statement="The same for N(mu, s^2) and for stationary Gaussian g, AR(1) in particular, through "
        "the noncentral factor and det(I + 2z W^(1/2) Sigma W^(1/2))^(-1/2)",
        kind=ClaimKind.EXACT,
        domain_stated="Gaussian g",
        formula=NONCENTRAL,
        derivation="correlated_law.correlated_law",
        checks=(
            symbolic(_noncentral_symbolic),
            numeric(_noncentral_numeric),
            monte_carlo(check_other_transforms),
        ),
        mutants={
            "no denominator": replace(NONCENTRAL, factor=theory.factor() * sp.exp(-z * w * mu**2)),
            "sign of the mean term": replace(
                NONCENTRAL, factor=theory.factor() ** 2 / theory.factor(mu=mu)
            ),
            "correlation squared": replace(NONCENTRAL, squared=_short_memory),
        },
        equation=r"E[e^{-z\hat v_t}] = \det(I + 2z W^{1/2}\Sigma W^{1/2})^{-1/2}",
    ),
)
