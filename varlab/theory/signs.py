"""Signs proved: of rational functions by their coefficients, of others by what is assumed of their symbols."""

from __future__ import annotations

import sympy as sp

from varlab.theory.domain import Domain, Interval


def is_positive(expression: sp.Expr, domain: Domain) -> bool:
    """Whether a rational function is shown to be > 0 on ``domain``; False when it cannot be shown.

    Each variable is written in a new one that runs over (0, oo): v = a + w for v > a, and
    v = (a + b w)/(1 + w) for a < v < b. If numerator and denominator then have coefficients of
    one sign each, and the signs agree, the function is positive.
    """
    expression = sp.sympify(expression)
    if not expression.free_symbols <= set(domain.intervals):
        return False
    if any(s.is_integer for s in expression.free_symbols):
        expression, domain = _real_symbols(expression, domain)
    used = [s for s in domain.intervals if s in expression.free_symbols]
    if not used:
        return bool(expression.is_positive)
    if not expression.is_rational_function(*used):
        return False
    closed = []
    for symbol in used:
        interval = domain.intervals[symbol]
        shifted = _shift(symbol, interval)
        if shifted is None:
            return False
        if interval.closed_lower or interval.closed_upper:
            closed.append(symbol)
        expression = expression.subs(symbol, shifted)
    numerator, denominator = sp.fraction(sp.cancel(sp.together(expression)))
    signs = [_one_sign(part, used, closed) for part in (numerator, denominator)]
    return signs[0] * signs[1] > 0


def follows_from_assumptions(relation: sp.Rel) -> bool:
    """Whether an inequality is true by the assumptions on its symbols; False when they cannot show it.

    The sides and their difference are simplified each by itself. SymPy's simplification of the
    relation as a whole would evaluate the difference at random complex points; where a sum closes
    to powers with such a point in the exponent, one of them can take a quarter of an hour.
    """
    sides = relation.func(sp.simplify(relation.lhs), sp.simplify(relation.rhs))
    if sides == sp.true:
        return True
    difference = sp.simplify(relation.gts - relation.lts)
    if isinstance(relation, sp.GreaterThan | sp.LessThan):
        return bool(difference.is_extended_nonnegative)
    return bool(difference.is_extended_positive)


def _shift(symbol: sp.Symbol, interval: Interval) -> sp.Expr | None:
    lower, upper = interval.lower, interval.upper
    if not (lower.is_finite or upper.is_finite):
        return None
    if upper == sp.oo:
        return lower + symbol
    if lower == -sp.oo:
        return upper - symbol
    if interval.closed_upper:
        return None  # the new variable would have to reach infinity
    return (lower + upper * symbol) / (1 + symbol)


def _one_sign(part: sp.Expr, variables: list[sp.Symbol], closed: list[sp.Symbol]) -> int:
    """1 or -1 if the polynomial has that strict sign for positive variables; 0 if unknown."""
    try:
        polynomial = sp.Poly(part, *variables)
    except sp.PolynomialError:
        return 0
    terms = polynomial.terms()
    for sign in (1, -1):
        if all((sign * c).is_nonnegative for _, c in terms) and any(
            (sign * c).is_positive and all(m[variables.index(symbol)] == 0 for symbol in closed)
            for m, c in terms
        ):
            return sign
    return 0


def _real_symbols(expression: sp.Expr, domain: Domain) -> tuple[sp.Expr, Domain]:
    # Integer variables run over a subset of the reals: a sign on the reals is one on them too.
    fresh = {s: sp.Dummy(s.name, real=True) for s in domain.intervals}
    return (
        expression.xreplace(fresh),
        Domain({fresh[s]: interval for s, interval in domain.intervals.items()}),
    )
