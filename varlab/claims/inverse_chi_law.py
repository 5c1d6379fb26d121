"""The law for rho degrees of freedom.

R section 3.2 (Eqs. 2, 6, 7, 8) and what its readers made of it: density, moments, and where they exist.
"""

from __future__ import annotations

from typing import Any

import mpmath
import sympy as sp
from scipy import stats

from varlab.claims import tails
from varlab.claims.bridge import as_finding
from varlab.claims.monte_carlo import (
    check_density,
    check_log_variance,
    check_root_mean,
    check_square_mean,
    check_variance,
)
from varlab.claims.scans import Real, above, compare, function
from varlab.core import Check, Claim, ClaimKind, Context, Finding, monte_carlo, numeric, symbolic
from varlab.numerics import log_psi_variance, psi_mean, psi_variance
from varlab.theory import inverse_chi as law
from varlab.theory import log_psi
from varlab.theory.checking import check_equal
from varlab.theory.symbols import rho, tau, x

SCIPY_DENSITY = 1e-11  # invgamma's pdf goes through a logarithm of size up to about 1e3: 1e3 ulp
NUMERICS = 1e-12  # the accuracy that varlab.numerics promises
QUADRATURE = 1e-18  # the trapezoid rule below cuts tails of e^-60 and loses 2 digits at rho = 42
SCALE = sp.Rational(17, 10)  # any scale but 1 shows a wrong power of tau


def _exists(order: int) -> str:
    """The domain of E[psi^order], as SymPy's convergence condition yields it."""
    return f"rho > {law.threshold(order)}"


def _expectation(power: float, degrees: Real) -> Real:
    """E[psi^power] at tau = 1 by quadrature over the chi law: psi = sqrt(rho)/q, log-gammas only."""
    with mpmath.workdps(30):
        r, k = mpmath.mpf(degrees), mpmath.mpf(power)

        def integrand(u: Real) -> Real:  # u = ln q
            log_pdf = (1 - r / 2) * mpmath.log(2) - mpmath.loggamma(r / 2)
            return mpmath.exp(log_pdf + (r - k) * u - mpmath.exp(2 * u) / 2)

        # The trapezoid rule with step h errs by e^(-2 pi d/h) on an integrand that is bounded in a
        # strip of half-width d, here pi/4: below e^-49 for h <= 0.1.
        peak, width = mpmath.log(r - k) / 2, 1 / mpmath.sqrt(2 * (r - k))
        step = min(width, mpmath.mpf(2) / 5) / 4
        low, high = peak - 70 / (r - k) - 8 * width, peak + 3  # tails below e^-60
        count = int((high - low) / step)
        value = step * mpmath.fsum(integrand(low + step * i) for i in range(count + 1))
        return value * mpmath.sqrt(r) ** k


# -- the density


def _density_by_derivation(stated: sp.Expr, _: Context) -> Finding:
    same = check_equal(law.density_by_change_of_variables(), stated, law.LAW)
    if not same:
        return as_finding(same, note="density of rho tau^2/Q by change of variables, against it")
    note = "change of variables from the chi-square, and SymPy's integral over (0, oo) is 1"
    return as_finding(law.check_normalised(stated), domain="rho > 0", note=note)


def _density_by_scipy(stated: sp.Expr, _: Context) -> Finding:
    def witness(at: Real, degrees: Real) -> float:
        half = float(degrees) / 2.0
        return float(stats.invgamma.pdf(float(at), half, scale=half * float(SCALE) ** 2))

    points = [(at, d) for d in (0.5, 1.0, 3.0, 8.0, 100.0) for at in (1.0, 2.5, 6.0)]
    return compare(
        function(stated.subs(tau, SCALE), x, rho),
        witness,
        points,
        ("x", "rho"),
        tolerance=SCIPY_DENSITY,
        against="SciPy's inverse gamma law",
    )


# -- moments


def _mean_by_integral(stated: sp.Expr, _: Context) -> Finding:
    note = "SymPy's integral of x times the density"
    return as_finding(law.check_mean(stated), domain=_exists(2), note=note)


def _mean_by_scipy(stated: sp.Expr, _: Context) -> Finding:
    def witness(degrees: Real) -> float:
        half = float(degrees) / 2.0
        return float(stats.invgamma.mean(half, scale=half * float(SCALE) ** 2))

    return compare(
        function(stated.subs(tau, SCALE), rho),
        witness,
        [(r,) for r in (2.1, 3.0, 5.0, 50.0, 2000.0)],
        ("rho",),
        tolerance=NUMERICS,
        against="SciPy's inverse gamma law",
    )


def _root_mean_by_moment(stated: sp.Expr, _: Context) -> Finding:
    checked = check_equal(stated, law.psi_moment(1), law.where_finite(1))
    note = "against the Gamma integral of order 1"
    return as_finding(checked, domain=_exists(1), note=note)


def _variance_by_moments(stated: sp.Expr, _: Context) -> Finding:
    checked = check_equal(
        law.psi_variance_gamma(), stated, law.where_finite(2), prover=law.by_duplication
    )
    note = "against E[psi^2] - E[psi]^2 by Gamma integrals, Beta by Legendre's duplication"
    return as_finding(checked, domain=_exists(2), note=note)


def _against_quadrature(order: int) -> Check:
    """Hold E[psi] (order 1) or Var[psi] (order 2) against quadrature over the chi-square law."""

    def witness(degrees: Real) -> Real:
        with mpmath.workdps(30):
            mean = _expectation(1.0, degrees)
            value = mean if order == 1 else _expectation(2.0, degrees) - mean**2
            return value * (mpmath.mpf(SCALE.p) / SCALE.q) ** order

    def run(stated: sp.Expr, _: Context) -> Finding:
        return compare(
            function(stated.subs(tau, SCALE), rho),
            witness,
            [(mpmath.mpf(order) + offset,) for offset in (0.5, 1, 2.5, 40)],
            ("rho",),
            tolerance=QUADRATURE,
            against="30-digit quadrature over the chi law",
        )

    return numeric(run)


def _against_numerics(order: int) -> Check:
    """Hold E[psi] or Var[psi] against varlab.numerics, from the pole to rho = 1e6."""
    fast = {1: psi_mean, 2: psi_variance}[order]

    def run(stated: sp.Expr, _: Context) -> Finding:
        points = above(order, nearest=1e-3, farthest=1e6, count=25)
        return compare(
            function(stated.subs(tau, sp.S.One), rho),
            lambda degrees: float(fast(float(degrees))),
            [(mpmath.mpf(float(r)),) for r in points],
            ("rho",),
            tolerance=NUMERICS,
            against=f"varlab.numerics.{fast.__name__}",
        )

    return numeric(run)


def _log_variance_by_cumulants(stated: sp.Expr, _: Context) -> Finding:
    generator = log_psi.check_generator()
    if not generator:
        return as_finding(generator, note="cumulant generating function of log psi")
    checked = check_equal(log_psi.cumulant(2), stated, log_psi.EVERY_RHO)
    note = "second derivative at p = 0 of log E[psi^p], which is finite for p < rho"
    return as_finding(checked, domain=f"rho > {law.threshold(0)}", note=note)


def _log_variance_by_scipy(stated: sp.Expr, _: Context) -> Finding:
    return compare(
        function(stated.subs(tau, SCALE), rho),
        lambda degrees: float(stats.loggamma.var(float(degrees) / 2.0)) / 4.0,
        [(r,) for r in (0.01, 0.5, 1.0, 2.0, 5.0, 100.0)],
        ("rho",),
        tolerance=NUMERICS,
        against="SciPy's log-gamma law",
    )


def _log_variance_by_numerics(stated: sp.Expr, _: Context) -> Finding:
    return compare(
        function(stated.subs(tau, SCALE), rho),
        lambda degrees: float(log_psi_variance(float(degrees))),
        [(mpmath.mpf(float(r)),) for r in above(0, nearest=1e-3, farthest=1e6, count=25)],
        ("rho",),
        tolerance=NUMERICS,
        against="varlab.numerics.log_psi_variance",
    )


# -- where the variances are finite


def _divergent_by_condition(stated: sp.Rational, _: Context) -> Finding:
    border = law.threshold(2)
    if stated <= border:
        return Finding.supports(
            f"E[psi^2] is finite only for rho > {border}", domain=f"rho <= {stated}"
        )
    at = sp.floor(border) + 1 if sp.floor(border) + 1 <= stated else (border + stated) / 2
    value = sp.simplify(law.psi_variance_gamma(at, sp.S.One))
    return Finding.refutes(
        f"E[psi^2] is finite for every rho > {border}: Var[psi] = {value} tau^2 at rho = {at}; what "
        f"diverges for rho <= {law.threshold(4)} is Var[psi^2], on which the first-order Eq. 5 rests",
        counterexample={"rho": str(at), "stated": "infinite", "variance": float(value)},
        domain=f"rho <= {border}",
    )


def _divergent_by_numbers(stated: sp.Rational, _: Context) -> Finding:
    at = float(stated)
    ratio, value = tails.psi_moment_ratio(at, 2.0), float(psi_variance(at))
    detail = (
        f"at rho = {at:g} each decade nearer to 0 adds {ratio:.4g} times as much to E[psi^2], "
        f"and Var[psi] = {value:.8g} at tau = 1"
    )
    if tails.grows(ratio):
        return Finding.supports(detail)
    return Finding.refutes(
        detail, counterexample={"rho": at, "stated": "infinite", "variance": value}
    )


def _finite_by_condition(stated: sp.Rational, _: Context) -> Finding:
    of_square, of_root = law.threshold(4), law.threshold(2)
    for quantity, border in (("psi^2", of_square), ("psi", of_root)):
        if stated < border:
            at = (stated + border) / 2
            return Finding.refutes(
                f"Var[{quantity}] is infinite up to rho = {border}, so at rho = {at}",
                counterexample={"rho": str(at), f"Var[{quantity}]": "infinite"},
                domain=f"psi^2: rho > {of_square}; psi: rho > {of_root}",
            )
    sharp = "sharp" if stated == of_square else "not sharp"
    return Finding.supports(
        f"Var[psi^2] (the inverse chi-square itself) is finite exactly for rho > {of_square}, so "
        f"{stated} is {sharp}; Var[psi] is finite exactly for rho > {of_root}, so for psi "
        f"{stated} is sufficient, not necessary",
        domain=f"psi^2: rho > {of_square}; psi: rho > {of_root}",
    )


def _finite_by_decades(stated: sp.Rational, _: Context) -> Finding:
    at = float(stated) + 0.25
    square, root = (tails.psi_moment_ratio(at, order) for order in (4.0, 2.0))
    border = tails.psi_moment_ratio(float(stated), 4.0)
    detail = (
        f"at rho = {at:g} each decade nearer to 0 adds {square:.4g} times as much to E[psi^4] and "
        f"{root:.4g} times to E[psi^2]; at rho = {stated} it is {border:.4g} for E[psi^4]"
    )
    if tails.grows(square) or tails.grows(root):
        return Finding.refutes(detail, counterexample={"rho": at, "ratio between decades": square})
    return Finding.supports(detail)


def _claim(name: str, source: str, statement: str, equation: str, **rest: Any) -> Claim:
    return Claim(
        id=name, source=source, statement=statement, kind=ClaimKind.EXACT, equation=equation, **rest
    )


CLAIMS: tuple[Claim, ...] = (
    _claim(
        "radam.eq6.density",
        "R Eq. 6",
        "the scaled inverse chi-square density, derived from the chi-square by change of variables, "
        "integrates to 1",
        r"p(x) = \frac{(\tau^2\rho/2)^{\rho/2}}{\Gamma(\rho/2)}"
        r"\frac{\exp(-\rho\tau^2/(2x))}{x^{1+\rho/2}}",
        domain_stated="none stated",
        formula=law.density(),
        derivation="inverse_chi.law",
        checks=(
            symbolic(_density_by_derivation),
            numeric(_density_by_scipy),
            monte_carlo(check_density),
        ),
        mutants={
            "x^(rho/2) in the denominator": law.density() * x,
            "one degree more": law.density(rho + 1),
            "tau instead of tau^2": law.density().subs(tau, sp.sqrt(tau)),
        },
    ),
    _claim(
        "radam.eq6.mean",
        "R Eq. 6",
        "E[x] = rho/((rho-2) s^2)",
        r"E[x] = \frac{\rho}{(\rho-2)\sigma^2}",
        domain_stated="rho > 2",
        formula=law.square_mean(),
        derivation="inverse_chi.law",
        checks=(
            symbolic(_mean_by_integral),
            numeric(_mean_by_scipy),
            monte_carlo(check_square_mean),
        ),
        mutants={
            "rho - 1": rho * tau**2 / (rho - 1),
            "tau instead of tau^2": rho * tau / (rho - 2),
        },
    ),
    _claim(
        "radam.eq7.root-mean",
        "R Eq. 7",
        "E[sqrt x] = tau sqrt(rho) Gamma((rho-1)/2) / (sqrt 2 Gamma(rho/2))",
        r"E[\sqrt{x}] = \frac{\tau\sqrt{\rho}\,\Gamma((\rho-1)/2)}{\sqrt{2}\,\Gamma(\rho/2)}",
        domain_stated="rho > 4",
        formula=law.psi_mean(),
        derivation="inverse_chi.moments",
        checks=(
            symbolic(_root_mean_by_moment),
            _against_quadrature(1),
            _against_numerics(1),
            monte_carlo(check_root_mean),
        ),
        mutants={
            "sqrt 2 lost": law.psi_mean() * sp.sqrt(2),
            "Gamma((rho+1)/2)": law.psi_mean() * (rho - 1) / 2,
        },
    ),
    _claim(
        "radam.eq2.variance",
        "R Eq. 2, 8",
        "Var[psi] = tau^2 (rho/(rho-2) - rho 2^(2rho-5)/pi B((rho-1)/2,(rho-1)/2)^2)",
        r"\mathrm{Var}[\psi] = \tau^2\left(\frac{\rho}{\rho-2} - \frac{\rho\,2^{2\rho-5}}{\pi}"
        r"B\left(\frac{\rho-1}{2},\frac{\rho-1}{2}\right)^2\right)",
        domain_stated="rho > 4",
        formula=law.psi_variance_beta(),
        derivation="inverse_chi.moments",
        checks=(
            symbolic(_variance_by_moments),
            _against_quadrature(2),
            _against_numerics(2),
            monte_carlo(check_variance),
        ),
        mutants={
            "2^(2rho-4)": law.psi_variance_beta().subs(2 ** (2 * rho - 5), 2 ** (2 * rho - 4)),
            "B not squared": law.psi_variance_beta().replace(
                lambda e: e.is_Pow and e.base.func == sp.beta, lambda e: e.base
            ),
            "tau instead of tau^2": law.psi_variance_beta() / tau,
        },
    ),
    _claim(
        "radam.s4.divergent-up-to-4",
        "R §4.2, 4.3",
        "the variance of the adaptive learning rate psi is divergent for rho <= 4",
        r"\rho \le 4 \Rightarrow \mathrm{Var}[\psi] = \infty",
        domain_stated="rho <= 4",
        formula=sp.Integer(4),
        derivation="inverse_chi.moments",
        checks=(symbolic(_divergent_by_condition), numeric(_divergent_by_numbers)),
    ),
    _claim(
        "note.finite-above-4",
        "N",
        "with more than 4 degrees of freedom the variance is finite",
        r"\rho > 4 \Rightarrow \mathrm{Var} < \infty",
        domain_stated="rho > 4",
        formula=sp.Integer(4),
        derivation="inverse_chi.moments",
        checks=(symbolic(_finite_by_condition), numeric(_finite_by_decades)),
        mutants={"more than 3": sp.Integer(3), "more than 2": sp.Integer(2)},
    ),
    _claim(
        "varlab.log-variance",
        "V",
        "Var[log psi] = trigamma(rho/2)/4 for every rho > 0, free of s",
        r"\mathrm{Var}[\log\psi] = \psi^{(1)}(\rho/2)/4",
        domain_stated="rho > 0",
        formula=log_psi.log_variance(),
        derivation="log_psi.log_law",
        checks=(
            symbolic(_log_variance_by_cumulants),
            numeric(_log_variance_by_scipy),
            numeric(_log_variance_by_numerics),
            monte_carlo(check_log_variance),
        ),
        mutants={
            "trigamma(rho)": sp.polygamma(1, rho) / 4,
            "trigamma/2": sp.polygamma(1, rho / 2) / 2,
            "with the scale": tau**2 * sp.polygamma(1, rho / 2) / 4,
        },
    ),
)
