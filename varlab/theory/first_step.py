"""The first step (R section 3): psi_1 = 1/|g_1|, whose mean and variance are infinite.

With y = g^2/(2 s^2), E[psi_1^p] is a constant times the integral of y^(-(p+1)/2) e^-y over (0, oo):
y^-1 e^-y decides the mean, y^(-3/2) e^-y the second moment. Both diverge at 0. Normality has no
part in it: near 0 a density that is continuous and positive there is bounded below by half its value,
and the integral of 1/g diverges.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from varlab.theory import symbols as sym
from varlab.theory.checking import (
    Checked,
    Outcome,
    all_of,
    by_evaluation,
    check_equal,
    check_limit,
)
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import Domain, above
from varlab.theory.inverse_chi import density
from varlab.theory.symbols import c, delta, eps, p, s, x, y

SCALE = Domain({s: above(0)})


def normal_density(g: sp.Expr = sym.g, s: sp.Expr = sym.s) -> sp.Expr:
    """Density of N(0, s^2)."""
    return sp.exp(-(g**2) / (2 * s**2)) / (sp.sqrt(2 * sp.pi) * s)


def change_of_variables() -> sp.Expr:
    """Density of 1/g^2 at x > 0, not carried out: the slope of P(1/g^2 < x) = 2 P(g > 1/sqrt(x))."""
    tails = 2 * sp.Integral(normal_density(), (sym.g, 1 / sp.sqrt(x), sp.oo))
    return sp.Derivative(tails, x)


def inverse_square_density() -> sp.Expr:
    """Density of 1/g^2 at x > 0, carried out."""
    return sp.simplify(change_of_variables().doit())


def first_step_law() -> sp.Expr:
    """Scale-inv-chi^2(1, 1/s^2), which R states for 1/g_1^2."""
    return density(sp.S.One, 1 / s)


def deciding_exponent(order: sp.Expr | int = sym.p) -> sp.Expr:
    """The exponent a in E[psi_1^order] = constant * integral of y^a e^-y: a = -(order + 1)/2."""
    return -(sp.sympify(order) + 1) / 2


def reduced_integrand(order: sp.Expr | int = sym.p) -> sp.Expr:
    """(1/sqrt pi) (2 s^2)^(-order/2) y^(-(order+1)/2) e^-y, whose integral over (0, oo) is E[psi_1^order]."""
    order = sp.sympify(order)
    constant = (2 * s**2) ** (-order / 2) / sp.sqrt(sp.pi)
    return constant * y ** deciding_exponent(order) * sp.exp(-y)


def substituted_integrand(order: sp.Expr | int = sym.p) -> sp.Expr:
    """2 * density(g) * g^-order dg with g = s sqrt(2y), both signs of g taken together."""
    root = s * sp.sqrt(2 * y)
    return 2 * normal_density(root) * root ** -sp.sympify(order) * sp.diff(root, y)


@cache
def exponent_from_substitution(order: int) -> sp.Expr:
    """The exponent of y as the substitution itself yields it: lim of y f'/f as y -> 0."""
    integrand = substituted_integrand(order)
    return sp.simplify(sp.limit(sp.simplify(y * sp.diff(integrand, y) / integrand), y, 0, "+"))


@cache
def converges(exponent: sp.Expr) -> bool:
    """Whether the integral of y^exponent e^-y over (0, oo) is finite: by SymPy's own condition."""
    integral = sp.integrate(y**p * sp.exp(-y), (y, 0, sp.oo))
    return bool(integral.args[0][1].subs(p, exponent) == sp.true)


@cache
def check_diverges(exponent: sp.Expr) -> Checked:
    """Decide that the integral of y^exponent e^-y diverges: the condition, and SymPy's value."""
    value = sp.integrate(y**exponent * sp.exp(-y), (y, 0, sp.oo))
    if value == sp.oo and not converges(exponent):
        return Checked(
            Outcome.PROVED, f"the integral of y^({exponent}) e^-y over (0, oo) is infinite"
        )
    return Checked(Outcome.REFUTED, f"the integral is {value}", {"value": str(value)})


def log_growth(order: sp.Expr | int = 0) -> sp.Expr:
    """Integral of (c/2) g^order / g over (eps, delta).

    A lower bound of E[1/|g|] for a density that exceeds (c/2) g^order on (0, delta).
    """
    return sp.integrate(c / 2 * x ** (sp.sympify(order) - 1), (x, eps, delta))


def check_any_density(order: sp.Expr | int = 0) -> Checked:
    """Decide that the lower bound grows without limit as eps -> 0."""
    return check_limit(log_growth(order), eps, 0, sp.oo)


def first_step() -> Derivation:
    """R section 3: the law of 1/g_1^2, and why psi_1 has neither mean nor variance."""
    return Derivation(
        "first-step",
        "The first step",
        "R section 3",
        (
            equality(
                "Law of 1/g^2",
                change_of_variables(),
                first_step_law(),
                Domain({x: above(0), s: above(0)}),
                "Change of variables from N(0, s^2), P(1/g^2 < x) = 2 P(g > 1/sqrt(x)): one degree of "
                "freedom, tau^2 = 1/s^2.",
                source="R section 3",
                prover=by_evaluation,
            ),
            equality(
                "One integral for every moment",
                substituted_integrand(),
                reduced_integrand(),
                Domain({y: above(0), s: above(0), p: above(0)}),
                "y = g^2/(2 s^2), dg = s dy/sqrt(2y).",
            ),
            Step(
                "The mean",
                sp.Eq(sp.Integral(sp.exp(-y) / y, (y, 0, sp.oo)), sp.oo, evaluate=False),
                "p = 1: the integral of y^-1 e^-y decides E[psi_1]; it diverges like a logarithm.",
                lambda: _moment_diverges(1),
            ),
            Step(
                "The second moment",
                sp.Eq(
                    sp.Integral(y ** sp.Rational(-3, 2) * sp.exp(-y), (y, 0, sp.oo)),
                    sp.oo,
                    evaluate=False,
                ),
                "p = 2: the integral of y^(-3/2) e^-y decides E[psi_1^2]; it diverges like a power. "
                "(Gamma(-1/2) = -2 sqrt(pi) is its continuation, not its value.)",
                lambda: _moment_diverges(2),
                "R section 3",
            ),
            Step(
                "No normality needed",
                sp.Eq(sp.Limit(log_growth(), eps, 0, "+"), sp.oo, evaluate=False),
                "A density f, continuous with c = f(0) > 0, exceeds c/2 on some (0, delta), so "
                "E[1/|g|] exceeds (c/2) ln(delta/eps) for every eps.",
                check_any_density,
            ),
        ),
    )


def _moment_diverges(order: int) -> Checked:
    found = exponent_from_substitution(order)
    return all_of(
        check_equal(found + s, deciding_exponent(order) + s, SCALE),
        check_diverges(found),
        how=f"the substitution leaves y^({found}) e^-y, and its integral is infinite",
    )
