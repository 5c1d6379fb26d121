"""Numbers for the claims: statements evaluated at 50 digits over grids that reach the domain's edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from varlab.core import Finding

# Working digits: 50 of the result after the few that these statements lose in cancellation
# (at rho = 1e6 the two terms of Var[psi] agree to 7 digits).
WORKING_DIGITS = 60

Real = Any  # mpmath.mpf; the package has no types
Function = Callable[..., Real]


@cache
def _lambdified(expression: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> Function:
    evaluate: Function = sp.lambdify(symbols, expression, "mpmath")
    return evaluate


def function(expression: sp.Expr, *symbols: sp.Symbol) -> Function:
    """A SymPy expression as a function of mpmath numbers, evaluated at 50 digits."""
    evaluate = _lambdified(expression, symbols)

    def at(*values: Real) -> Real:
        with mpmath.workdps(WORKING_DIGITS):
            return mpmath.mpmathify(evaluate(*(mpmath.mpmathify(v) for v in values)))

    return at


def above(lower: float, *, nearest: float, farthest: float, count: int = 40) -> list[Real]:
    """Points ``lower`` + offsets spaced evenly in the logarithm, from ``nearest`` to ``farthest``."""
    with mpmath.workdps(WORKING_DIGITS):
        return [
            mpmath.mpf(lower) + mpmath.mpf(float(offset))
            for offset in np.geomspace(nearest, farthest, count)
        ]


def from_pole(count: int = 40) -> list[Real]:
    """Degrees of freedom from 1e-6 above 2, where Var[psi] has its pole, to 1e6."""
    return above(2, nearest=1e-6, farthest=1e6, count=count)


def shown(value: Real) -> float:
    """A number for a report."""
    return float(value)


def largest_error(
    formula: Function, witness: Function, points: Iterable[tuple[Real, ...]]
) -> tuple[float, tuple[Real, ...], float, float]:
    """Largest relative deviation of ``formula`` from ``witness``: error, point, both values."""
    worst: tuple[float, tuple[Real, ...], float, float] = (-1.0, (), 0.0, 0.0)
    for point in points:
        found, expected = formula(*point), witness(*point)
        error = abs(found - expected) / abs(expected) if expected != 0 else abs(found)
        if not error <= worst[0]:
            worst = (float(error), point, float(found), float(expected))
        if mpmath.isnan(error):
            break
    return worst


def compare(
    formula: Function,
    witness: Function,
    points: Iterable[tuple[Real, ...]],
    names: tuple[str, ...],
    *,
    tolerance: float,
    against: str,
    domain: str | None = None,
) -> Finding:
    """Hold an exact formula against an independent witness; ``tolerance`` is the witness's accuracy."""
    points = tuple(points)
    error, point, found, expected = largest_error(formula, witness, points)
    where = dict(zip(names, map(shown, point), strict=True))
    if error <= tolerance:
        detail = (
            f"agrees with {against} at {len(points)} points, largest relative error {error:.1e}"
        )
        return Finding.supports(detail, error=error, domain=domain)
    return Finding.refutes(
        f"{found:.8g} against {expected:.8g} by {against} at {_places(where)}",
        counterexample={**where, "stated": found, "found": expected},
        error=error,
        domain=domain,
    )


def positive(
    margin: Function,
    points: Iterable[Real],
    name: str,
    *,
    what: str,
    domain: str | None = None,
) -> Finding:
    """Whether ``margin`` > 0 at every point, at 50 digits; ``what`` says what it is the margin of."""
    smallest: tuple[Real, Real] | None = None
    count = 0
    for point in points:
        value = margin(point)
        count += 1
        if not value > 0:
            return Finding.refutes(
                f"{what} is {shown(value):.6g} at {name} = {shown(point):.10g}",
                counterexample={name: shown(point), "margin": shown(value)},
                domain=domain,
            )
        if smallest is None or value < smallest[1]:
            smallest = (point, value)
    if smallest is None:
        return Finding.silent("no points to look at")
    detail = (
        f"{what} is positive at {count} points at 50 digits, least {shown(smallest[1]):.3g} "
        f"at {name} = {shown(smallest[0]):.6g}"
    )
    return Finding.supports(detail, domain=domain)


def _places(where: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in where.items())
