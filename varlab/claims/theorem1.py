"""Theorem 1 and its proof.

R Theorem 1 and every line of its Appendix A that can be right or wrong by itself, and varlab's proof by
Gauss's sum. Each line is decided twice: by an argument for every t > 2, and at 50 digits over a grid
that reaches from 1e-6 above the pole to 1e6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp

from varlab.claims.bridge import as_finding
from varlab.claims.scans import Real, above, compare, function, positive, shown
from varlab.core import Claim, ClaimKind, Context, Finding, numeric, symbolic
from varlab.numerics import psi_variance
from varlab.theory import digamma_bounds as digamma
from varlab.theory import theorem1_gauss as gauss
from varlab.theory import theorem1_paper as paper
from varlab.theory.checking import Checked, check_equal, check_relation
from varlab.theory.domain import Domain
from varlab.theory.domain import above as interval_above
from varlab.theory.inverse_chi import psi_variance_beta, psi_variance_gamma, where_finite
from varlab.theory.symbols import nu, rho, tau, x

NUMERICS = 1e-12  # the accuracy that varlab.numerics promises
SERIES = 1e-12  # the partial sums below stop when the bound on the rest is smaller
NATURAL = "rho > 2"


def _from_pole(count: int = 40) -> list[Real]:
    return above(2, nearest=1e-6, farthest=1e6, count=count)


@dataclass(frozen=True)
class Inequality:
    """``left`` <= ``right`` (or < where strict), between expressions in ``variable``."""

    left: sp.Expr
    right: sp.Expr
    variable: sp.Symbol
    strict: bool = False

    @property
    def relation(self) -> sp.Rel:
        """As a SymPy relation."""
        kind = sp.StrictLessThan if self.strict else sp.LessThan
        return kind(self.left, self.right, evaluate=False)

    @property
    def margin(self) -> Callable[[Real], Real]:
        """Right - left at 50 digits."""
        return function(self.right - self.left, self.variable)


def _argued(
    stated: Inequality, proved: Inequality, argument: Callable[[], Checked], domain: Domain
) -> Checked:
    """Sampling may refute ``stated``; the argument speaks for it only if it is what was proved."""
    sampled = check_relation(stated.relation, domain, points=12)
    if not sampled:
        return sampled
    for one, other in ((stated.left, proved.left), (stated.right, proved.right)):
        same = check_equal(one, other, domain)
        if not same:
            return same
    return argument()


# -- Theorem 1 and Lemma 1


def _falls_by_gauss(stated: sp.Expr, _: Context) -> Finding:
    """``stated`` is Var[psi] at tau = 1 as a function of rho, said to fall."""
    same = check_equal(
        psi_variance_gamma(tau=sp.S.One), stated, where_finite(2), prover=lambda d: d
    )
    if not same:
        return as_finding(same, note="against Var[psi], whose fall is what the argument shows")
    return as_finding(
        gauss.check_variance_falls(), domain=NATURAL, note="Var[psi] = x/(x-1) (1 - 1/F), x = rho/2"
    )


def _falls_at_points(stated: sp.Expr, _: Context) -> Finding:
    value = function(stated, rho)
    grid = _from_pole(60)
    values = [value(point) for point in grid]
    steps = {grid[i + 1]: values[i] - values[i + 1] for i in range(len(grid) - 1)}
    return positive(
        lambda point: steps[point],
        grid[1:],
        "rho",
        what="the fall of Var[psi] from one grid point to the next",
        domain=NATURAL,
    )


def _falls_in_numerics(stated: sp.Expr, _: Context) -> Finding:
    return compare(
        function(stated, rho),
        lambda degrees: float(psi_variance(float(degrees))),
        [(mpmath.mpf(float(r)),) for r in above(2, nearest=1e-3, farthest=1e6, count=20)],
        ("rho",),
        tolerance=NUMERICS,
        against="varlab.numerics.psi_variance",
    )


def _slope_by_paper(stated: sp.Expr, _: Context) -> Finding:
    """``stated`` is the bracket's derivative in t, said to be negative."""
    same = paper.check_slope(stated)
    if not same:
        return as_finding(same, note="against the derivative of the bracket")
    return as_finding(paper.check_lemma1(), domain="t > 2", note="Appendix A for every t > 2")


def _slope_at_points(stated: sp.Expr, _: Context) -> Finding:
    return positive(
        function(-stated, nu), _from_pole(), "t", what="minus the stated derivative", domain="t > 2"
    )


def _slope_by_differences(stated: sp.Expr, _: Context) -> Finding:
    bracket = function(paper.bracket(), nu)

    def witness(t: Real) -> Real:
        with mpmath.workdps(60):
            h = mpmath.mpf(10) ** -18 * (t - 2)  # error h^2/(t-2)^2 = 1e-36, rounding 1e-60/1e-18
            return (bracket(t + h) - bracket(t - h)) / (2 * h)

    return compare(
        function(stated, nu),
        witness,
        [(t,) for t in above(2, nearest=1e-3, farthest=1e4, count=12)],
        ("t",),
        tolerance=1e-25,  # see h above, and 1e-60/1e-18 once more over a slope of 1e-8
        against="a central difference of the bracket at 60 digits",
    )


# -- the lines of Appendix A


@dataclass(frozen=True)
class DigammaBounds:
    """upper(x) > digamma(x) > lower(x)."""

    upper: sp.Expr
    lower: sp.Expr

    @property
    def above(self) -> Inequality:
        """The upper bound."""
        return Inequality(sp.digamma(x), self.upper, x, strict=True)

    @property
    def below(self) -> Inequality:
        """The lower bound."""
        return Inequality(self.lower, sp.digamma(x), x, strict=True)


_BOUNDS = DigammaBounds(digamma.upper(), digamma.lower())


def _bounds_by_telescoping(stated: DigammaBounds, _: Context) -> Finding:
    parts = (
        ("upper bound", stated.above, _BOUNDS.above, digamma.check_upper),
        ("lower bound", stated.below, _BOUNDS.below, digamma.check_lower),
    )
    for name, side, known, argument in parts:
        checked = _argued(side, known, argument, digamma.POSITIVE)
        if not checked:
            return as_finding(checked, note=name)
    return as_finding(
        checked,
        domain=digamma.POSITIVE.describe(),
        note="both gaps are telescoping sums of positive differences",
    )


def _bounds_at_points(stated: DigammaBounds, _: Context) -> Finding:
    grid = above(0, nearest=1e-6, farthest=1e8, count=50)
    upper = positive(stated.above.margin, grid, "x", what="upper bound less digamma")
    if not upper.agrees:
        return upper
    return positive(stated.below.margin, grid, "x", what="digamma less lower bound")


def _duplication_by_gamma(stated: tuple[sp.Expr, sp.Expr], _: Context) -> Finding:
    domain = Domain({nu: interval_above(1)})  # where the Beta function's arguments are positive
    checked = check_equal(*stated, domain, prover=paper.by_duplication)
    return as_finding(
        checked, domain=domain.describe(), note="Beta by Gamma, Legendre's duplication"
    )


def _duplication_at_points(stated: tuple[sp.Expr, sp.Expr], _: Context) -> Finding:
    left, right = (function(side, nu) for side in stated)
    points = above(1, nearest=1e-6, farthest=1e5, count=30)
    return compare(
        left,
        right,
        [(t,) for t in points],
        ("t",),
        tolerance=1e-45,  # 60 working digits, of which 4^t at t = 1e5 costs 5
        against="the right side at 50 digits",
    )


_EQ9 = Inequality(paper.gamma_quotient(), sp.Integer(2), nu)
_EQ10 = Inequality(paper.gamma_quotient(), paper.eq10_bound(), nu)


def _eq9_by_series(stated: Inequality, _: Context) -> Finding:
    checked = _argued(stated, _EQ9, paper.check_eq9, paper.ABOVE_TWO)
    note = "the left side is 2/F(t/2) with F > 1, so Eq. 9 holds strictly"
    return as_finding(checked, domain=paper.ABOVE_TWO.describe(), note=note)


def _at_points(stated: Inequality, _: Context) -> Finding:
    return positive(stated.margin, _from_pole(), "t", what="right side less left side")


def _eq10_by_series(stated: Inequality, _: Context) -> Finding:
    at = sp.Integer(4)  # the first t of the paper's own domain
    left, right = (sp.simplify(side.subs(nu, at)) for side in (stated.left, stated.right))
    if left <= right:
        return as_finding(check_relation(stated.relation, paper.ABOVE_TWO))
    everywhere, repaired = paper.check_eq10_false_everywhere(), paper.check_kershaw()
    scope = "at every t > 2" if everywhere else "there"
    instead = "; 4(t-2)/(2t-3) is a bound for every t > 2 and gives Eq. 9" if repaired else ""
    return Finding.refutes(
        f"at t = {at} the left side is {left} = {float(left):.6g}, above {right} = "
        f"{float(right):.6g}; false {scope}: (F-1)(t/2-1) falls from 1/pi and Eq. 10 needs 1/2{instead}. "
        "Gautschi's inequality belongs at (t-2)/2, where it gives 2",
        counterexample={"t": int(at), "left": float(left), "right": float(right)},
        domain="no t > 2" if everywhere else None,
    )


def _eq10_at_points(stated: Inequality, _: Context) -> Finding:
    grid = _from_pole()
    false_at = [t for t in grid if not stated.margin(t) >= 0]
    if not false_at:
        return Finding.supports(f"holds at {len(grid)} points at 50 digits")
    worst = min(false_at, key=stated.margin)
    left = function(stated.left, nu)(worst)
    return Finding.refutes(
        f"false at {len(false_at)} of {len(grid)} points from t = 2 + 1e-6 to 1e6 at 50 digits",
        counterexample={
            "t": shown(worst),
            "left": shown(left),
            "right": shown(left + stated.margin(worst)),
        },
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


def _claim(
    name: str, source: str, statement: str, equation: str, kind: ClaimKind, **rest: Any
) -> Claim:
    return Claim(id=name, source=source, statement=statement, kind=kind, equation=equation, **rest)


_VARIANCE = psi_variance_beta(tau=sp.S.One)
_SLOPE = paper.bracket_slope()
_LEFT, _RIGHT = paper.duplication()
_HALF = sp.Rational(1, 2)

CLAIMS: tuple[Claim, ...] = (
    _claim(
        "radam.thm1.monotone",
        "R Thm 1",
        "Var[psi] decreases monotonically as rho increases",
        r"\frac{d}{d\rho}\mathrm{Var}[\psi] < 0",
        ClaimKind.INEQUALITY,
        domain_stated="rho > 4",
        formula=_VARIANCE,
        checks=(
            symbolic(_falls_by_gauss),
            numeric(_falls_at_points),
            numeric(_falls_in_numerics),
        ),
        mutants={"increases": -_VARIANCE, "rho^2 Var[psi]": rho**2 * _VARIANCE},
    ),
    _claim(
        "radam.lemma1",
        "R App. A",
        "the derivative of t/(t-2) - t 2^(2t-5)/pi B((t-1)/2,(t-1)/2)^2 in t is negative",
        r"\frac{\partial}{\partial t}\left(\frac{t}{t-2} - \frac{t\,2^{2t-5}}{\pi}"
        r"B\left(\frac{t-1}{2},\frac{t-1}{2}\right)^2\right) < 0",
        ClaimKind.INEQUALITY,
        domain_stated="t >= 4",
        formula=_SLOPE,
        checks=(
            symbolic(_slope_by_paper),
            numeric(_slope_at_points),
            numeric(_slope_by_differences),
        ),
        mutants={"positive": -_SLOPE, "below -1/t^2": _SLOPE + 1 / nu**2},
    ),
    _claim(
        "radam.appA.digamma-bounds",
        "R App. A",
        "ln x - 1/(2x) > digamma(x) > ln(x + 1/2) - 1/x",
        r"\ln x - \frac{1}{2x} > \psi(x) > \ln\left(x + \tfrac{1}{2}\right) - \frac{1}{x}",
        ClaimKind.INEQUALITY,
        domain_stated="none stated",
        formula=_BOUNDS,
        checks=(symbolic(_bounds_by_telescoping), numeric(_bounds_at_points)),
        mutants={
            "ln x - 1/x above": DigammaBounds(sp.log(x) - 1 / x, digamma.lower()),
            "1/(2x) below": DigammaBounds(digamma.upper(), sp.log(x + _HALF) - 1 / (2 * x)),
        },
    ),
    _claim(
        "radam.appA.duplication",
        "R App. A",
        "(t-2) 4^t B((t-1)/2,(t-1)/2)^2 = 16 pi (t-2) Gamma((t-1)/2)^2 / Gamma(t/2)^2",
        r"(t-2)\,4^t B\left(\frac{t-1}{2},\frac{t-1}{2}\right)^2 = "
        r"16\pi(t-2)\frac{\Gamma((t-1)/2)^2}{\Gamma(t/2)^2}",
        ClaimKind.EXACT,
        domain_stated="t >= 4",
        formula=(_LEFT, _RIGHT),
        checks=(symbolic(_duplication_by_gamma), numeric(_duplication_at_points)),
        mutants={"8 pi": (_LEFT, _RIGHT / 2), "2^t": (_LEFT / 2**nu, _RIGHT)},
    ),
    _claim(
        "radam.appA.eq9",
        "R Eq. 9",
        "(t-2) Gamma((t-1)/2)^2 / Gamma(t/2)^2 <= 2",
        r"(t-2)\frac{\Gamma((t-1)/2)^2}{\Gamma(t/2)^2} \le 2",
        ClaimKind.INEQUALITY,
        domain_stated="t >= 4",
        formula=_EQ9,
        checks=(symbolic(_eq9_by_series), numeric(_at_points)),
        mutants={
            "1.99 instead of 2": Inequality(_EQ9.left, sp.Rational(199, 100), nu),
            "t - 1 instead of t - 2": Inequality(_EQ9.left * (nu - 1) / (nu - 2), _EQ9.right, nu),
        },
    ),
    _claim(
        "radam.appA.eq10",
        "R Eq. 10",
        "(t-2) Gamma((t-1)/2)^2 / Gamma(t/2)^2 <= 2(t-2)/(t-1) < 2",
        r"(t-2)\frac{\Gamma((t-1)/2)^2}{\Gamma(t/2)^2} \le \frac{2(t-2)}{t-1} < 2",
        ClaimKind.INEQUALITY,
        domain_stated="t >= 4",
        formula=_EQ10,
        checks=(symbolic(_eq10_by_series), numeric(_eq10_at_points)),
    ),
    _claim(
        "varlab.thm1.gauss",
        "V",
        "with x = rho/2, Gamma(x-1)Gamma(x)/Gamma(x-1/2)^2 = F(x) = 2F1(-1/2,-1/2;x-1;1), so "
        "Var[psi] = tau^2 x/(x-1) (1 - 1/F(x)), a product of two positive, falling factors",
        r"\mathrm{Var}[\psi] = \tau^2\frac{x}{x-1}\left(1 - \frac{1}{F(x)}\right),\quad "
        r"F(x) = {}_2F_1(-\tfrac12,-\tfrac12;x-1;1),\ x = \rho/2",
        ClaimKind.EXACT,
        domain_stated="rho > 2",
        formula=GaussForm(gauss.gauss_series(), gauss.variance_of_ratio),
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
