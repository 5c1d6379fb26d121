"""Monte-Carlo assertions that say what they are worth.

Each states the rate at which it fails although all is well, the discrepancy it would detect, and the
sample it would need to detect a given one; and it refuses to judge where the moments it rests on do not
exist.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from varlab.core import InputError, Result, real, require, whole
from varlab.core.arrays import as_array
from varlab.simulate.blocks import LARGEST_COUNT

# Power at which "detectable" and "needed" are stated.
POWER = 0.99


@dataclass(frozen=True, eq=False)
class Assertion(Result):
    """Estimates held against expected values, point by point, jointly at one false-fail rate.

    Attributes
    ----------
    verdict : {"agrees", "differs", "refused"}
        ``refused``: no point has the moments that a judgement needs.
    estimate, expected, radius : ndarray
        A point agrees when abs(estimate - expected) <= radius; radius is NaN where refused.
    detectable : ndarray
        True discrepancy that is found with probability :data:`POWER` or more, per point.
    false_fail_rate : float
        Upper bound on the chance of any false "differs" (Bonferroni over the judged points).
    judged, refused : int
        Number of points.
    needed : int or None
        Sample size at which ``discrepancy`` is detectable at every judged point.
    """

    verdict: Literal["agrees", "differs", "refused"]
    estimate: np.ndarray
    expected: np.ndarray
    radius: np.ndarray
    detectable: np.ndarray
    false_fail_rate: float
    judged: int
    refused: int
    needed: int | None = None

    @property
    def deviation(self) -> np.ndarray:
        """Of each point, in radii: at most 1 where it agrees."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.abs(self.estimate - self.expected) / self.radius)

    def summary(self) -> str:
        """One line."""
        if self.verdict == "refused":
            return f"refused: none of {self.refused} points has the moments that a judgement needs"
        worst = int(np.nanargmax(self.deviation))
        text = (
            f"{self.verdict}: {self.judged} points at a false-fail rate of {self.false_fail_rate:.1e}; "
            f"largest deviation {self.deviation.flat[worst]:.2f} of its radius "
            f"({self.estimate.flat[worst]:.5g} for {self.expected.flat[worst]:.5g} "
            f"+- {self.radius.flat[worst]:.2g}); detects {np.nanmin(self.detectable):.2g} "
            f"to {np.nanmax(self.detectable):.2g}"
        )
        text += f"; {self.refused} points refused" if self.refused else ""
        return text + (f"; needs a sample of {self.needed:,}" if self.needed else "")


def agrees(
    estimate: ArrayLike,
    expected: ArrayLike,
    stderr: ArrayLike,
    *,
    n: int,
    false_fail_rate: float = 1e-3,
    discrepancy: float | None = None,
) -> Assertion:
    """Asymptotically normal estimates against their expected values.

    Parameters
    ----------
    estimate, expected, stderr : array_like
        Same shape. A point whose standard error is NaN is refused, not passed.
    n : int
        Sample size behind the estimates.
    false_fail_rate : float
        In (0, 1), for all points together; each gets an equal share (Bonferroni: no assumption on
        their dependence, which along the steps is strong).
    discrepancy : float, optional
        > 0; fills in ``needed``: the sample that detects it with probability :data:`POWER`.

    Raises
    ------
    DomainError
        ``false_fail_rate`` or ``discrepancy`` outside its domain.
    """
    rate = real("false_fail_rate", false_fail_rate, "lie in (0, 1)", lambda p: 0 < p < 1)
    n = whole("n", n, 1, LARGEST_COUNT)
    found, wanted, error = _together(estimate=estimate, expected=expected, stderr=stderr)
    judged = np.isfinite(error) & np.isfinite(wanted)
    points = int(judged.sum())
    quantile = -float(ndtri(rate / (2 * max(points, 1))))
    radius = np.where(judged, quantile * error, np.nan)
    needed = None
    if discrepancy is not None and points:
        least = real("discrepancy", discrepancy, "be positive", lambda d: d > 0)
        reach = (quantile + float(ndtri(POWER))) * float(error[judged].max())
        with np.errstate(over="ignore"):
            sample = n * np.square(np.float64(reach) / least)
        require(
            bool(np.isfinite(sample)), "discrepancy", "be within reach of a sample", discrepancy
        )
        needed = math.ceil(sample)
    detectable = radius + float(ndtri(POWER)) * error
    return assertion(found, wanted, radius, detectable, rate, needed)


def _together(**values: ArrayLike) -> list[np.ndarray]:
    """Real numbers, NaN and infinity among them, as arrays of one shape."""
    arrays = {name: as_array(value) for name, value in values.items()}
    for name, array in arrays.items():
        require(array.dtype.kind in "iuf", name, "be real numbers", values[name])
    try:
        return list(np.broadcast_arrays(*(array.astype(float) for array in arrays.values())))
    except ValueError:
        shapes = ", ".join(f"{name} of {array.shape}" for name, array in arrays.items())
        raise InputError(f"shapes must go together; got {shapes}") from None


def assertion(
    estimate: np.ndarray,
    expected: np.ndarray,
    radius: np.ndarray,
    detectable: np.ndarray,
    false_fail_rate: float,
    needed: int | None = None,
) -> Assertion:
    """The verdict for given radii: an estimate that is not finite differs."""
    judged = np.isfinite(radius)
    with np.errstate(invalid="ignore"):
        within = np.abs(estimate - expected) <= radius
    verdict: Literal["agrees", "differs", "refused"] = "refused"
    if judged.any():
        verdict = "agrees" if within[judged].all() else "differs"
    return Assertion(
        verdict,
        estimate,
        expected,
        radius,
        np.where(judged, detectable, np.nan),
        false_fail_rate,
        int(judged.sum()),
        int((~judged).sum()),
        needed,
    )


def mean_agrees(
    mean: ArrayLike, expected: ArrayLike, *, variance: ArrayLike, n: int, **options: float
) -> Assertion:
    """Sample means of ``n`` values against ``expected`` ones.

    Parameters
    ----------
    mean, expected : array_like
        Of one shape.
    variance : array_like
        Of one value: exact, or a plug-in where the fourth moment exists; NaN refuses.
    n : int
        Values behind each mean.
    **options
        ``false_fail_rate`` and ``discrepancy`` of :func:`agrees`.

    Raises
    ------
    DomainError
        ``n`` below 1, and as :func:`agrees`.
    """
    (spread,) = _together(variance=variance)
    n = whole("n", n, 1, LARGEST_COUNT)
    return agrees(mean, expected, np.sqrt(spread / n), n=n, **options)


def variance_agrees(
    variance: ArrayLike,
    expected: ArrayLike,
    *,
    fourth_central: ArrayLike,
    n: int,
    **options: float,
) -> Assertion:
    """Sample variances of ``n`` values against ``expected`` ones.

    Parameters
    ----------
    variance, expected : array_like
        Of one shape.
    fourth_central : array_like
        The fourth central moment, exact, or a plug-in where the eighth exists; NaN or infinity
        refuses: then a sample variance has no standard error.
    n : int
        Values behind each variance.
    **options
        ``false_fail_rate`` and ``discrepancy`` of :func:`agrees`.

    Raises
    ------
    DomainError
        ``n`` below 2, and as :func:`agrees`.
    """
    wanted, fourth = _together(expected=expected, fourth_central=fourth_central)
    n = whole("n", n, 2, LARGEST_COUNT)
    return agrees(variance, wanted, variance_stderr(wanted, fourth, n), n=n, **options)


def variance_stderr(variance: ArrayLike, fourth_central: ArrayLike, n: int) -> np.ndarray:
    """From Var[S^2] = (mu_4 - sigma^4 (n - 3)/(n - 1))/n; NaN where infinite."""
    with np.errstate(invalid="ignore"):
        spread = np.asarray(fourth_central) - np.asarray(variance) ** 2 * ((n - 3) / (n - 1))
        return np.asarray(np.where(np.isfinite(spread), np.sqrt(np.maximum(spread, 0) / n), np.nan))


def truncated_variance_radius(
    moments: dict[int, float],
    mean: float,
    variance: float,
    *,
    n: int,
    false_fail_rate: float,
    level: float | None = None,
) -> float:
    """Rigorous radius for a sample variance of a positive, heavy-tailed quantity such as psi_t at small t.

    No central limit theorem: with a few thousand trajectories it has not set in where psi_t has few
    moments. Markov's inequality on E[psi^k] gives a level x that none of the n values exceeds, but for
    half the false-fail rate; below x Bernstein's inequality holds for (psi - mean)^2 and for psi.

    Parameters
    ----------
    moments : mapping
        k -> exact E[psi^k]; must hold 1 to 4, higher ones tighten the radius.
    mean, variance : float
        Exact.
    n : int
        Sample size.
    false_fail_rate : float
        Of this point.
    level : float, optional
        Where the law's tail is at hand: a level that one value exceeds with probability at most
        false_fail_rate/(2 n), instead of Markov's.

    Returns
    -------
    float
        NaN where E[psi^4] is infinite: there is nothing to say.
    """
    raw = [1.0] + [moments.get(k, math.inf) for k in (1, 2, 3, 4)]
    if not all(math.isfinite(m) for m in raw):
        return math.nan
    fourth = raw[4] - 4 * mean * raw[3] + 6 * mean**2 * raw[2] - 3 * mean**4
    spread = max(fourth - variance**2, 0.0)
    if level is None:
        level = min((2 * n * m / false_fail_rate) ** (1 / k) for k, m in moments.items() if k > 0)
    reach = max(mean, level - mean)
    # the other half of the rate: two sides of (psi - mean)^2 and two of psi
    log_term = math.log(8 / false_fail_rate)
    square = math.sqrt(2 * spread * log_term / n) + reach**2 * log_term / (3 * n)
    centre = math.sqrt(2 * variance * log_term / n) + reach * log_term / (3 * n)
    return float((square + centre**2 + variance / n) * n / (n - 1))
