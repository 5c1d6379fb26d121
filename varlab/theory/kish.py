"""Kish's degrees of freedom of the EMA, beside the paper's rho_t.

The variance of vhat_t is that of a mean of n_t = 1 / sum w_i^2 independent terms (Kish's effective
sample size), so a scaled chi-square with n_t degrees of freedom matches mean and variance of vhat_t
(Welch 1938, Satterthwaite 1946). The paper's rho_t (Eq. 4) matches the mean age instead.
"""

from __future__ import annotations

import sympy as sp

from varlab.theory.checking import Checked, Outcome, check_equal
from varlab.theory.derivation import Derivation, Step
from varlab.theory.domain import above
from varlab.theory.moving_average import DOMAIN, ema_variance, ema_weight, rho_limit, rho_t
from varlab.theory.sums import by_closing_sums
from varlab.theory.symbols import b2, i, s, t, x, y


def kish(t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """n_t = (1+b2)(1-b2^t) / ((1-b2)(1+b2^t)), the closed form of 1 / sum w_i^2."""
    return (1 + b2) * (1 - b2**t) / ((1 - b2) * (1 + b2**t))


def kish_sum() -> sp.Expr:
    """The definition, 1 / sum_i w_i^2."""
    return 1 / sp.Sum(ema_weight() ** 2, (i, 1, t))


def satterthwaite(mean: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """Degrees of freedom of the scaled chi-square with given mean and variance: 2 mean^2/variance."""
    return 2 * mean**2 / variance


def scaled_paper(u: sp.Expr = y) -> sp.Expr:
    """Limit of (1-b2) rho_t / 2 as b2 -> 1 with t (1-b2) -> u: 1 - u/(e^u - 1)."""
    return 1 - u / (sp.exp(u) - 1)


def scaled_kish(u: sp.Expr = y) -> sp.Expr:
    """Limit of (1-b2) n_t / 2 as b2 -> 1 with t (1-b2) -> u: tanh(u/2)."""
    return sp.tanh(u / 2)


def widest_gap(digits: int = 20) -> tuple[sp.Float, sp.Float]:
    """Where rho_t / n_t is smallest in the limit b2 -> 1: (u, ratio), u = t (1-b2)."""
    ratio = scaled_paper() / scaled_kish()
    at = sp.nsolve(sp.diff(ratio, y), y, sp.Rational(3, 2), prec=digits)
    return at, ratio.subs(y, at).n(digits)


def degrees_of_freedom() -> Derivation:
    """Kish's n_t from the weights, its ends, and its order against rho_t."""
    surplus = (
        2
        * b2**t
        * (1 - b2)
        / ((1 + b2**t) * (1 - b2**t) * (1 - b2))
        * sp.Sum((1 - b2**i) * (1 - b2 ** (t - i)), (i, 1, t))
    )
    return Derivation(
        "kish",
        "Kish's degrees of freedom",
        "varlab, beside R Eq. 4",
        (
            Step(
                "Matched variance",
                sp.Eq(satterthwaite(s**2, ema_variance()), kish_sum(), evaluate=False),
                "E[vhat] = s^2 and Var[vhat] = 2 s^4 sum w^2 give 2 E^2 / Var = 1 / sum w^2.",
                lambda: check_equal(
                    1 / satterthwaite(s**2, ema_variance()),
                    1 / kish_sum(),
                    DOMAIN.restrict(s, above(0)),
                    prover=by_closing_sums,
                ),
                "Satterthwaite 1946",
            ),
            Step(
                "Closed form",
                sp.Eq(kish_sum(), kish()),
                "The sum of squared weights is geometric with ratio b2^2.",
                lambda: check_equal(1 / kish_sum(), 1 / kish(), DOMAIN, prover=by_closing_sums),
                "Kish 1965",
            ),
            Step(
                "First step",
                sp.Eq(kish(sp.S.One), rho_t(sp.S.One), evaluate=False),
                "Both are 1.",
                lambda: check_equal(kish(sp.S.One), rho_t(sp.S.One), DOMAIN),
            ),
            Step(
                "Limit",
                sp.Eq(kish().subs(b2**t, 0), rho_limit(), evaluate=False),
                "Both tend to rho_inf = (1+b2)/(1-b2) as b2^t -> 0.",
                lambda: check_equal(kish().subs(b2**t, 0), rho_limit(), DOMAIN),
                "R section 4.1",
            ),
            Step(
                "Never below the paper's",
                sp.Eq(kish() - rho_t(), surplus),
                "A sum of products of non-negative numbers, positive for t >= 2: n_t > rho_t, so "
                "Eq. 4 understates the degrees of freedom between its two ends.",
                lambda: check_equal(kish() - rho_t(), surplus, DOMAIN, prover=by_closing_sums),
            ),
            Step(
                "Scaling limits",
                sp.And(
                    sp.Eq(sp.Limit(along_u(rho_t()), x, 0), scaled_paper()),
                    sp.Eq(sp.Limit(along_u(kish()), x, 0), scaled_kish()),
                ),
                "With t (1-b2) = u held and b2 -> 1, (1-b2)/2 times rho_t and n_t tend to "
                "1 - u/(e^u - 1) and tanh(u/2): their ratio does not tend to 1 at fixed u.",
                check_scaling_limits,
            ),
        ),
    )


def along_u(degrees: sp.Expr) -> sp.Expr:
    """(1-b2)/2 times ``degrees`` along b2 = exp(-u x), t = 1/x: x -> 0 holds u = t (1-b2) fixed."""
    return ((1 - b2) * degrees / 2).subs({b2: sp.exp(-y * x), t: 1 / x}, simultaneous=True)


def check_scaling_limits() -> Checked:
    """Both limits by SymPy, along b2 = exp(-u/t), t -> infinity."""
    for degrees, expected in ((rho_t(), scaled_paper()), (kish(), scaled_kish())):
        limit = sp.limit(sp.simplify(along_u(degrees)), x, 0, "+")
        if sp.simplify((limit - expected).rewrite(sp.exp)) != 0:
            return Checked(Outcome.UNKNOWN, f"SymPy finds the limit {limit}, not {expected}")
    return Checked(Outcome.PROVED, "SymPy's limits along beta2 = exp(-u/t)")
