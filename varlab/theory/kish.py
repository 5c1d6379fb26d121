"""Kish's degrees of freedom of the EMA, beside the paper's rho_t.

The variance of vhat_t is that of a mean of n_t = 1 / sum w_i^2 independent terms (Kish's effective
sample size), so a scaled chi-square with n_t degrees of freedom matches mean and variance of vhat_t
(Welch 1938, Satterthwaite 1946). The paper's rho_t (Eq. 4) matches the mean age instead.
"""

from __future__ import annotations

import sympy as sp

from varlab.theory.checking import Checked, Outcome, check_equal
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import above
from varlab.theory.moving_average import DOMAIN, ema_variance, ema_weight, rho_limit, rho_t
from varlab.theory.sums import by_closing_sums, close_sums
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


def cumulant(order: int, t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """Cumulant of vhat_t at s = 1: that of a chi-square, 2^(m-1) (m-1)!, times sum w_i^m."""
    power = sp.Sum(ema_weight(i, t, b2) ** order, (i, 1, t))
    return 2 ** (order - 1) * sp.factorial(order - 1) * power


def leading_error() -> sp.Expr:
    """First term of (Var[psi] at n_t) / (exact Var[psi_t]) - 1 for large n_t.

    n_t matches the first two cumulants of vhat_t, so the first difference comes from the third. With
    v = 1 + d, v^(-1/2) = 1 - d/2 + 3 d^2/8 - ..., whose variance is k2/4 - 3 k3/8 + ...; a scaled
    chi-square has k3 = 2 k2^2. The relative difference is 3 (k3 - 2 k2^2) / (2 k2).
    """
    second, third = cumulant(2), cumulant(3)
    return sp.Rational(3, 2) * (third - 2 * second**2) / second


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
    surplus = sp.Sum((1 - b2**i) * (1 - b2 ** (t - i)), (i, 1, t))
    return Derivation(
        "kish",
        "Kish's degrees of freedom",
        "varlab, beside R Eq. 4",
        (
            Step(
                "Matched variance",
                sp.Eq(
                    sp.Subs(1 / satterthwaite(x, y), (x, y), (s**2, ema_variance())),
                    1 / kish_sum(),
                    evaluate=False,
                ),
                "E[vhat] = s^2 and Var[vhat] = 2 s^4 sum w^2 give 2 E^2 / Var = 1 / sum w^2.",
                check_matched_variance,
                "Satterthwaite 1946",
            ),
            equality(
                "Closed form",
                1 / kish_sum(),
                1 / kish(),
                DOMAIN,
                "The sum of squared weights is geometric with ratio b2^2.",
                source="Kish 1965",
                prover=by_closing_sums,
            ),
            equality("First step", kish(sp.S.One), rho_t(sp.S.One), DOMAIN, "Both are 1."),
            equality(
                "Limit",
                kish().subs(b2**t, 0),
                rho_limit(),
                DOMAIN,
                "Both tend to rho_inf = (1+b2)/(1-b2) as b2^t -> 0.",
                source="R section 4.1",
            ),
            equality(
                "Never below the paper's",
                kish() - rho_t(),
                2 * b2**t / ((1 + b2**t) * (1 - b2**t)) * surplus,
                DOMAIN,
                "A sum of products of non-negative numbers, positive for t >= 2: n_t > rho_t, so "
                "Eq. 4 understates the degrees of freedom between its two ends.",
                prover=by_closing_sums,
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
            Step(
                "What is left",
                sp.Eq(
                    sp.Limit(_along(close_sums(leading_error()) / (1 - b2)), x, 0), scaled_kish()
                ),
                "The leading relative error of Var[psi] at n_t comes from the third cumulant and "
                "is (1-b2) tanh(u/2): it vanishes with 1 - b2 at every u.",
                check_leading_error,
            ),
        ),
    )


def _along(expression: sp.Expr) -> sp.Expr:
    return expression.subs({b2: sp.exp(-y * x), t: 1 / x}, simultaneous=True)


def along_u(degrees: sp.Expr) -> sp.Expr:
    """(1-b2)/2 times ``degrees`` along b2 = exp(-u x), t = 1/x: x -> 0 holds u = t (1-b2) fixed."""
    return _along((1 - b2) * degrees / 2)


def check_scaling_limits() -> Checked:
    """Both limits by SymPy, along b2 = exp(-u/t), t -> infinity."""
    first = _check_limit(along_u(rho_t()), scaled_paper())
    return first and _check_limit(along_u(kish()), scaled_kish())


def check_leading_error() -> Checked:
    """The limit of the leading error over 1 - b2, by SymPy."""
    return _check_limit(_along(sp.cancel(close_sums(leading_error()) / (1 - b2))), scaled_kish())


def check_matched_variance() -> Checked:
    """Satterthwaite's degrees of freedom for the mean and variance of vhat_t against 1 / sum w^2."""
    return check_equal(
        1 / satterthwaite(s**2, ema_variance()),
        1 / kish_sum(),
        DOMAIN.restrict(s, above(0)),
        prover=by_closing_sums,
    )


def _check_limit(expression: sp.Expr, expected: sp.Expr) -> Checked:
    limit = sp.limit(sp.simplify(expression), x, 0, "+")
    if sp.simplify((limit - expected).rewrite(sp.exp)) != 0:
        return Checked(Outcome.UNKNOWN, f"SymPy finds the limit {limit}, not {expected}")
    return Checked(Outcome.PROVED, "SymPy's limits along beta2 = exp(-u/t)")
