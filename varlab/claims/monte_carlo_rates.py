"""Monte-Carlo evidence on psi_t, the rate that Adam makes of i.i.d. normal gradients.

Trajectories come from ``varlab.simulate``. Radii hold at the joint rate ``sampling.RATE`` per check.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from varlab.claims.sampling import (
    QUANTILE,
    RATE,
    Array,
    Sampled,
    finding,
    simulation_seed,
    variance_radius,
)
from varlab.claims.statements import ExactRectifier, LawStatement
from varlab.core import Context, Finding, generator
from varlab.core.evidence import Scalar
from varlab.numerics import degrees_of_freedom, ema_weights, psi_variance, rectification, rho_inf
from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.theory.symbols import b2, mu, phi, rho, s, t, w, z
from varlab.theory.symbols import rho_inf as rho_limit_symbol

if TYPE_CHECKING:
    from xarray import Dataset


# 150 steps: where rho_t is farthest from Kish's n_t at beta2 = 0.99, t (1-beta2) = 1.5.
DECAYS, LAST, TRAJECTORIES = (0.99, 0.999), 150, 393_216
# psi_t has t moments: up to here no central limit theorem, radii by the exact tail and Bernstein.
HEAVY = 24
SMALL = 100_000


@cache
def simulated(seed: int) -> Dataset:
    """The trajectories that the checks of this file share; one engine, so that bits do not vary."""
    from varlab.simulate import Normal, simulate

    run = simulate(
        Normal(),
        beta2=DECAYS,
        steps=LAST,
        trajectories=TRAJECTORIES,
        seed=simulation_seed(seed, "psi along the steps"),
        device="cpu",
        engine="eager",
        statistics=("psi",),
    )
    return run.dataset.assign_coords(setting=list(DECAYS))


@cache
def _radius(step: int, decay: float, rate: float) -> float:
    return variance_radius(AdaptiveRate(step, decay), TRAJECTORIES, rate)


def sampled_variances(seed: int, places: Sequence[tuple[int, float]]) -> Sampled:
    """Sample variances of psi_t at (t, beta2)."""
    data, values, radii = simulated(seed), [], []
    for step, decay in places:
        one = data.sel(setting=decay, step=step)
        values.append(float(one["psi_variance"]))
        radii.append(
            _radius(step, decay, RATE / len(places))
            if step <= HEAVY
            else QUANTILE * float(one["psi_variance_stderr"])
        )
    points: list[Mapping[str, Scalar]] = [{"t": n, "beta2": b} for n, b in places]
    return Sampled(points, np.array(values), np.array(radii))


def _at(formula: sp.Expr, places: Sequence[tuple[int, float]]) -> Array:
    degrees = sp.lambdify((t, b2), formula, "numpy")
    return np.array([float(degrees(float(step), decay)) for step, decay in places])


def _variances(degrees: Array) -> Array:
    """Var[psi] of the scaled inverse chi law, infinite where it is."""
    finite = degrees > 2
    return np.where(finite, psi_variance(np.where(finite, degrees, 3.0)), np.inf)


WHERE = f"{TRAJECTORIES} trajectories of N(0, 1), sample variance of psi_t"


def check_assumption(formula: sp.Expr, context: Context) -> Finding:
    """Var[psi] at the assumed degrees of freedom against sample variances of psi_t."""
    places = [(30, 0.99), (100, 0.99), (150, 0.99), (150, 0.999)]
    sample = sampled_variances(context.seed, places)
    stated = _variances(_at(formula, places))
    return sample.approximates(stated, context.required_tolerance, WHERE)


def check_kish(formula: sp.Expr, context: Context) -> Finding:
    """The same for Kish's n_t: its error is too small for the sample, that of rho_t is not.

    The level is the derived error of n_t, 1 - beta2 at the smallest beta2, plus the claim's tolerance of
    it: a tenth of the variance would let wrong degrees of freedom pass.
    """
    places = [(15, 0.99), (30, 0.99), (150, 0.99), (15, 0.999), (150, 0.999)]
    sample = sampled_variances(context.seed, places)
    foil = [float(degrees_of_freedom(step, decay)) for step, decay in places]
    return sample.approximates(
        _variances(_at(formula, places)),
        (1 - 0.99) * (1 + context.required_tolerance),
        WHERE,
        foil=_variances(np.array(foil)),
    )


def _over_last(sample: Sampled) -> tuple[Array, Array]:
    """Ratios of all values to the last one, and radii: those of both, relative, added up."""
    relative = sample.radii / sample.values
    ratios = sample.values[:-1] / sample.values[-1]
    return ratios, ratios * (relative[:-1] + relative[-1])


def check_consistent(formula: sp.Expr, context: Context) -> Finding:
    """Var[r_t psi_t] at small t over that at t = 150, said to be 1."""
    factor = sp.lambdify((rho, rho_limit_symbol), formula, "numpy")
    places = [(10, 0.999), (12, 0.999), (20, 0.999), (LAST, 0.999)]
    degrees = np.array([float(degrees_of_freedom(step, decay)) for step, decay in places])
    squared = np.asarray(factor(degrees, float(rho_inf(0.999)))) ** 2
    sample = sampled_variances(context.seed, places)
    ratios, radii = _over_last(
        Sampled(sample.points, sample.values * squared, sample.radii * squared)
    )
    return Sampled(sample.points[:-1], ratios, radii).approximates(
        np.ones(3),
        context.required_tolerance,
        f"{WHERE} times r_t^2 over that at t = {LAST}",
    )


def check_exact_rectifier(formula: ExactRectifier, context: Context) -> Finding:
    """sqrt(S^2_150/S^2_t) against the closed form; first, from which step on Var[psi_t] is finite."""
    start = _first_finite(formula.defined_from, context)
    if start.agrees is False:
        return start
    places = [(10, 0.99), (15, 0.99), (30, 0.99), (LAST, 0.99)]
    ratios, radii = _over_last(sampled_variances(context.seed, places))
    stated = _variances(_at(formula.degrees, places))
    papers = np.array([float(rectification(step, decay)) for step, decay in places])
    points: list[Mapping[str, Scalar]] = [{"t": n, "beta2": b} for n, b in places[:-1]]
    # The square root halves relative radii.
    roots = np.sqrt(1 / ratios)
    gap = abs(papers[0] / papers[-1] / roots[0] - 1)
    # The radius of the root is half that of the ratio.
    if gap + radii[0] / ratios[0] / 2 < formula.papers_gap:
        return Finding.silent(
            f"r_t is {gap:.1%} off at t = 10; {formula.papers_gap:.0%} is stated for t = 5, where "
            "the sample variance is too wild"
        )
    found = Sampled(points, roots, roots * radii / ratios / 2).approximates(
        np.sqrt(stated[-1] / stated[:-1]),
        # Half the relative error of the variance, as in check_kish.
        (1 - 0.99) / 2 * (1 + context.required_tolerance),
        f"root of the ratio of sample variances at t = {LAST} and t, {TRAJECTORIES} trajectories",
        foil=papers[:-1] / papers[-1],
    )
    if start.agrees is None and found.agrees:
        return Finding.silent(f"{found.detail}; {start.detail}")
    return found


# --- The exact law.


def tail_index(vhat: Array) -> tuple[float, float]:
    """Hill's estimate of k in P(psi > x) ~ x^-k from the smallest 1% of vhat, and its standard error."""
    count = len(vhat) // 100
    smallest = np.partition(vhat, count)[: count + 1]
    border = smallest.max()
    index = 2 / float(np.mean(np.log(border / smallest[smallest < border])))
    return index, index / math.sqrt(count)


def _first_finite(stated: int, context: Context) -> Finding:
    """Whether Var[psi_t] can be infinite up to ``stated`` - 1 and finite from there: tail index over 2.

    The index at step t is t. Hill's estimate errs towards 0, by 1% to 3%, and 4.9 standard errors are
    16% of it: indices of 2 and 3 are told apart, 2 and 2.1 are not.
    """
    rng = generator(context.seed, "claims", context.claim, "tail")
    squares = rng.standard_normal((max(stated, 2), SMALL)) ** 2
    shown = []
    for step in (stated - 1, stated):
        index, error = tail_index(ema_weights(step, 0.999) @ squares[:step])
        radius = QUANTILE * error
        shown.append(f"{index:.2f} +- {radius:.2f} at t = {step}")
        if step < stated and index - radius > 2:
            return Finding.refutes(
                f"tail index of psi_t {shown[-1]}, so Var[psi_t] is finite there",
                counterexample={"t": step, "tail index": index, "radius": radius},
            )
    detail = f"tail index of psi_t (Var finite above 2): {', '.join(shown)}"
    return Finding.supports(detail) if index - radius > 2 else Finding.silent(detail)


TRANSFORMED_AT = (0.3, 1.0, 4.0)


def _transform(
    gradients: Array, decay: float, stated: Sequence[float], name: str
) -> tuple[Array, Array, list[Mapping[str, Scalar]], Array]:
    """Sample means of exp(-z vhat_t), their standard errors, where, and what is stated."""
    steps = len(gradients)
    vhat = ema_weights(steps, decay) @ gradients**2
    values = np.exp(-np.outer(TRANSFORMED_AT, vhat))
    errors = values.std(axis=1) / math.sqrt(len(vhat))
    points: list[Mapping[str, Scalar]] = [
        {"law": name, "t": steps, "beta2": decay, "z": at} for at in TRANSFORMED_AT
    ]
    return values.mean(axis=1), errors, points, np.asarray(stated)


def _product(factor: sp.Expr, steps: int, decay: float, mean: float = 0.0) -> list[float]:
    """The stated transform: a product of factors over the weights, sigma = 1."""
    one = sp.lambdify((z, w), factor.subs({s: 1, mu: mean}), "numpy")
    weights = ema_weights(steps, decay)
    return [float(np.prod(one(at, weights))) for at in TRANSFORMED_AT]


def _judged(parts: Sequence[tuple[Array, Array, list[Mapping[str, Scalar]], Array]]) -> Finding:
    from varlab.simulate import agrees

    means, errors, stated = (np.concatenate([part[i] for part in parts]) for i in (0, 1, 3))
    points = [point for part in parts for point in part[2]]
    assertion = agrees(means, stated, errors, n=SMALL, false_fail_rate=RATE)
    return finding(assertion, points, f"mean of exp(-z vhat_t), {SMALL} trajectories")


def check_transform(formula: LawStatement, context: Context) -> Finding:
    """E[exp(-z vhat_t)] for i.i.d. N(0, 1), and the step from which Var[psi_t] is finite."""
    from varlab.simulate import Normal, gradients

    table = gradients(
        Normal(), steps=5, trajectories=SMALL, seed=simulation_seed(context.seed, context.claim)
    )
    parts = [
        _transform(table[:steps], decay, _product(formula.factor, steps, decay), "normal")
        for steps, decay in ((2, 0.9), (5, 0.7))
    ]
    law, start = _judged(parts), _first_finite(formula.variance_from, context)
    if not law.agrees:
        return law
    if not start.agrees:
        return start
    return Finding.supports(f"{law.detail}; {start.detail}", error=law.error)


def check_other_transforms(formula: LawStatement, context: Context) -> Finding:
    """E[exp(-z vhat_t)] for N(0.7, 1) and for AR(1) with coefficient 0.5."""
    from varlab.simulate import AR1, Normal, gradients

    steps, decay, mean, lag = 3, 0.9, 0.7, 0.5
    seed = simulation_seed(context.seed, context.claim)
    shifted = gradients(Normal(mu=mean), steps=steps, trajectories=SMALL, seed=seed)
    correlated = gradients(AR1(phi=lag), steps=steps, trajectories=SMALL, seed=seed)
    weights = [sp.Float(each) for each in ema_weights(steps, decay)]
    squared = sp.lambdify(z, formula.squared(weights).subs({s: 1, phi: lag}), "math")
    determinant = [squared(at) ** -0.5 for at in TRANSFORMED_AT]
    return _judged(
        [
            _transform(shifted, decay, _product(formula.factor, steps, decay, mean), "mean 0.7"),
            _transform(correlated, decay, determinant, "AR(1), 0.5"),
        ]
    )


# --- R section 3.2.


def check_wider(formula: sp.Rel, context: Context) -> Finding:
    """Sample variance of the EMA of 30 squares over that of their average, beta2 = 0.9."""
    steps, decay, runs = 30, 0.9, 50_000
    rng = generator(context.seed, "claims", context.claim, "squares")
    squares = rng.standard_normal((steps, runs)) ** 2
    ema, average = ema_weights(steps, decay) @ squares, squares.mean(axis=0)
    top, bottom = float(ema.var()), float(average.var())
    ratio = top / bottom
    # Both averages see the same squares: the error of the ratio by its influence function.
    influence = (ema - ema.mean()) ** 2 / top - (average - average.mean()) ** 2 / bottom
    radius = QUANTILE * ratio * float(influence.std()) / math.sqrt(runs)
    ends = [
        formula.func(at, formula.rhs.subs({t: steps, b2: decay})) == sp.true
        for at in (ratio - radius, ratio + radius)
    ]
    detail = (
        f"Var[EMA]/Var[SMA] of {runs} samples at t = {steps}, beta2 = {decay}: {ratio:.3f} +- "
        f"{radius:.3f} (false-fail rate {RATE:.0e})"
    )
    if all(ends):
        return Finding.supports(detail)
    if any(ends):
        return Finding.silent(detail)
    return Finding.refutes(
        detail, counterexample={"t": steps, "beta2": decay, "ratio": ratio, "radius": radius}
    )
