"""Fig. 9's levels: which quantity they are, and how small they are for a large mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from varlab.claims.figure9_paths import (
    BETA2,
    FIRST,
    MEANS,
    NORMAL_FROM,
    STEPS,
    TRAJECTORIES,
    listed,
    sampled,
)
from varlab.claims.sampling import QUANTILE, RATE, Array, Power, Sampled
from varlab.core import Context, Finding
from varlab.numerics import psi_variance_at, rectification
from varlab.numerics.adaptive_rate import AdaptiveRate

# Read off the figure's last steps: mean -> level.
LEVELS = {0.0: 2.5e-4, 1.0: 1e-4, 10.0: 5e-8}


@dataclass(frozen=True)
class Plotted:
    """The plotted quantity is Var[psi_t^power]: power 2 for 1/vhat_t."""

    power: int


def quantity_numeric(formula: Plotted, context: Context) -> Finding:
    """The stated levels against the exact Var[psi_t^power] at the last step."""
    found, gaps = {}, {}
    for mean, level in LEVELS.items():
        found[mean] = Power(AdaptiveRate(STEPS, BETA2, mean), formula.power).var()
        gaps[mean] = math.exp(abs(math.log(found[mean] / level))) - 1
    worst = max(gaps, key=lambda mean: gaps[mean])
    r_squared = float(rectification(STEPS, BETA2)) ** 2
    rates = {mean: float(psi_variance_at(STEPS, BETA2, mean)) for mean in LEVELS}
    start = Power(AdaptiveRate(FIRST, BETA2), 2).var()
    name = {1: "psi_t", 2: "1/vhat_t"}[formula.power]
    return Finding.within(
        gaps[worst],
        context.required_tolerance,
        f"exact Var[{name}] at t = 6000: {listed(found)}; the figure shows {listed(LEVELS)}. "
        f"Var[psi_t] is {listed(rates)}, and r_t^2 = {r_squared:.4f} changes neither. So the figure shows "
        "Var[1/sqrt(vhat_t)] and Var[r_t/sqrt(vhat_t)], the adaptive rate itself; text and axis label "
        f"lack a root. (At mu = 0, t = 5 Var[1/vhat_t] would be {start:.3g}, and a sample could not "
        "estimate it: E[psi^8] is infinite up to t = 8.)",
        worst={
            "mu": worst,
            "t": STEPS,
            f"Var[{name}]": found[worst],
            "Var[psi_t]": rates[worst],
            "plotted": LEVELS[worst],
        },
    )


def quantity_sampled(formula: Plotted, context: Context) -> Finding:
    """The same on the simulation, radii of 4.9 standard errors: levels off by 15% are told apart."""
    name = {1: "psi", 2: "inverse_v"}[formula.power]
    last = [
        [float(sampled(context, f"{name}_{part}", mean)[-1]) for mean in LEVELS]
        for part in ("variance", "variance_stderr")
    ]
    values, errors = np.array(last)
    points = [{"mu": mean, "t": STEPS} for mean in LEVELS]
    return Sampled(points, values, QUANTILE * errors).approximates(
        np.array(list(LEVELS.values())),
        context.required_tolerance,
        f"{TRAJECTORIES} trajectories, sample variance of {name}, the figure's levels against it",
    )


# --- A large mean.


def relative_deviation(mean: float, steps: Array) -> Array:
    """Standard deviation of psi_t over its mean."""
    expected = np.array([AdaptiveRate(float(t), BETA2, mean).mean() for t in steps])
    return np.asarray(np.sqrt(psi_variance_at(steps, BETA2, mean)) / expected)


# Dense where it changes: sd/mean falls along the steps.
LOOKED_AT = np.array([5.0, 6, 8, 10, 20, 50, 100, 500, 1000, 3000, 6000])


def large_mean_numeric(formula: float, context: Context) -> Finding:
    """Standard deviation over mean, exactly, and the mean from which on it is small."""
    tolerance = context.required_tolerance
    here, zero = relative_deviation(formula, LOOKED_AT), relative_deviation(0.0, LOOKED_AT)
    at = int(np.argmax(here))
    border = optimize.brentq(
        lambda mean: relative_deviation(mean, LOOKED_AT[:1])[0] - tolerance, 0.5, 20.0, xtol=1e-4
    )
    shrink = psi_variance_at(LOOKED_AT[[0, -1]], BETA2, formula) / psi_variance_at(
        LOOKED_AT[[0, -1]], BETA2
    )
    factor = float(rectification(FIRST, BETA2))
    return Finding.within(
        float(here[at]),
        tolerance,
        f"standard deviation of psi_t over its mean at mu = {formula:g}: {here[0]:.2%} at t = 5, "
        f"{here[-1]:.2%} at t = 6000 (mu = 0: {zero[0]:.1%} and {zero[-1]:.2%}); Var[psi_t] is "
        f"{shrink[0]:.1e} and {shrink[1]:.1e} times that at mu = 0. Below {tolerance:.0%} at every plotted "
        f"step from mu = {border:.2f} sigma on. r_t does not know: it still cuts the step at t = 5 by a "
        f"factor of {1 / factor:.0f}. At t = 1 and 2 the variance is infinite at any mean, through "
        f"gradients near 0, whose probability is of order e^(-mu^2/2)",
        worst={"mu": formula, "t": float(LOOKED_AT[at]), "sd/mean": float(here[at])},
        domain=f"mu >= {border:.2f} sigma",
    )


def large_mean_sampled(formula: float, context: Context) -> Finding:
    """The same on the simulation, where the sample variance is close to normal."""
    if formula not in MEANS:
        return Finding.silent(f"mu = {formula:g} is not simulated")
    steps = np.array([NORMAL_FROM, 1000, STEPS])
    mean, mean_error, variance, variance_error = (
        sampled(context, name, formula)[steps - FIRST]
        for name in ("psi_mean", "psi_mean_stderr", "psi_variance", "psi_variance_stderr")
    )
    ratio = np.sqrt(variance) / mean
    radius = QUANTILE * (variance_error / (2 * variance) + mean_error / mean) * ratio
    worst = int(np.argmax(ratio))
    shown = ", ".join(
        f"{r:.3%} +- {e:.3%} at t = {t}" for r, e, t in zip(ratio, radius, steps, strict=True)
    )
    detail = f"{TRAJECTORIES} trajectories, sd/mean at mu = {formula:g} (false-fail rate {RATE:.0e}): {shown}"
    if ratio[worst] - radius[worst] > context.required_tolerance:
        return Finding.refutes(
            detail, counterexample={"mu": formula, "t": int(steps[worst]), "sd/mean": ratio[worst]}
        )
    if float(np.max(ratio + radius)) > context.required_tolerance:
        return Finding.silent(detail)
    return Finding.supports(detail, error=float(ratio[worst]))
