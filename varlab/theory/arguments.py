"""Three arguments that turn checked facts into an inequality for every point of a half-line.

Sampling can only fail to refute; these prove. Each reduces a transcendental inequality to a
rational one (decided by its coefficients), an identity, and a limit.
"""

from __future__ import annotations

import sympy as sp

from varlab.theory.checking import (
    Checked,
    Outcome,
    all_of,
    check_equal,
    check_limit,
    check_relation,
)
from varlab.theory.domain import Domain


def by_recurrence(difference: sp.Expr) -> sp.Expr:
    """Apply the recurrences of digamma and Gamma at shifted arguments, then simplify."""
    return sp.simplify(sp.expand_func(difference))


def check_positive(expression: sp.Expr, domain: Domain) -> Checked:
    """Decide ``expression > 0``; proved for rational functions of one sign."""
    return check_relation(sp.StrictGreaterThan(expression, 0, evaluate=False), domain)


def check_decreasing(
    expression: sp.Expr, variable: sp.Symbol, domain: Domain, slope: sp.Expr | None = None
) -> Checked:
    """Decide that ``expression`` falls in ``variable``: its derivative is negative.

    ``slope`` is a form of the derivative whose sign shows; it is checked to equal the derivative.
    """
    derivative = sp.diff(expression, variable)
    if slope is None:
        return check_positive(-derivative, domain)
    return all_of(
        check_equal(derivative, slope, domain),
        check_positive(-slope, domain),
        how="the derivative has a form of one sign",
    )


def check_positive_by_decrease(
    expression: sp.Expr, variable: sp.Symbol, domain: Domain, slope: sp.Expr | None = None
) -> Checked:
    """Decide ``expression > 0``: it falls on ``domain``, which reaches infinity, and tends to 0."""
    if domain.intervals[variable].upper != sp.oo:
        return Checked(Outcome.UNKNOWN, f"the domain of {variable} does not reach infinity")
    return all_of(
        check_decreasing(expression, variable, domain, slope),
        check_limit(expression, variable, sp.oo, 0),
        how="falls and tends to 0, so it is positive",
    )


def check_positive_by_telescoping(
    expression: sp.Expr,
    variable: sp.Symbol,
    domain: Domain,
    difference: sp.Expr,
    slope: sp.Expr | None = None,
) -> Checked:
    """Decide ``D = expression > 0`` from D(v) - D(v+1) = ``difference`` > 0 and D -> 0.

    Then D(v) is the sum of the positive differences at v, v+1, v+2, ... The difference is itself
    shown to be positive because it falls to 0, by :func:`check_positive_by_decrease`.
    """
    shifted = expression.subs(variable, variable + 1)
    return all_of(
        check_equal(expression - shifted, difference, domain, prover=by_recurrence),
        check_positive_by_decrease(difference, variable, domain, slope),
        check_limit(expression, variable, sp.oo, 0),
        how="a telescoping sum of positive differences",
    )


def held_against(argument: Checked, sample: Checked) -> Checked:
    """An argument and a sample of the very statement it proves: a sample that refutes it wins."""
    if sample.outcome is Outcome.REFUTED or not argument:
        return sample if sample.outcome is Outcome.REFUTED else argument
    return Checked(argument.outcome, f"{argument.how}; {sample.how}", None, argument.error)
