"""Monte-Carlo evidence on the law for rho degrees of freedom: psi = tau sqrt(rho/Q), Q ~ chi-square.

Q comes from NumPy's generator, so these witnesses share nothing with theory or numerics but, where a
radius needs moments, the exact ones. Radii hold at the joint rate ``sampling.RATE`` per check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import sympy as sp
from scipy import special

from varlab.claims.sampling import (
    QUANTILE,
    RATE,
    Array,
    Power,
    Sampled,
    finding,
    fourth_central,
    variance_radius,
)
from varlab.claims.statements import Monotone
from varlab.core import Context, Finding, generator
from varlab.core.evidence import Scalar
from varlab.numerics.scaled_inverse_chi import ScaledInverseChi
from varlab.theory.symbols import rho, s, tau, x

DRAWS = 200_000
SCALE = 1.7  # any scale but 1 shows a wrong power of tau
# A sample variance of psi needs E[psi^8] to be within a few per cent here: rho > 8 and some to spare.
WELL_BEHAVED = (12.0, 20.0, 100.0)


def draws(degrees: float, context: Context, scale: float = 1.0) -> Array:
    """Draws of psi, shape (DRAWS,)."""
    rng = generator(context.seed, "claims", context.claim, "chi-square", str(degrees))
    return np.asarray(scale * np.sqrt(degrees / rng.chisquare(degrees, DRAWS)))


def _points(degrees: Sequence[float]) -> list[Mapping[str, Scalar]]:
    return [{"rho": r} for r in degrees]


def _stated(formula: sp.Expr, degrees: Sequence[float], scale: float) -> Array:
    return np.array([float(formula.subs({rho: r, tau: scale})) for r in degrees])


# --- Densities and means.


def _frequencies(density: Callable[[Array], Array], sample: Array) -> Finding:
    """Shares of a sample in twelve cells against integrals of the stated density, exact binomial errors."""
    from varlab.simulate import mean_agrees

    edges = np.quantile(sample[: DRAWS // 10], np.linspace(0.02, 0.98, 13))
    nodes, weights = np.polynomial.legendre.leggauss(24)
    half, centre = np.diff(np.log(edges)) / 2, (np.log(edges[1:]) + np.log(edges[:-1])) / 2
    at = np.exp(centre[:, None] + half[:, None] * nodes)
    stated = (density(at) * at) @ weights * half
    # The cells were laid by the first tenth, so they are counted on the rest.
    rest = sample[DRAWS // 10 :]
    shares = np.histogram(rest, edges)[0] / len(rest)
    assertion = mean_agrees(
        shares, stated, variance=shares * (1 - shares), n=len(rest), false_fail_rate=RATE
    )
    cells: list[Mapping[str, Scalar]] = [
        {"from": float(low), "to": float(high)} for low, high in pairwise(edges)
    ]
    return finding(assertion, cells, f"shares of {len(rest)} draws in 12 cells")


def check_density(formula: sp.Expr, context: Context) -> Finding:
    """R Eq. 6 at one, five and thirty degrees of freedom: the worst of them."""
    details = []
    for degrees in (1.0, 5.0, 30.0):
        density = sp.lambdify(x, formula.subs({rho: degrees, tau: SCALE}), "numpy")
        found = _frequencies(density, draws(degrees, context, SCALE) ** 2)
        if not found.agrees:
            return found
        details.append(f"rho = {degrees:g}: {found.detail}")
    return Finding.supports("; ".join(details))


def check_first_step_law(formula: sp.Expr, context: Context) -> Finding:
    """1/g^2 for normal g against the stated density."""
    scale = 1.5
    rng = generator(context.seed, "claims", context.claim, "normal")
    gradients = scale * rng.standard_normal(DRAWS)
    density = sp.lambdify(x, formula.subs(s, scale), "numpy")
    return _frequencies(density, gradients**-2)


def _means(formula: sp.Expr, degrees: Sequence[float], power: int, context: Context) -> Finding:
    """Sample means of psi^power with exact standard errors."""
    from varlab.simulate import mean_agrees

    laws = [ScaledInverseChi(r, SCALE) for r in degrees]
    variances = [Power(law, power).var() for law in laws]
    means = [float(np.mean(draws(r, context, SCALE) ** power)) for r in degrees]
    assertion = mean_agrees(
        means,
        _stated(formula, degrees, SCALE),
        variance=np.array(variances),
        n=DRAWS,
        false_fail_rate=RATE,
    )
    what = f"mean of psi^{power}, {DRAWS} draws at rho = {', '.join(f'{r:g}' for r in degrees)}"
    return finding(assertion, _points(degrees), what)


def check_square_mean(formula: sp.Expr, context: Context) -> Finding:
    """R Eq. 6's mean, where psi^2 has a skewness that a normal quantile survives (rho > 6)."""
    return _means(formula, (9.0, 40.0), 2, context)


def check_root_mean(formula: sp.Expr, context: Context) -> Finding:
    """R Eq. 7."""
    return _means(formula, (5.0, 9.0, 40.0), 1, context)


# --- Variances.


def sampled_variances(degrees: Sequence[float], context: Context) -> Sampled:
    """Sample variances of psi at tau = 1 with rigorous radii."""
    values = np.array([np.var(draws(r, context), ddof=1) for r in degrees])
    share = RATE / len(degrees)
    radii = np.array([variance_radius(ScaledInverseChi(r), DRAWS, share) for r in degrees])
    return Sampled(_points(degrees), values, radii)


def _variance_errors(degrees: Sequence[float]) -> Array:
    laws = [ScaledInverseChi(r) for r in degrees]
    return np.array([math.sqrt((fourth_central(w) - w.var() ** 2) / DRAWS) for w in laws])


def check_variance(formula: sp.Expr, context: Context) -> Finding:
    """R Eq. 2 where a sample variance has a standard error worth the name."""
    from varlab.simulate.inference import POWER, assertion

    sample = sampled_variances(WELL_BEHAVED, context)
    unit = SCALE**2
    detectable = sample.radii + float(special.ndtri(POWER)) * _variance_errors(WELL_BEHAVED)
    judged = assertion(
        unit * sample.values,
        _stated(formula, WELL_BEHAVED, SCALE),
        unit * sample.radii,
        unit * detectable,
        RATE,
    )
    listed = ", ".join(f"{r:g}" for r in WELL_BEHAVED)
    return finding(
        judged, sample.points, f"sample variance of psi, {DRAWS} draws at rho = {listed}"
    )


def check_falls(formula: Monotone, context: Context) -> Finding:
    """Theorem 1: sample variances fall, beyond their radii, and are those of the stated function."""
    if formula.lower < 2:
        return Finding.silent("Var[psi] is infinite up to rho = 2: no sample shows it")
    sample = sampled_variances(WELL_BEHAVED, context)
    low, high = sample.values - sample.radii, sample.values + sample.radii
    stated = _stated(formula.expression, WELL_BEHAVED, 1.0)
    shown = ", ".join(
        f"{v:.5f} +- {r:.5f} at rho = {d:g}"
        for v, r, d in zip(sample.values, sample.radii, WELL_BEHAVED, strict=True)
    )
    detail = f"{DRAWS} draws, false-fail rate {RATE:.0e}: sample variance {shown}"
    off = (stated < low) | (stated > high)
    if off.any():
        at = int(np.argmax(off))
        return Finding.refutes(
            detail,
            counterexample={
                "rho": WELL_BEHAVED[at],
                "sampled": float(sample.values[at]),
                "stated": float(stated[at]),
            },
        )
    if np.all(high[1:] < low[:-1]):
        if formula.direction < 0:
            return Finding.supports(detail)
        ends = {f"rho = {d:g}": float(v) for d, v in zip(WELL_BEHAVED, sample.values, strict=True)}
        return Finding.refutes(detail + ": they fall", counterexample=ends)
    return Finding.silent(detail)


def check_hundredfold(formula: int, context: Context) -> Finding:
    """Sample variances at rho = 5 and 500.

    At rho = 5 one is bounded from below only: for terms that are not negative the lower tail of a mean
    is at least as light as a normal one with their second moment, here E[(psi - E psi)^4].
    """
    few, many = ScaledInverseChi(5.0), 500.0
    top, bottom = (float(np.var(draws(r, context), ddof=1)) for r in (5.0, many))
    lower_radius = math.sqrt(2 * fourth_central(few) * math.log(2 / RATE) / DRAWS)
    upper = bottom + variance_radius(ScaledInverseChi(many), DRAWS, RATE / 2)
    least = (top - lower_radius) / upper
    detail = (
        f"{DRAWS} draws at rho = 5 and 500: ratio of sample variances {top / bottom:.1f}, at least "
        f"{least:.1f} at a false-fail rate of {RATE:.0e}; no upper bound: at rho = 5 the plug-in error is "
        "not reliable"
    )
    return Finding.supports(detail) if least > formula else Finding.silent(detail)


def check_slope(formula: sp.Rational, context: Context) -> Finding:
    """Slope of ln Var in ln rho between 2e3 and 2e4, where it is within 1e-3 of its limit.

    The statement O(rho^power) is an upper bound: a steeper fall agrees with it.
    """
    few, many = 2e3, 2e4
    logs = [math.log(np.var(draws(r, context), ddof=1)) for r in (few, many)]
    width = math.log(many / few)
    slope = (logs[1] - logs[0]) / width
    # Var[ln S^2] = 2/n for a normal law, which psi is to 1e-3 here.
    radius = QUANTILE * math.sqrt(4 / DRAWS) / width + 1e-3
    detail = f"slope of ln(sample variance) in ln rho, 2e3 to 2e4: {slope:.4f} +- {radius:.4f}"
    if slope - float(formula) <= radius:
        return Finding.supports(detail)
    return Finding.refutes(
        detail, counterexample={"stated power": str(formula), "slope": slope, "radius": radius}
    )


def check_log_variance(formula: sp.Expr, context: Context) -> Finding:
    """Var[log psi], from half a degree of freedom up: every moment of log psi exists."""
    from varlab.simulate import variance_agrees

    degrees = (0.5, 1.0, 3.0, 20.0)
    variances = [np.var(np.log(draws(r, context, SCALE)), ddof=1) for r in degrees]
    half = np.array(degrees) / 2
    # log psi is -log(Q)/2 and a constant: cumulants of a log-gamma law.
    fourth = 3 * (special.polygamma(1, half) / 4) ** 2 + special.polygamma(3, half) / 16
    assertion = variance_agrees(
        variances,
        _stated(formula, degrees, SCALE),
        fourth_central=fourth,
        n=DRAWS,
        false_fail_rate=RATE,
    )
    what = f"sample variance of log psi, {DRAWS} draws at rho = 0.5, 1, 3, 20"
    return finding(assertion, _points(degrees), what)


# --- R Eq. 5.


def check_first_order(formula: sp.Expr, context: Context) -> Finding:
    """Sampled Var[psi^2]/(4 E[psi^2]), with the standard error of that ratio by its influence function."""
    from varlab.simulate import agrees

    degrees, values, errors = (40.0, 100.0), [], []
    for r in degrees:
        square = draws(r, context, SCALE) ** 2
        mean, variance = float(square.mean()), float(square.var(ddof=1))
        values.append(variance / (4 * mean))
        centred = square - mean
        influence = (centred**2 - variance) / (4 * mean) - variance * centred / (4 * mean**2)
        errors.append(float(influence.std()) / math.sqrt(DRAWS))
    assertion = agrees(
        values, _stated(formula, degrees, SCALE), errors, n=DRAWS, false_fail_rate=RATE
    )
    what = f"sampled Var[psi^2]/(4 E[psi^2]), {DRAWS} draws at rho = 40, 100"
    return finding(assertion, _points(degrees), what)


def check_overlap(formula: sp.Expr, context: Context) -> Finding:
    """Fig. 8: Eq. 5 against sample variances of psi."""
    stated = _stated(formula, WELL_BEHAVED, 1.0)
    what = f"sample variance of psi, {DRAWS} draws"
    sample = sampled_variances(WELL_BEHAVED, context)
    return sample.approximates(stated, context.required_tolerance, what)


# --- R section 4.1.


def check_mean_of_squares(formula: sp.Expr, context: Context) -> Finding:
    """The stated power of a mean of nine squares, s = 2, against the mean of Scale-inv-chi2(9, 1/s^2)."""
    from varlab.simulate import mean_agrees

    length, scale, power = 9, 2.0, float(formula)
    rng = generator(context.seed, "claims", context.claim, "normal")
    squares = np.mean((scale * rng.standard_normal((length, DRAWS))) ** 2, axis=0)
    powered = squares**power
    law = ScaledInverseChi(length, 1 / scale)
    assertion = mean_agrees(
        [powered.mean()], [law.moment(2)], variance=[powered.var()], n=DRAWS, false_fail_rate=RATE
    )
    what = f"mean of (mean of {length} squares)^{power:g} at s = {scale:g}, {DRAWS} draws"
    return finding(assertion, [{"f": length, "s": scale}], what)
