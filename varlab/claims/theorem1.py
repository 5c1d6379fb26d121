"""Theorem 1.

R Theorem 1 and the lemma it rests on, and varlab's proof by Gauss's sum. Each is decided twice: by an
argument for every rho > 2, and at 50 digits over a grid from 1e-6 above the pole to 1e6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import sympy as sp

from varlab.claims.bridge import as_finding
from varlab.claims.monte_carlo import check_falls
from varlab.claims.scans import Real, above, compare, from_pole, function, positive
from varlab.claims.statements import Monotone
from varlab.core import Claim, ClaimKind, Context, Finding, monte_carlo, numeric, symbolic
from varlab.numerics import psi_variance
from varlab.theory import theorem1_gauss as gauss
from varlab.theory import theorem1_paper as paper
from varlab.theory.checking import check_equal
from varlab.theory.domain import Domain
from varlab.theory.domain import above as interval_above
from varlab.theory.inverse_chi import (
    by_duplication,
    psi_variance_beta,
    psi_variance_gamma,
    where_finite,
)
from varlab.theory.symbols import nu, rho, tau, x

NUMERICS = 1e-12  # the accuracy that varlab.numerics promises
SERIES = 1e-12  # the partial sums below stop when the bound on the rest is smaller
NATURAL = "rho > 2"


# -- Theorem 1 and Lemma 1


def _falls_by_gauss(stated: Monotone, _: Context) -> Finding:
    same = check_equal(
        psi_variance_gamma(tau=sp.S.One), stated.expression, where_finite(2), prover=by_duplication
    )
    if not same:
        return Finding.silent("the argument is about Var[psi], and the expression is another one")
    if stated.lower < 2:
        return Finding.refutes(
            f"Var[psi] is infinite on ({stated.lower:g}, 2] and does not change there",
            counterexample={"lower end": stated.lower, "Var[psi] is finite from": 2.0},
            domain=NATURAL,
        )
    falls = gauss.check_variance_falls()
    note = "Var[psi] = x/(x-1) (1 - 1/F), x = rho/2"
    if falls and stated.direction > 0:
        ends = {f"Var[psi] at rho = {at}": float(stated.expression.subs(rho, at)) for at in (5, 6)}
        return Finding.refutes(f"{note}: it falls, {falls.how}", counterexample=ends)
    return as_finding(falls, domain=NATURAL, note=note)


def _falls_at_points(stated: Monotone, _: Context) -> Finding:
    value = function(stated.expression, rho)
    grid = above(min(stated.lower, 2.0), nearest=1e-6, farthest=1e6, count=60)
    values = [stated.direction * value(point) for point in grid]
    steps = {grid[i + 1]: values[i + 1] - values[i] for i in range(len(grid) - 1)}
    return positive(
        lambda point: steps[point],
        grid[1:],
        "rho",
        what=f"the {'rise' if stated.direction > 0 else 'fall'} from one grid point to the next",
        domain=NATURAL,
    )


def _falls_in_numerics(stated: Monotone, _: Context) -> Finding:
    """That the expression is Var[psi]."""
    return compare(
        function(stated.expression, rho),
        lambda degrees: float(psi_variance(float(degrees))),
        [(mpmath.mpf(float(r)),) for r in above(2, nearest=1e-3, farthest=1e6, count=20)],
        ("rho",),
        tolerance=NUMERICS,
        against="varlab.numerics.psi_variance",
    )


@dataclass(frozen=True)
class Slope:
    """The statement that an expression in t, the bracket's derivative, lies below or above a bound.

    ``sign`` is -1 for below, +1 for above.
    """

    expression: sp.Expr
    sign: int
    bound: sp.Expr


def _slope_by_paper(stated: Slope, _: Context) -> Finding:
    same = paper.check_slope(stated.expression)
    if not same:
        return as_finding(same, note="against the derivative of the bracket")
    if stated.bound != 0:
        return Finding.silent("the argument is about the sign of the derivative")
    negative = paper.check_lemma1()
    if negative and stated.sign > 0:
        value = float(stated.expression.subs(nu, 5))
        return Finding.refutes(
            f"Appendix A for every t > 2: negative, {negative.how}",
            counterexample={"t": 5, "derivative": value},
        )
    return as_finding(negative, domain="t > 2", note="Appendix A for every t > 2")


def _slope_at_points(stated: Slope, _: Context) -> Finding:
    margin = stated.sign * (stated.expression - stated.bound)
    side = "derivative minus bound" if stated.sign > 0 else "bound minus derivative"
    return positive(
        function(margin, nu), from_pole(), "t", what=f"{side} ({stated.bound})", domain="t > 2"
    )


def _slope_by_differences(stated: Slope, _: Context) -> Finding:
    """That the expression is the bracket's derivative."""
    bracket = function(paper.bracket(), nu)

    def witness(t: Real) -> Real:
        with mpmath.workdps(60):
            h = mpmath.mpf(10) ** -18 * (t - 2)  # error h^2/(t-2)^2 = 1e-36, rounding 1e-60/1e-18
            return (bracket(t + h) - bracket(t - h)) / (2 * h)

    return compare(
        function(stated.expression, nu),
        witness,
        [(t,) for t in above(2, nearest=1e-3, farthest=1e4, count=12)],
        ("t",),
        tolerance=1e-25,  # see h above, and 1e-60/1e-18 once more over a slope of 1e-8
        against="a central difference of the bracket at 60 digits",
    )


# -- Gauss's sum


@dataclass(frozen=True)
class GaussForm:
    """F as a series in x, and Var[psi] as a function of x, tau and the value y of F."""

    series: sp.Expr
    variance: Callable[[sp.Expr], sp.Expr]


def _gauss_by_proof(stated: GaussForm, _: Context) -> Finding:
    summed = gauss.check_gauss_sum(stated.series)
    if not summed:
        return as_finding(summed, note="Gauss's value of the series")
    same = check_equal(
        stated.variance(gauss.gamma_ratio()),
        psi_variance_gamma(2 * x, tau),
        Domain({x: interval_above(1), tau: interval_above(0)}),
    )
    if not same:
        return as_finding(same, note="Var[psi] by the series")
    note = "Gauss's sum, positive terms that fall, two positive falling factors"
    return as_finding(gauss.check_variance_falls(), domain=NATURAL, note=note)


def _gauss_by_summation(stated: GaussForm, _: Context) -> Finding:
    """Sum the definition of 2F1(a, b; c; 1) term by term, and hold Var[psi] from it to the numerics."""
    parameters = [function(p, x) for p in (*stated.series.ap, *stated.series.bq)]
    variance = stated.variance(sp.Dummy("F"))
    (unknown,) = variance.free_symbols - {x, tau}
    value = function(variance.subs(tau, 1), x, unknown)

    def summed(degrees: Real) -> Real:
        with mpmath.workdps(30):
            at = mpmath.mpf(degrees) / 2
            a, b, c = (p(at) for p in parameters)
            total, term = mpmath.mpf(0), mpmath.mpf(1)
            for index in range(4000):
                total += term
                term *= (a + index) * (b + index) / ((c + index) * (index + 1))
                # The terms fall like n^-(x+1), x >= 4, so the rest is below n/4 times the next one.
                if abs(term) * (index + 1) < SERIES / 1000:
                    break
            return value(at, total)

    return compare(
        summed,
        lambda degrees: float(psi_variance(float(degrees))),
        [(r,) for r in (8.0, 12.0, 50.0, 500.0, 1999.0)],
        ("rho",),
        tolerance=SERIES,
        against="varlab.numerics.psi_variance",
    )


_VARIANCE = psi_variance_beta(tau=sp.S.One)
_SLOPE = paper.bracket_slope()
_HALF = sp.Rational(1, 2)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="radam.thm1.monotone",
        source="R Thm 1",
        statement="Var[psi] decreases monotonically as rho increases",
        equation=r"\frac{d}{d\rho}\mathrm{Var}[\psi] < 0",
        kind=ClaimKind.INEQUALITY,
        domain_stated="rho > 4",
        formula=Monotone(_VARIANCE, -1, 4.0),
        derivation="theorem1_paper.paper_proof",
        checks=(
            symbolic(_falls_by_gauss),
            numeric(_falls_at_points),
            numeric(_falls_in_numerics),
            monte_carlo(check_falls),
        ),
        mutants={
            "increases": Monotone(_VARIANCE, 1, 4.0),
            "on rho > 1": Monotone(_VARIANCE, -1, 1.0),
            "rho^2 Var[psi]": Monotone(rho**2 * _VARIANCE, -1, 4.0),
        },
    ),
    Claim(
        id="radam.lemma1",
        source="R App. A",
        statement="the derivative of t/(t-2) - t 2^(2t-5)/pi B((t-1)/2,(t-1)/2)^2 in t is negative",
        equation=(
            r"\frac{\partial}{\partial t}\left(\frac{t}{t-2} - \frac{t\,2^{2t-5}}{\pi}"
            r"B\left(\frac{t-1}{2},\frac{t-1}{2}\right)^2\right) < 0"
        ),
        kind=ClaimKind.INEQUALITY,
        domain_stated="t >= 4",
        formula=Slope(_SLOPE, -1, sp.S.Zero),
        derivation="theorem1_paper.paper_proof",
        checks=(
            symbolic(_slope_by_paper),
            numeric(_slope_at_points),
            numeric(_slope_by_differences),
        ),
        mutants={
            "positive": Slope(_SLOPE, 1, sp.S.Zero),
            "below -1/t^2": Slope(_SLOPE, -1, -1 / nu**2),
            "another derivative": Slope(2 * _SLOPE, -1, sp.S.Zero),
        },
    ),
    Claim(
        id="varlab.thm1.gauss",
        source="V",
        statement=(
            "with x = rho/2, Gamma(x-1)Gamma(x)/Gamma(x-1/2)^2 = F(x) = 2F1(-1/2,-1/2;x-1;1), so "
            "Var[psi] = tau^2 x/(x-1) (1 - 1/F(x)), a product of two positive, falling factors"
        ),
        equation=(
            r"\mathrm{Var}[\psi] = \tau^2\frac{x}{x-1}\left(1 - \frac{1}{F(x)}\right),\quad "
            r"F(x) = {}_2F_1(-\tfrac12,-\tfrac12;x-1;1),\ x = \rho/2"
        ),
        kind=ClaimKind.EXACT,
        domain_stated="rho > 2",
        formula=GaussForm(gauss.gauss_series(), gauss.variance_of_ratio),
        derivation="theorem1_gauss.gauss_proof",
        checks=(symbolic(_gauss_by_proof), numeric(_gauss_by_summation)),
        mutants={
            "2F1(1/2, -1/2; x-1; 1)": GaussForm(
                sp.hyper([_HALF, -_HALF], [x - 1], 1), gauss.variance_of_ratio
            ),
            "x instead of x - 1 below": GaussForm(
                sp.hyper([-_HALF, -_HALF], [x], 1), gauss.variance_of_ratio
            ),
            "1 - F": GaussForm(gauss.gauss_series(), lambda f: tau**2 * x / (x - 1) * (1 - f)),
        },
    ),
)
