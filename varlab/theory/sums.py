"""Finite sums in closed form: each term is a power of the index times a geometric sequence in it."""

from __future__ import annotations

import sympy as sp

from varlab.theory.symbols import b2, t


def close_sums(expression: sp.Expr) -> sp.Expr:
    """Replace every finite sum of (power of the index) * (power of beta2) by its closed form.

    SymPy answers with ``Piecewise`` whose last branch is the generic one; the domain of beta2,
    (0, 1), excludes the others.
    """
    summed = sp.sympify(expression).replace(lambda e: isinstance(e, sp.Sum), _term_by_term)
    return summed.replace(lambda e: isinstance(e, sp.Piecewise), lambda e: e.args[-1][0])


def _term_by_term(total: sp.Sum) -> sp.Expr:
    (index, lower, upper) = total.limits[0]
    closed = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(total.function)):
        constant, varying = sp.S.One, sp.S.One
        for part in sp.Mul.make_args(term):
            if part.is_Pow and not part.base.has(index):
                # beta2^(a i + c): only beta2^(a i) takes part in the sum.
                slope = sp.expand(part.exp).coeff(index)
                varying *= part.base ** (slope * index)
                constant *= part.base ** sp.expand(part.exp - slope * index)
            elif part.has(index):
                varying *= part
            else:
                constant *= part
        closed += constant * sp.Sum(varying, (index, lower, upper)).doit()
    return closed


def by_closing_sums(expression: sp.Expr) -> sp.Expr:
    """Prover for identities between sums and closed forms (see :func:`check_equal`).

    In closed form the sums are rational functions of t, beta2 and beta2^t; with beta2^t as a
    variable of its own, cancelling decides equality.
    """
    power = sp.Dummy("beta2^t")
    expanded = sp.expand(close_sums(expression), deep=True)
    rational = sp.expand_power_exp(expanded).replace(
        lambda e: e.is_Pow and e.base == b2 and e.exp.has(t),
        lambda e: b2 ** e.exp.coeff(t, 0) * power ** e.exp.coeff(t, 1),
    )
    return sp.cancel(sp.together(rational))
