"""Three-valued checking of statements: proved by SymPy, confirmed or refuted at exact points, or unknown."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import sympy as sp

from varlab.theory.domain import Domain

DIGITS = 50
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
        deviation = abs(a - b) / max(abs(a), abs(b), sp.Float(10) ** -DIGITS)
        if a != b:
            error = max(error, deviation)
        if deviation > AGREEMENT and a != b:
            return Checked(
                Outcome.REFUTED,
                f"the sides differ at {_shown(point)}: {a.n(12)} against {b.n(12)}",
                {**_shown_items(point), "left": str(a.n(12)), "right": str(b.n(12))},
                float(deviation),
            )
    provers = (("its own rewriting", prover),) if prover else PROVERS
    difference = left - right
    for name, rewrite in provers:
        if rewrite(difference) == 0:
            return Checked(Outcome.PROVED, f"difference reduced to 0 by {name}", None, 0.0)
    how = f"{points} random points of {domain.describe()} at {DIGITS} digits"
    return Checked(Outcome.CONFIRMED, how, None, float(error))


def check_relation(
    relation: sp.Rel, domain: Domain, *, seed: int = 0, points: int = 4 * POINTS
) -> Checked:
    """Decide an inequality on ``domain``: proved if SymPy's assumptions do, else by exact points."""
    rng = random.Random(seed)
    for _ in range(points):
        point = domain.sample(rng)
        a, b = _value(relation.lhs, point), _value(relation.rhs, point)
        if a is None or b is None:
            return Checked(Outcome.UNKNOWN, f"no value at {_shown(point)}")
        if relation.func(a, b) == sp.false:
            return Checked(
                Outcome.REFUTED,
                f"{a.n(12)} {relation.rel_op} {b.n(12)} is false at {_shown(point)}",
                {**_shown_items(point), "left": str(a.n(12)), "right": str(b.n(12))},
            )
    if relation.simplify() == sp.true:
        return Checked(Outcome.PROVED, "true under the symbols' assumptions")
    how = f"{points} random points of {domain.describe()} at {DIGITS} digits"
    return Checked(Outcome.CONFIRMED, how)


def _value(expression: sp.Expr, point: dict[sp.Symbol, sp.Rational]) -> sp.Float | None:
    value = sp.N(sp.sympify(expression).subs(point).doit(), DIGITS)
    return value if value.is_number and value.is_extended_real else None


def _shown_items(point: dict[sp.Symbol, sp.Rational]) -> dict[str, str]:
    return {symbol.name: str(value) for symbol, value in point.items()}


def _shown(point: dict[sp.Symbol, sp.Rational]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in _shown_items(point).items())
