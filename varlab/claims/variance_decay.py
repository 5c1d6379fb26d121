"""The size of Var[psi] along rho.

R section 4.2: how much larger it is at rho = 5 than at rho = 500, its order in 1/rho, and whether its
analytic form (Eq. 2) can be computed as it is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import mpmath
import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import brentq

from varlab.claims.bridge import as_finding
from varlab.claims.monte_carlo import check_hundredfold, check_slope
from varlab.claims.scans import function
from varlab.core import Claim, ClaimKind, Context, Finding, monte_carlo, numeric, symbolic
from varlab.numerics import psi_variance
from varlab.theory.checking import check_limit
from varlab.theory.inverse_chi import psi_variance_beta, psi_variance_gamma
from varlab.theory.inverse_chi_limits import check_order, squeeze
from varlab.theory.symbols import rho

Array = NDArray[np.floating]

# -- the ratio


def _ratio_exactly(stated: int, _: Context) -> Finding:
    value = psi_variance_gamma(tau=sp.S.One)
    ratio = sp.N(value.subs(rho, 5) / value.subs(rho, 500), 30)
    return _ratio(float(ratio), stated, "by the closed form at 30 digits")


def _ratio_in_numerics(stated: int, _: Context) -> Finding:
    ratio = float(psi_variance(5.0) / psi_variance(500.0))
    return _ratio(ratio, stated, "by varlab.numerics")


def _ratio(found: float, stated: int, how: str) -> Finding:
    detail = f"Var[psi] at rho = 5 is {found:.6g} times that at rho = 500, {how}"
    if found > stated:
        return Finding.supports(detail)
    return Finding.refutes(detail, counterexample={"stated": f"over {stated}", "found": found})


# -- the order


def _order_by_squeeze(stated: sp.Rational, _: Context) -> Finding:
    """``stated`` is the power: O(rho^stated) bounds limsup Var[psi]/rho^stated; sharp when it is not 0."""
    lower, upper = (sp.limit(b * rho ** (-1 - stated), rho, sp.oo) for b in squeeze())
    what = f"rho^({-stated}) Var[psi]"
    if lower == sp.oo:
        return Finding.refutes(
            f"{what} tends to infinity (bounded from below by a rational function)",
            counterexample={"power": str(stated), "limit": str(lower)},
        )
    if not upper.is_finite:
        return Finding.silent(f"the upper bound on {what} is not finite")
    if upper == 0:
        return Finding.supports(
            f"{what} tends to 0, below a rational bound: the order holds and is not sharp",
            domain="rho -> infinity",
        )
    return as_finding(
        check_order(lower),
        domain="rho -> infinity",
        note=f"limsup of {what} is {upper} tau^2, finite; {what} tends to {lower} tau^2, not 0, so that "
        "the order is sharp (two rational bounds)",
    )


def _order_by_slope(stated: sp.Rational, _: Context) -> Finding:
    grid = np.geomspace(1e2, 1e8, 7)
    logs = np.log(psi_variance(grid))
    slopes = np.diff(logs) / np.diff(np.log(grid))
    excess = float(slopes[-1]) - float(stated)
    detail = (
        f"slope of ln Var[psi] in ln rho: {slopes[0]:.6f} at rho = 1e2 to {slopes[-1]:.8f} at 1e8"
    )
    # The slope is -1 - (15/4)/rho to first order: 4e-7 off over the last decade, 1e7 to 1e8.
    if excess < 1e-6:
        sharp = "sharp" if excess > -1e-6 else "not sharp"
        return Finding.supports(f"{detail}: not above {stated}, {sharp}")
    return Finding.refutes(
        detail, counterexample={"stated power": str(stated), "slope": float(slopes[-1])}
    )


# -- stability of Eq. 2 in floating point


@dataclass(frozen=True)
class Form:
    """A way to compute Var[psi] at tau = 1 in a given precision: (rho, dtype) -> values."""

    name: str
    values: Callable[[Array, type[np.floating]], Array]


def _as_written(degrees: Array, dtype: type[np.floating]) -> Array:
    """Eq. 2 from left to right in ``dtype``: every sum, product and power is rounded to it.

    Beta is SciPy's for that type; in float32 it computes in double precision and rounds once.
    """
    r = degrees.astype(dtype)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        beta = special.beta((r - 1) / 2, (r - 1) / 2)
        return np.asarray(
            r / (r - 2) - r * dtype(2) ** (2 * r - 5) / dtype(np.pi) * beta**2, dtype=dtype
        )


def _stable(degrees: Array, dtype: type[np.floating]) -> Array:
    """The form without cancellation, rounded to ``dtype``."""
    return np.asarray(psi_variance(degrees), dtype=dtype)


@cache
def _oracle(top: float, precision: str) -> tuple[Array, Array]:
    """A grid of numbers of a precision, rho from 2.25 to ``top``, and Eq. 2 itself there at 50 digits.

    The algebra of Eq. 2 is not at fault, so that 50 digits of it are the truth.
    """
    grid = np.concatenate([np.arange(2.25, 20, 0.25), np.geomspace(20, top, 200).round(2)])
    grid = grid.astype(precision).astype(float)
    exact = function(psi_variance_beta(tau=sp.S.One), rho)
    return grid, np.array([float(exact(mpmath.mpf(r))) for r in grid])


@dataclass(frozen=True)
class Breakdown:
    """Where a form fails in one precision: ``amplification`` is its largest error / eps before that."""

    precision: str
    first_bad: float
    value: float
    amplification: float
    at: float

    def sentence(self) -> str:
        """In words."""
        errors = f"error up to {self.amplification:.2g} units of roundoff (rho = {self.at:g})"
        if math.isnan(self.first_bad):
            return f"{self.precision}: {errors}, no break"
        return f"{self.precision}: {errors}, then {self.value} from rho = {self.first_bad:g}"


def breakdown(form: Form, dtype: type[np.floating], top: float) -> Breakdown:
    """Hold ``form`` in ``dtype`` against 50 digits up to rho = ``top``."""
    grid, exact = _oracle(top, np.dtype(dtype).name)
    found = form.values(grid, dtype).astype(float)
    bad = ~np.isfinite(found)
    first = int(np.argmax(bad)) if bad.any() else len(grid)
    errors = np.abs(found[:first] - exact[:first]) / exact[:first] / float(np.finfo(dtype).eps)
    worst = int(np.argmax(errors))
    return Breakdown(
        np.dtype(dtype).name,
        float(grid[first]) if bad.any() else math.nan,
        float(found[first]) if bad.any() else math.nan,
        float(errors[worst]),
        float(grid[worst]),
    )


def _overflow(dtype: type[np.floating]) -> float:
    """Where rho 2^(2 rho - 5) exceeds the largest number: the root of 2 rho - 5 + log2(rho) = maxexp."""
    exponent = float(np.finfo(dtype).maxexp)
    return float(brentq(lambda r: 2 * r - 5 + math.log2(r) - exponent, 3, 2 * exponent))


def _underflow(dtype: type[np.floating]) -> float:
    """Where B^2 falls below the smallest positive number; B by log-gammas in double precision."""
    exponents = np.finfo(dtype)
    smallest = float(exponents.minexp - exponents.nmant - 1) * math.log(2)
    return float(brentq(lambda r: 2 * special.betaln((r - 1) / 2, (r - 1) / 2) - smallest, 3, 2000))


# A backward-stable evaluation errs by the condition number of the problem (about 1: Var ~ 1/(2 rho))
# times a few roundings; a hundred units of roundoff are no longer a few.
STABLE_UNITS = 100.0
LARGEST_RHO = 1999.0  # rho_infinity at the paper's beta2 = 0.999


def _stability(stated: Form, _: Context) -> Finding:
    results = [breakdown(stated, dtype, LARGEST_RHO) for dtype in (np.float64, np.float32)]
    detail = f"{stated.name}: " + "; ".join(result.sentence() for result in results)
    stable = all(math.isnan(r.first_bad) and r.amplification < STABLE_UNITS for r in results)
    if stable:
        return Finding.refutes(
            f"{detail}: stable up to rho = {LARGEST_RHO:g}",
            counterexample={r.precision: r.amplification for r in results},
        )
    causes = "; ".join(
        f"{np.dtype(d).name}: rho 2^(2rho-5) overflows from rho = {_overflow(d):.4g}, "
        f"B^2 underflows to 0 from {_underflow(d):.4g}"
        for d in (np.float64, np.float32)
    )
    bounds = ", ".join(
        f"rho < {_overflow(d):.4g} in {np.dtype(d).name}" for d in (np.float64, np.float32)
    )
    return Finding.supports(f"{detail}. {causes}", domain=f"Eq. 2 is finite only for {bounds}")


def _cancellation(stated: Form, _: Context) -> Finding:
    """Eq. 2's two terms tend to 1 while their difference falls like 1/(2 rho)."""
    if stated.values is not _as_written:
        return Finding.silent("the argument is about the two terms of Eq. 2")
    variance = psi_variance_gamma(tau=sp.S.One)
    first = rho / (rho - 2)
    together = check_limit(first, rho, sp.oo, 1)
    difference = check_order()
    if not (together and difference):
        return as_finding(difference if together else together)
    half = sp.N((first / variance).subs(rho, 500), 6)
    return Finding.supports(
        "both terms tend to 1 and their difference to 1/(2 rho), so rounding in them is amplified "
        f"2 rho times ({half} at rho = 500), on top of the error of Beta itself"
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="radam.s42.hundredfold",
        source="R §4.2",
        statement="Var[psi] at rho = 5 is over 100 times that at rho = 500",
        kind=ClaimKind.INEQUALITY,
        domain_stated="rho = 5 and 500",
        formula=100,
        checks=(
            symbolic(_ratio_exactly),
            numeric(_ratio_in_numerics),
            monte_carlo(check_hundredfold),
        ),
        mutants={"over 300 times": 300, "over 1000 times": 1000},
        equation=r"\mathrm{Var}[\psi]|_{\rho=5} > 100\,\mathrm{Var}[\psi]|_{\rho=500}",
    ),
    Claim(
        id="radam.s42.order",
        source="R §4.2",
        statement="Var[psi] decays like O(1/rho)",
        kind=ClaimKind.EXACT,
        domain_stated="rho -> infinity",
        formula=sp.Rational(-1),
        derivation="inverse_chi_limits.limits",
        checks=(
            symbolic(_order_by_squeeze),
            numeric(_order_by_slope),
            monte_carlo(check_slope),
        ),
        mutants={"O(1/rho^2)": sp.Rational(-2), "O(rho^(-3/2))": sp.Rational(-3, 2)},
        equation=r"\mathrm{Var}[\psi] = O(1/\rho)",
    ),
    Claim(
        id="radam.s42.unstable",
        source="R §4.2",
        statement="the analytic form of Var[psi] (Eq. 2) is not numerically stable",
        kind=ClaimKind.EXACT,
        domain_stated="none stated",
        formula=Form("Eq. 2 as written", _as_written),
        checks=(symbolic(_cancellation), numeric(_stability)),
        mutants={"the form by Gauss's series": Form("x/(x-1) (1 - 1/F)", _stable)},
        equation=r"\mathrm{Var}[\psi] \text{ by Eq.~2 in floating point}",
    ),
)
