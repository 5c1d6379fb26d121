"""The first step.

R section 3 and its readers: the law of 1/g_1^2, and which integrals decide the moments of psi_1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from scipy import integrate, stats

from varlab.claims import tails
from varlab.claims.bridge import as_finding
from varlab.claims.monte_carlo import check_first_step_law
from varlab.claims.scans import compare
from varlab.core import Claim, ClaimKind, Context, Finding, monte_carlo, numeric, symbolic
from varlab.theory.checking import check_equal
from varlab.theory.domain import Domain, above
from varlab.theory.first_step import (
    check_any_density,
    check_diverges,
    exponent_from_substitution,
    first_step_law,
    inverse_square_density,
)
from varlab.theory.inverse_chi import density, psi_moment, threshold
from varlab.theory.symbols import rho, s, tau, x

QUADRATURE = 1e-8  # SciPy's quad aims at 1.5e-8 absolute on values of order 1


@dataclass(frozen=True)
class Divergence:
    """The statement "Var[psi^power] is infinite for ``rho`` degrees of freedom"; psi_1 has rho = 1."""

    rho: sp.Rational
    power: sp.Rational


def _law_by_derivation(stated: sp.Expr, _: Context) -> Finding:
    checked = check_equal(inverse_square_density(), stated, Domain({x: above(0), s: above(0)}))
    return as_finding(
        checked, domain="every s > 0", note="density of 1/g^2 by change of variables from N(0, s^2)"
    )


def _law_by_distribution(stated: sp.Expr, _: Context) -> Finding:
    pdf = sp.lambdify((x, s), stated, "math")

    def cdf(at: float, scale: float) -> float:
        return float(integrate.quad(lambda u: pdf(u, scale), 0.0, at)[0])

    def witness(at: float, scale: float) -> float:
        return float(2.0 * stats.norm.sf(1.0 / math.sqrt(at), scale=scale))

    points = [(at / scale**2, scale) for scale in (0.5, 1.0, 3.0) for at in (0.3, 1.0, 4.0, 30.0)]
    return compare(
        cdf, witness, points, ("x", "s"), tolerance=QUADRATURE, against="P(|g| >= x^(-1/2)), normal"
    )


def _divergence_by_condition(stated: Divergence, _: Context) -> Finding:
    order = 2 * stated.power
    needed = threshold(order)
    if stated.rho <= needed:
        mean = "infinite as well" if stated.rho <= threshold(stated.power) else "finite"
        return Finding.supports(
            f"E[psi^{order}] converges only for rho > {needed}, and rho = {stated.rho}; "
            f"the mean E[psi^{stated.power}] is {mean}",
            domain="every s > 0",
        )
    variance = psi_moment(order) - psi_moment(stated.power) ** 2
    value = float(variance.subs({rho: stated.rho, tau: 1}))
    return Finding.refutes(
        f"E[psi^{order}] converges for rho > {needed}: the variance is {value:.6g} at s = 1",
        counterexample={"rho": str(stated.rho), "power": str(stated.power), "variance": value},
    )


def _divergence_by_decades(stated: Divergence, _: Context) -> Finding:
    ratio = tails.psi_moment_ratio(float(stated.rho), 2.0 * float(stated.power))
    detail = f"each decade of |g| nearer to 0 adds {ratio:.4g} times as much to the second moment"
    if tails.grows(ratio):
        return Finding.supports(detail)
    return Finding.refutes(detail, counterexample={"ratio between decades": ratio})


def _integral_of_order(order: int) -> Callable[[sp.Rational, Context], Finding]:
    def by_substitution(stated: sp.Rational, _: Context) -> Finding:
        found = exponent_from_substitution(order)
        if found != stated:
            return Finding.refutes(
                f"y = g^2/(2 s^2) leaves y^({found}) e^-y in E[psi_1^{order}], not y^({stated})",
                counterexample={"stated exponent": str(stated), "found exponent": str(found)},
            )
        note = f"y = g^2/(2 s^2) leaves y^({found}) e^-y in E[psi_1^{order}]"
        return as_finding(check_diverges(found), domain="every s > 0", note=note)

    return by_substitution


def _shells_of_order(order: int) -> Callable[[sp.Rational, Context], Finding]:
    shells = ((0.001, 0.01), (0.01, 0.1), (0.1, 1.0), (1.0, 3.0))

    def by_shells(stated: sp.Rational, _: Context) -> Finding:
        exponent, scale = float(stated), 1.5
        law = stats.norm(scale=scale)

        def of_y(number: float) -> float:
            ends = [(g / scale) ** 2 / 2.0 for g in shells[int(number)]]
            return _integral(lambda y: y**exponent * math.exp(-y), *ends)

        def of_g(number: float) -> float:
            return _integral(lambda g: 2.0 * float(law.pdf(g)) * g**-order, *shells[int(number)])

        # The constant between the two integrals is that of the outermost shell.
        unit = of_g(3) / of_y(3)
        return compare(
            lambda number: unit * of_y(number),
            of_g,
            [(number,) for number in range(3)],
            ("shell",),
            tolerance=QUADRATURE,
            against=f"E[|g|^-{order}; |g| in a shell] under N(0, s^2)",
        )

    return by_shells


def _integral(integrand: Callable[[float], float], lower: float, upper: float) -> float:
    # In the logarithm, where the integrands are smooth over several decades.
    value, _ = integrate.quad(
        lambda u: integrand(math.exp(u)) * math.exp(u), math.log(lower), math.log(upper)
    )
    return float(value)


def _density_by_bound(order: sp.Rational, _: Context) -> Finding:
    checked = check_any_density(order)
    note = f"a density above (c/2) |g|^{order} near 0 has E[1/|g|] above its integral over (eps, delta)"
    if checked:
        return as_finding(checked, domain="continuous and positive at 0", note=note)
    # A witness that vanishes like |g|^order: |g|^order e^(-g^2/2), normalised; |g| ~ chi(order + 1).
    inverse_mean = sp.gamma(order / 2) / (sp.sqrt(2) * sp.gamma((order + 1) / 2))
    return Finding.refutes(
        f"the density |g|^{order} e^(-g^2/2), normalised, has E[1/|g|] = {float(inverse_mean):.6g}",
        counterexample={"order of vanishing": str(order), "E[1/|g|]": float(inverse_mean)},
    )


# Densities of |g| up to a constant: symmetric and not, light and heavy tails, a kink, a jump far from 0.
_NEAR_ZERO: dict[str, Callable[[float], float]] = {
    "normal": lambda g: float(stats.norm.pdf(g)),
    "Laplace": lambda g: float(stats.laplace.pdf(g)),
    "Cauchy": lambda g: float(stats.cauchy.pdf(g)),
    "Student t, 3 degrees of freedom": lambda g: float(stats.t.pdf(g, 3)),
    "uniform on (-1, 1)": lambda g: 0.5 if g < 1.0 else 0.0,
    "normal of mean 2": lambda g: float(stats.norm.pdf(g, 2.0) + stats.norm.pdf(-g, 2.0)),
}


def _density_by_decades(order: sp.Rational, _: Context) -> Finding:
    # The factor |g|^order of the density lowers the order of the moment by as much.
    ratios = {
        name: tails.decade_ratio(near_zero, 1.0 - float(order))
        for name, near_zero in _NEAR_ZERO.items()
    }
    smallest = min(ratios, key=lambda name: ratios[name])
    detail = (
        f"{len(ratios)} densities times |g|^{order}: each decade nearer to 0 adds "
        f"{min(ratios.values()):.4f} to {max(ratios.values()):.4f} times as much to E[1/|g|]"
    )
    if all(tails.grows(ratio) for ratio in ratios.values()):
        return Finding.supports(detail)
    return Finding.refutes(
        detail, counterexample={"density": smallest, "ratio between decades": ratios[smallest]}
    )


def _claim(name: str, source: str, statement: str, equation: str, **rest: Any) -> Claim:
    return Claim(
        id=name, source=source, statement=statement, kind=ClaimKind.EXACT, equation=equation, **rest
    )


CLAIMS: tuple[Claim, ...] = (
    _claim(
        "radam.s3.inverse-law",
        "R §3",
        "1/g_1^2 follows the scaled inverse chi-square law with 1 degree of freedom and scale 1/s^2",
        r"1/g_1^2 \sim \text{Scale-inv-}\chi^2(1, 1/\sigma^2)",
        domain_stated="g_1 ~ N(0, s^2)",
        formula=first_step_law(),
        derivation="first_step.first_step",
        checks=(
            symbolic(_law_by_derivation),
            numeric(_law_by_distribution),
            monte_carlo(check_first_step_law),
        ),
        mutants={
            "two degrees of freedom": density(sp.Integer(2), 1 / s),
            "scale s^2 instead of 1/s^2": density(sp.S.One, s),
        },
    ),
    _claim(
        "radam.s3.first-step-diverges",
        "R §3",
        "Var[sqrt(1/g_1^2)] is divergent",
        r"\mathrm{Var}[\sqrt{1/g_1^2}] = \infty",
        domain_stated="g_1 ~ N(0, s^2)",
        formula=Divergence(sp.S.One, sp.S.One),
        derivation="first_step.first_step",
        checks=(symbolic(_divergence_by_condition), numeric(_divergence_by_decades)),
        mutants={
            "three degrees of freedom": Divergence(sp.Integer(3), sp.S.One),
            "fourth root of psi": Divergence(sp.S.One, sp.Rational(1, 4)),
        },
    ),
    _claim(
        "note.first-step.mean-integral",
        "N",
        "with y = g^2/(2 s^2), the integral of y^-1 e^-y over (0, inf) decides E[psi_1]",
        r"E[\psi_1] \propto \int_0^\infty y^{-1} e^{-y}\,dy",
        domain_stated="g_1 ~ N(0, s^2)",
        formula=sp.Rational(-1),
        derivation="first_step.first_step",
        checks=(symbolic(_integral_of_order(1)), numeric(_shells_of_order(1))),
        mutants={"the other integral": sp.Rational(-3, 2), "half an order": sp.Rational(-1, 2)},
    ),
    _claim(
        "note.first-step.second-moment-integral",
        "N",
        "with y = g^2/(2 s^2), the integral of y^(-3/2) e^-y over (0, inf) decides E[psi_1^2]",
        r"E[\psi_1^2] \propto \int_0^\infty y^{-3/2} e^{-y}\,dy",
        domain_stated="g_1 ~ N(0, s^2)",
        formula=sp.Rational(-3, 2),
        derivation="first_step.first_step",
        checks=(symbolic(_integral_of_order(2)), numeric(_shells_of_order(2))),
        mutants={"the other integral": sp.Rational(-1), "one order more": sp.Rational(-5, 2)},
    ),
    _claim(
        "varlab.first-step.any-density",
        "V",
        "E[1/abs(g)] is infinite for every density that is continuous and positive at 0",
        r"f(0) > 0 \Rightarrow E[1/|g|] = \infty",
        domain_stated="density continuous and positive at 0",
        formula=sp.Integer(0),  # the order at which the density may vanish at 0
        derivation="first_step.first_step",
        checks=(symbolic(_density_by_bound), numeric(_density_by_decades)),
        mutants={"density vanishing like |g|": sp.S.One, "like sqrt|g|": sp.Rational(1, 2)},
    ),
)
