"""Finite sums in closed form: SymPy sums geometric series by cases, and beta2 != 1 selects the case."""

from __future__ import annotations

import sympy as sp

from varlab.theory.symbols import b2, t


def close_sums(expression: sp.Expr) -> sp.Expr:
    """Replace every finite geometric sum by its closed form for a ratio other than 1.

    SymPy answers with ``Piecewise`` whose last branch is the generic one; the domain of beta2,
    (0, 1), excludes the others.
    """
    summed = expression.replace(
        lambda e: isinstance(e, sp.Sum), lambda e: sp.Sum(sp.expand(e.function), *e.limits).doit()
    )
    return summed.replace(lambda e: isinstance(e, sp.Piecewise), lambda e: e.args[-1][0])


def by_closing_sums(expression: sp.Expr) -> sp.Expr:
    """Prover for identities between sums and closed forms (see :func:`check_equal`).

    In closed form the sums are rational functions of t, beta2 and beta2^t; with beta2^t as a
    variable of its own, cancelling decides equality.
    """
    power = sp.Dummy("beta2^t")
    expanded = sp.expand(close_sums(expression), deep=True)
    rational = sp.expand_power_exp(expanded).replace(
        lambda e: e.is_Pow and e.base == b2 and e.exp.has(t), lambda e: power ** (e.exp / t)
    )
    return sp.cancel(sp.together(rational))
