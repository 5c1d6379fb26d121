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

from varlab.core import DomainError, Result, real, require, whole
from varlab.numerics.inputs import Array, numbers
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
        """Of each point, in radii: at most 1 where it agrees, infinite where the estimate is no number."""
        with np.errstate(invalid="ignore", divide="ignore"):
            off = np.abs(self.estimate - self.expected)
            ratio = np.where(off == 0, 0.0, np.where(np.isnan(off), np.inf, off / self.radius))
        return np.asarray(np.where(np.isnan(self.radius), np.nan, ratio))

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
        Of one shape, or shapes that broadcast. Standard errors are non-negative; a point whose standard
        error is NaN or infinite, or whose expected value is, is refused, not passed.
    n : int
        Sample size behind the estimates, >= 1.
    false_fail_rate : float
        In (0, 1), for all points together; each gets an equal share (Bonferroni: no assumption on
        their dependence, which along the steps is strong).
    discrepancy : float, optional
        Positive; fills in ``needed``: the sample that detects it with probability :data:`POWER`.

    Raises
    ------
    DomainError
        For an argument outside its domain, or shapes that do not broadcast.
    """
    sample = _sample(n)
    rate = checked_rate(false_fail_rate)
    shown, wanted, error = _broadcast(
        estimate=_any("estimate", estimate),
        expected=_any("expected", expected),
        stderr=_not_negative("stderr", stderr),
    )
    judged = np.isfinite(error) & np.isfinite(wanted)
    points = int(judged.sum())
    quantile = -float(ndtri(rate / (2 * max(points, 1))))
    radius = np.where(judged, quantile * error, np.nan)
    needed = None
    if discrepancy is not None:
        size = real("discrepancy", discrepancy, "be positive", lambda d: d > 0)
        reach = (quantile + float(ndtri(POWER))) * float(np.max(error[judged], initial=0.0))
        ratio = reach / size
        domain = f"be detectable by a sample of at most {LARGEST_COUNT}"
        require(
            ratio <= math.sqrt(LARGEST_COUNT / sample), "discrepancy", domain, size, "ask for more"
        )
        needed = math.ceil(sample * ratio**2) if points else None
    detectable = radius + float(ndtri(POWER)) * error
    return assertion(shown, wanted, radius, detectable, rate, needed)


def checked_rate(false_fail_rate: float) -> float:
    """The rate, if it lies in (0, 1)."""
    return real("false_fail_rate", false_fail_rate, "lie in (0, 1)", lambda rate: 0 < rate < 1)


def _sample(n: int, least: int = 1) -> int:
    return whole("n", n, least, LARGEST_COUNT)


def _any(name: str, value: ArrayLike) -> Array:
    return numbers(name, value, "be real numbers", lambda x: np.ones(x.shape, bool))


def _not_negative(name: str, value: ArrayLike) -> Array:
    """NaN stays: it says that there is no such number."""
    return numbers(name, value, "be non-negative, or NaN", lambda x: ~(x < 0))


def _broadcast(**given: np.ndarray) -> tuple[np.ndarray, ...]:
    try:
        return np.broadcast_arrays(*given.values())
    except ValueError:
        shown = ", ".join(f"{name} {value.shape}" for name, value in given.items())
        raise DomainError(f"shapes must broadcast; got {shown}") from None


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
        Of shapes that broadcast.
    variance : array_like
        Of one value: exact, or a plug-in where the fourth moment exists; NaN or infinity refuses.
    n : int
        Values behind each mean.
    **options
        ``false_fail_rate`` and ``discrepancy`` of :func:`agrees`.

    Raises
    ------
    DomainError
        ``variance`` below 0, ``n`` below 1, and as :func:`agrees`.
    """
    error = np.sqrt(_not_negative("variance", variance) / _sample(n))
    return agrees(_any("mean", mean), expected, error, n=n, **options)


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
        Of shapes that broadcast.
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
        ``expected`` or ``fourth_central`` below 0, ``n`` below 2, and as :func:`agrees`.
    """
    wanted, fourth = _broadcast(
        expected=_not_negative("expected", expected),
        fourth_central=_not_negative("fourth_central", fourth_central),
    )
    error = variance_stderr(wanted, fourth, _sample(n, 2))
    return agrees(_any("variance", variance), expected, error, n=n, **options)


def variance_stderr(variance: ArrayLike, fourth_central: ArrayLike, n: int) -> np.ndarray:
    """From Var[S^2] = (mu_4 - sigma^4 (n - 3)/(n - 1))/n; NaN where infinite."""
    with np.errstate(invalid="ignore", over="ignore"):
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
