"""Three-valued checking of statements: proved by SymPy, confirmed or refuted at exact points, or unknown."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import sympy as sp
from mpmath.libmp import prec_to_dps

from varlab.theory.domain import Domain
from varlab.theory.signs import follows_from_assumptions, is_positive

DIGITS = 50
# Working precision may grow to this many digits before a cancellation counts as complete.
WORKING_DIGITS = 300
POINTS = 12
# Two evaluations at 50 digits of the same real number agree to far more than this; two different
# closed forms that agree to 40 digits at a dozen random rational points are the same.
AGREEMENT = sp.Float(10) ** -40


class Outcome(StrEnum):
    """What the machine could establish of one statement."""

    PROVED = "proved"  # by symbolic rewriting
    CONFIRMED = "confirmed"  # at 50 digits on random points; not a proof
    REFUTED = "refuted"  # false at a point
    UNKNOWN = "unknown"


# What must be closed at the exact point before numbers are put in.
_CLOSED_FIRST = (sp.Sum, sp.Product, sp.Integral, sp.Derivative, sp.Limit, sp.Piecewise, sp.Subs)


@dataclass(frozen=True)
class Checked:
    """The outcome, how it was reached, the point of a refutation and the largest deviation seen."""

    outcome: Outcome
    how: str
    counterexample: dict[str, str] | None = None
    error: float | None = None

    def __bool__(self) -> bool:
        return self.outcome in (Outcome.PROVED, Outcome.CONFIRMED)


Prover = Callable[[sp.Expr], sp.Expr]


PROVERS: tuple[tuple[str, Prover], ...] = (
    ("expansion", sp.expand),
    ("Gamma functions", lambda e: sp.gammasimp(sp.expand_func(e).rewrite(sp.gamma))),
    ("simplification", sp.simplify),
)


def by_evaluation(difference: sp.Expr) -> sp.Expr:
    """Prover: carry out the derivatives and substitutions that a statement shows, then simplify."""
    return sp.simplify(difference.doit())


def check_equal(
    left: sp.Expr,
    right: sp.Expr,
    domain: Domain,
    *,
    prover: Prover | None = None,
    seed: int = 0,
    points: int = POINTS,
) -> Checked:
    """Decide ``left == right`` on ``domain``.

    Exact points come first, at 50 digits: they refute quickly. Then ``prover`` (or the standard
    ones) must reduce the difference to 0 for ``proved``; otherwise ``confirmed``.
    """
    error = sp.Float(0)
    rng = random.Random(seed)
    for _ in range(points):
        point = domain.sample(rng)
        a, b = _value(left, point), _value(right, point)
        if a is None or b is None:
            return Checked(Outcome.UNKNOWN, f"no value at {_shown(point)}")
        if _both_infinite(a, b):
            return Checked(Outcome.UNKNOWN, f"not finite on both sides at {_shown(point)}")
        deviation = _deviation(a, b, partial(_addends, left - right, point))
        if deviation is None:
            return Checked(Outcome.UNKNOWN, f"not enough digits at {_shown(point)}")
        if deviation > AGREEMENT:
            return Checked(
                Outcome.REFUTED,
                f"the sides differ at {_shown(point)}: {a.n(12)} against {b.n(12)}",
                {**_shown_items(point), "left": str(a.n(12)), "right": str(b.n(12))},
                float(deviation),
            )
        error = max(error, deviation)
    if prover:
        if prover(left - right) == 0:
            return Checked(
                Outcome.PROVED, "difference reduced to 0 by its own rewriting", None, 0.0
            )
    else:
        if _logarithm_of_ratio(left, right) == 0:
            return Checked(Outcome.PROVED, "logarithm of the ratio expands to 0", None, 0.0)
        for name, rewrite in PROVERS:
            if rewrite(left - right) == 0:
                return Checked(Outcome.PROVED, f"difference reduced to 0 by {name}", None, 0.0)
    how = f"{points} random points of {domain.describe()} at {DIGITS} digits"
    return Checked(Outcome.CONFIRMED, how, None, float(error))


def check_relation(
    relation: sp.Rel, domain: Domain, *, seed: int = 0, points: int = 4 * POINTS
) -> Checked:
    """Decide an inequality on ``domain``: proved if SymPy's assumptions do, else by exact points.

    Proved means: the difference of the sides is a rational function whose coefficients show its sign
    (:func:`varlab.theory.signs.is_positive`), or the relation is true under the symbols' assumptions
    (:func:`varlab.theory.signs.follows_from_assumptions`). Sides that 50 digits cannot tell apart
    refute a strict inequality only if they are exactly equal.
    """
    rng = random.Random(seed)
    for _ in range(points):
        point = domain.sample(rng)
        a, b = _value(relation.lhs, point), _value(relation.rhs, point)
        if a is None or b is None:
            return Checked(Outcome.UNKNOWN, f"no value at {_shown(point)}")
        if _both_infinite(a, b):
            return Checked(Outcome.UNKNOWN, f"not finite on both sides at {_shown(point)}")
        deviation = _deviation(a, b, partial(_addends, relation.lhs - relation.rhs, point))
        false = relation.func(a, b) == sp.false
        if deviation is None or deviation <= AGREEMENT:
            if isinstance(relation, sp.GreaterThan | sp.LessThan):
                continue
            false = sp.simplify((relation.lhs - relation.rhs).subs(point).doit()) == 0
            if not false:
                return Checked(Outcome.UNKNOWN, f"sides too close to tell at {_shown(point)}")
        if false:
            return Checked(
                Outcome.REFUTED,
                f"{a.n(12)} {relation.rel_op} {b.n(12)} is false at {_shown(point)}",
                {**_shown_items(point), "left": str(a.n(12)), "right": str(b.n(12))},
            )
    if is_positive(relation.gts - relation.lts, domain):
        return Checked(Outcome.PROVED, "the coefficients of the difference have one sign")
    if follows_from_assumptions(relation):
        return Checked(Outcome.PROVED, "true under the symbols' assumptions")
    how = f"{points} random points of {domain.describe()} at {DIGITS} digits"
    return Checked(Outcome.CONFIRMED, how)


def check_limit(
    expression: sp.Expr, variable: sp.Symbol, point: sp.Expr | int, value: sp.Expr | int
) -> Checked:
    """Decide ``lim expression = value`` as ``variable`` tends to ``point``, by SymPy's limits."""
    point, value = sp.sympify(point), sp.sympify(value)
    found = sp.limit(expression, variable, point)
    if found.has(sp.Limit, sp.AccumBounds):
        return Checked(Outcome.UNKNOWN, f"no limit found at {variable} -> {point}")
    if found == value or sp.simplify(found - value) == 0:
        return Checked(Outcome.PROVED, f"limit at {variable} -> {point} is {found}", None, 0.0)
    return Checked(
        Outcome.REFUTED,
        f"limit at {variable} -> {point} is {found}, not {value}",
        {variable.name: str(point), "left": str(found), "right": str(value)},
    )


def all_of(*parts: Checked, how: str) -> Checked:
    """A statement that follows from ``parts`` by the argument ``how``: as sure as its weakest part."""
    order = (Outcome.REFUTED, Outcome.UNKNOWN, Outcome.CONFIRMED, Outcome.PROVED)
    weakest = min(parts, key=lambda part: order.index(part.outcome))
    if weakest.outcome in (Outcome.REFUTED, Outcome.UNKNOWN):
        return weakest
    errors = [part.error for part in parts if part.error is not None]
    basis = "" if weakest.outcome is Outcome.PROVED else f"; weakest part: {weakest.how}"
    return Checked(weakest.outcome, how + basis, None, max(errors, default=None))


def _value(expression: sp.Expr, point: dict[sp.Symbol, sp.Rational]) -> sp.Expr | None:
    expression = sp.sympify(expression)
    if expression.has(*_CLOSED_FIRST):
        value = sp.N(expression.subs(point).doit(), DIGITS, maxn=WORKING_DIGITS)
    else:
        # Exact powers of rationals are slow; numbers of as many digits as needed are not.
        value = expression.evalf(DIGITS, subs=point, maxn=WORKING_DIGITS)
    return value if value.is_number and value.is_extended_real else None


def _deviation(a: sp.Expr, b: sp.Expr, scale: Callable[[], sp.Expr | None]) -> sp.Expr | None:
    """Relative deviation of two values; None if their digits do not suffice to tell.

    A side whose terms cancel completely has no digits left: its deviation is measured against the
    largest of those terms, ``scale()``, instead of against the sides themselves.
    """
    if a == b:
        return sp.Float(0)
    if not (a.is_finite and b.is_finite):
        return sp.oo
    size = max(abs(a), abs(b))
    if all(_digits(v) >= DIGITS - 2 for v in (a, b) if v != 0) and a != 0 and b != 0:
        return abs(a - b) / size
    largest = scale()
    if largest is None or not largest.is_finite:
        return None
    if largest == 0:
        return abs(a - b) / size
    return abs(a - b) / max(largest, size)


def _both_infinite(a: sp.Expr, b: sp.Expr) -> bool:
    # Two sides that are infinite alike can differ in how fast they get there.
    return bool(a.is_infinite and a == b)


def _digits(value: sp.Expr) -> int:
    return int(prec_to_dps(value._prec)) if value.is_Float else DIGITS


def _addends(difference: sp.Expr, point: dict[sp.Symbol, sp.Rational]) -> sp.Expr | None:
    largest = sp.S.Zero
    for term in sp.Add.make_args(sp.sympify(difference)):
        value = _value(term, point)
        if value is None:
            return None
        largest = max(largest, abs(value))
    return largest


def _logarithm_of_ratio(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    # expand_log splits products and powers only where the symbols' assumptions allow it.
    left, right = sp.sympify(left), sp.sympify(right)
    if not (left.is_positive and right.is_positive):
        return sp.nan
    return sp.expand(sp.expand_log(sp.log(left / right)))


def _shown_items(point: dict[sp.Symbol, sp.Rational]) -> dict[str, str]:
    return {symbol.name: str(value) for symbol, value in point.items()}


def _shown(point: dict[sp.Symbol, sp.Rational]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in _shown_items(point).items())
