"""Domains of variables: described in words, sampled at exact rational points."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from varlab.core import require


@dataclass(frozen=True)
class Interval:
    """An interval of one variable, or its integers.

    ``lower`` and ``upper`` are the mathematical ends; samples of an unbounded interval are taken up
    to ``sample_upper``, evenly in the logarithm of the distance to ``lower``, so that the
    neighbourhood of a pole is visited as well as large values.
    """

    lower: sp.Expr = field(default=sp.S.NegativeInfinity)
    upper: sp.Expr = field(default=sp.S.Infinity)
    closed_lower: bool = False
    closed_upper: bool = False
    integer: bool = False
    sample_upper: int = 1000

    def __post_init__(self) -> None:
        ordered = sp.sympify(self.lower) < sp.sympify(self.upper)
        require(
            ordered == sp.true,
            "an interval's lower end",
            "lie below its upper end",
            (self.lower, self.upper),
        )

    def sample(self, rng: random.Random) -> sp.Rational:
        """One exact rational (or integer) point of the interval."""
        lower = sp.Integer(-100) if self.lower == -sp.oo else _rational(self.lower)
        upper = sp.Integer(self.sample_upper) if self.upper == sp.oo else _rational(self.upper)
        if self.integer:
            first = int(sp.ceiling(lower)) + (0 if self.closed_lower or lower % 1 else 1)
            last = int(sp.floor(upper)) - (0 if self.closed_upper or upper % 1 else 1)
            span = last - first
            return sp.Integer(first + round((span + 1) ** rng.random() - 1))
        if self.lower != -sp.oo and self.upper == sp.oo:
            offset = 10 ** rng.uniform(-2, float(sp.log(upper - lower, 10)))
            return lower + sp.Rational(round(offset * 2**20), 2**20)
        return lower + (upper - lower) * sp.Rational(rng.randrange(1, 2**20), 2**20)

    def describe(self, name: str) -> str:
        """In words, e.g. ``rho > 2`` or ``t integer, t >= 1``."""
        left = {True: "<=", False: "<"}[self.closed_lower]
        right = {True: "<=", False: "<"}[self.closed_upper]
        kind = f"{name} integer, " if self.integer else ""
        if self.lower == -sp.oo and self.upper == sp.oo:
            return f"{kind}{name} real" if not self.integer else f"{name} integer"
        if self.upper == sp.oo:
            return f"{kind}{name} {'>=' if self.closed_lower else '>'} {self.lower}"
        if self.lower == -sp.oo:
            return f"{kind}{name} {right} {self.upper}"
        return f"{kind}{self.lower} {left} {name} {right} {self.upper}"


@dataclass(frozen=True)
class Domain:
    """Intervals by symbol."""

    intervals: Mapping[sp.Symbol, Interval]

    def sample(self, rng: random.Random) -> dict[sp.Symbol, sp.Rational]:
        """One exact point."""
        return {symbol: interval.sample(rng) for symbol, interval in self.intervals.items()}

    def describe(self) -> str:
        """In words; intervals joined by commas."""
        return ", ".join(i.describe(s.name) for s, i in self.intervals.items())

    def restrict(self, symbol: sp.Symbol, interval: Interval) -> Domain:
        """The same domain with another interval for ``symbol``."""
        return Domain({**self.intervals, symbol: interval})


def _rational(end: sp.Expr) -> sp.Rational:
    # An irrational end to 50 digits: samples stay 2^-20 of the interval away from the ends.
    end = sp.sympify(end)
    return sp.Rational(end) if end.is_Rational else sp.Rational(str(sp.N(end, 50)))


def above(lower: sp.Expr | int, *, closed: bool = False, integer: bool = False) -> Interval:
    """All numbers above ``lower``."""
    return Interval(sp.sympify(lower), sp.oo, closed_lower=closed, integer=integer)


def between(lower: sp.Expr | int, upper: sp.Expr | int) -> Interval:
    """The open interval (lower, upper)."""
    return Interval(sp.sympify(lower), sp.sympify(upper))


def integers_from(lower: int) -> Interval:
    """All integers >= lower."""
    return Interval(sp.Integer(lower), sp.oo, closed_lower=True, integer=True)
