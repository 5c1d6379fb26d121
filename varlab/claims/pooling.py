"""What a histogram pooled over coordinates shows and what it cannot: exact constructions.

Coordinates j with g ~ N(0, s_j^2) exactly; pooled, they are a scale mixture of normals with kurtosis
3 E[s^4]/E[s^2]^2, above 3 as soon as two scales differ (Jensen).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, stats

from varlab.core import Context, Finding, generator

Array = NDArray[np.float64]

REPLICAS, STEPS, COORDINATES = 200, 2, 24
SCALE_SETS = ((1.0, 3.0), (1.0, 2.0, 4.0, 8.0), tuple(float(s) for s in np.geomspace(1e-3, 1, 9)))


@dataclass(frozen=True)
class PooledView:
    """``histogram`` of g[replica, step, coordinate] at each step; ``kurtosis`` of given scales, pooled."""

    histogram: Callable[[Array], Array]
    kurtosis: Callable[[Array], float]


def pooled(gradients: Array) -> Array:
    """All values of a step, in order: whatever a histogram pooled over coordinates can show.

    Parameters
    ----------
    gradients : ndarray, shape (replica, step, coordinate)

    Returns
    -------
    ndarray, shape (step, replica * coordinate)
    """
    steps = gradients.shape[1]
    return np.sort(gradients.transpose(1, 0, 2).reshape(steps, -1), axis=1)


def standardised(gradients: Array) -> Array:
    """The same after dividing each coordinate by its own root mean square: another picture."""
    return pooled(gradients / np.sqrt(np.mean(gradients**2, axis=0)))


def pooled_kurtosis(scales: Array) -> float:
    """E[g^4]/E[g^2]^2 of an equal mixture of N(0, s_j^2): 3 E[s^4]/E[s^2]^2."""
    scales = np.asarray(scales, dtype=float)
    return float(3 * np.mean(scales**4) / np.mean(scales**2) ** 2)


def check_kurtosis(formula: PooledView, _: Context) -> Finding:
    """The closed form against quadrature of the mixture's density, and above 3."""
    worst, lines = 0.0, []
    for scales in SCALE_SETS:
        stated, found = formula.kurtosis(np.array(scales)), mixture_kurtosis(scales)
        error = abs(stated / found - 1)
        # Quadrature is accurate to 1e-8; anything above 1e-6 is a wrong formula.
        if error > 1e-6:
            return Finding.refutes(
                f"scales {scales}: pooled kurtosis {found:.6g}, stated {stated:.6g}",
                counterexample={"scales": str(scales), "stated": stated, "quadrature": found},
                error=error,
            )
        worst = max(worst, error)
        lines.append(f"{found:.3g} for {len(scales)} scales from {scales[0]:g} to {scales[-1]:g}")
    return Finding.supports(
        f"every coordinate exactly normal, kurtosis 3; pooled: {', '.join(lines)} (quadrature of the "
        f"mixture's density, against the closed form to {worst:.1g})",
        error=worst,
        domain="any scales, not all equal",
    )


def mixture_kurtosis(scales: tuple[float, ...]) -> float:
    """By quadrature of the density, coordinate by coordinate."""
    moments = []
    for power in (2, 4):
        parts = [
            integrate.quad(
                lambda x, s=s, p=power: x**p * stats.norm.pdf(x, scale=s),
                0,
                12 * s,  # the neglected tail is below 1e-25 of the moment
                epsrel=1e-10,
            )[0]
            for s in scales
        ]
        moments.append(2 * float(np.mean(parts)))
    return moments[1] / moments[0] ** 2


def check_sampled_kurtosis(formula: PooledView, context: Context) -> Finding:
    """The same by drawing: 400,000 values of each of two scales, 1 and 3.

    The sample kurtosis of this mixture has a standard error of 0.017; six of them are allowed, a
    false-fail rate below 1e-8, while the mutant's 3 lies more than 100 away.
    """
    rng = generator(context.seed, "claims", context.claim)
    scales = np.array([1.0, 3.0])
    g = rng.standard_normal((400_000, 2)) * scales
    found = float(np.mean(g**4) / np.mean(g**2) ** 2)
    stated = formula.kurtosis(scales)
    allowed = 6 * 0.017
    detail = f"scales 1 and 3, 800,000 values: kurtosis {found:.3f}, closed form {stated:.3f}"
    if abs(found - stated) <= allowed:
        return Finding.supports(detail, error=abs(found / stated - 1))
    return Finding.refutes(detail, counterexample={"sample": found, "stated": stated})


def check_blindness(formula: PooledView, context: Context) -> Finding:
    """Recordings with one and the same histogram at each step, of which only one is i.i.d. normal."""
    rng = generator(context.seed, "claims", context.claim, "blindness")
    scales = np.geomspace(0.1, 10, COORDINATES)
    iid = rng.standard_normal((REPLICAS, STEPS, COORDINATES)) * scales
    seen = formula.histogram(iid)
    lines = []
    for name, (other, fact) in constructions(iid).items():
        shown = formula.histogram(other)
        if not np.array_equal(seen, shown):
            place = np.unravel_index(int(np.argmax(np.abs(seen - shown))), seen.shape)
            return Finding.refutes(
                f"the {name} recording gives another picture than the i.i.d. one: it can be told apart",
                counterexample={
                    "recording": name,
                    "i.i.d.": float(seen[place]),
                    "other": float(shown[place]),
                },
            )
        lines.append(f"{name} ({fact})")
    return Finding.supports(
        f"{REPLICAS} replicas, {STEPS} steps, {COORDINATES} normal coordinates of unequal scales have at "
        "each step, value for value, the histogram of recordings that are " + "; ".join(lines),
        domain="any recording of two or more coordinates",
    )


def constructions(iid: Array) -> dict[str, tuple[Array, str]]:
    """Rearrangements of the values within each step, and what each has become."""
    dependent = np.sort(iid, axis=0)
    correlation = np.corrcoef(dependent[:, 0, 0], dependent[:, 1, 0])[0, 1]
    before = np.corrcoef(iid[:, 0, 0], iid[:, 1, 0])[0, 1]
    drifting = iid.copy()
    drifting[:, 1] = drifting[:, 1, ::-1]
    ratio = drifting[:, 1].std(axis=0)[0] / drifting[:, 0].std(axis=0)[0]
    # The values of a step dealt out in order: each coordinate gets its own narrow range.
    dealt: Any = pooled(iid).reshape(iid.shape[1], iid.shape[2], iid.shape[0]).transpose(2, 0, 1)
    one_sign = float(np.mean(np.all(dealt > 0, axis=0) | np.all(dealt < 0, axis=0)))
    return {
        "dependent": (
            dependent,
            f"correlation of g_1 with g_2 {correlation:.3f} in place of {before:.3f}",
        ),
        "not identical over time": (
            drifting,
            f"the first coordinate's scale changes by {ratio:.0f} between the steps",
        ),
        "not normal in any coordinate": (
            dealt,
            f"{one_sign:.0%} of the coordinates have one sign only",
        ),
    }
