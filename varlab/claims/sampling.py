"""What Monte-Carlo evidence has in common: its false-fail rate, its seeds, and how samples may speak.

A sample agrees, differs or must be silent: it is silent where the moments that a judgement needs do not
exist, and where it is too small to tell the statement from its negation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from varlab.core import Finding
from varlab.core.evidence import Scalar
from varlab.core.seeds import seed_sequence
from varlab.numerics.law import RateLaw

if TYPE_CHECKING:
    from varlab.simulate import Assertion

Array = NDArray[np.float64]

# Chance that a sample speaks against a true statement, per check. With some thirty checks a ledger at
# any seed has a false verdict once in 30,000 runs.
RATE = 1e-6
# Two-sided normal quantile of it.
QUANTILE = -float(ndtri(RATE / 2))


class HasMoments(Protocol):
    """A law with its moments."""

    def mean(self) -> float:
        """E[psi]."""

    def var(self) -> float:
        """Var[psi]."""

    def moment(self, k: float, /) -> float:
        """E[psi^k]."""


@dataclass(frozen=True)
class Power:
    """The law of psi^power, from the law of psi."""

    base: HasMoments
    power: int

    def mean(self) -> float:
        """E[psi^power]."""
        return self.base.moment(self.power)

    def var(self) -> float:
        """Var[psi^power]; for a power above 1 by subtraction, which cancels where it is small."""
        if self.power == 1:
            return self.base.var()
        return self.base.moment(2 * self.power) - self.mean() ** 2

    def moment(self, k: float, /) -> float:
        """E[psi^(power k)]."""
        return self.base.moment(self.power * k)


def simulation_seed(seed: int, name: str) -> int:
    """Seed of the named simulation under the ledger's root seed."""
    return int(seed_sequence(seed, "claims", name).generate_state(1)[0])


def fourth_central(law: HasMoments) -> float:
    """E[(psi - E psi)^4]; infinite where E[psi^4] is."""
    mean, second, third, fourth = (float(law.moment(k)) for k in (1, 2, 3, 4))
    if not math.isfinite(fourth):
        return math.inf
    return fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4


def variance_radius(law: RateLaw, n: int, rate: float = RATE) -> float:
    """Rigorous radius of a sample variance of ``n`` draws: the law's own tail and Bernstein's inequality.

    No central limit theorem, which has not set in where psi has few moments. NaN where E[psi^4] is
    infinite: a sample variance has no standard error there.
    """
    from varlab.simulate.inference import truncated_variance_radius

    share = rate / (2 * n)
    start = math.log(law.mean())

    def excess(beyond: float) -> float:
        return math.log(max(float(law.sf(math.exp(start + beyond))), 1e-300)) - math.log(share)

    # Powers of psi up to e^60: the tail of psi is P(psi > x) ~ x^-t, and E[psi^4] needs t > 4.
    level = math.exp(start + float(brentq(excess, 0.0, 60.0, xtol=1e-3)) + 1e-3)
    return truncated_variance_radius(
        {k: float(law.moment(k)) for k in (1, 2, 3, 4)},
        law.mean(),
        law.var(),
        n=n,
        false_fail_rate=rate,
        level=level,
    )


def finding(assertion: Assertion, points: Sequence[Mapping[str, Scalar]], what: str) -> Finding:
    """What an assertion says about an exact statement; ``points`` name where it looked."""
    detail = f"{what}: {assertion.summary()}"
    if assertion.verdict == "refused":
        return Finding.silent(detail)
    worst = int(np.nanargmax(assertion.deviation))
    sampled, stated = float(assertion.estimate[worst]), float(assertion.expected[worst])
    error = abs(sampled / stated - 1) if stated else abs(sampled)
    if assertion.verdict == "agrees":
        return Finding.supports(detail, error=error)
    return Finding.refutes(
        detail,
        counterexample={
            **points[worst],
            "sampled": sampled,
            "stated": stated,
            "radius": float(assertion.radius[worst]),
        },
        error=error,
    )


@dataclass(frozen=True)
class Sampled:
    """Estimates with the radii within which the truth lies, at the joint rate :data:`RATE`.

    Attributes
    ----------
    points : sequence of mappings
        Where each was taken.
    values, radii : ndarray
    """

    points: Sequence[Mapping[str, Scalar]]
    values: Array
    radii: Array

    def deviations(self, stated: Array) -> tuple[Array, Array]:
        """Smallest and largest abs(stated/truth - 1) that the radii leave possible."""
        low, high = np.maximum(self.values - self.radii, 0), self.values + self.radii
        with np.errstate(divide="ignore"):
            ends = np.abs(np.stack([stated / low, stated / high]) - 1)
        inside = (stated >= low) & (stated <= high)
        return np.where(inside, 0.0, ends.min(axis=0)), ends.max(axis=0)

    def approximates(
        self, stated: Array, tolerance: float, what: str, foil: Array | None = None
    ) -> Finding:
        """Decide an approximation that is said to hold within ``tolerance`` at every point.

        Refutes where the deviation exceeds it beyond the radius; supports where it cannot exceed it,
        or where it need not and the same sample refutes ``foil``, the approximation it improves on.
        Else silent, with the sample it would need.
        """
        least, most = self.deviations(stated)
        shown = ", ".join(
            f"{s / v - 1:+.2%} +- {s / v * r / v:.2%} at {_place(p)}"
            for s, v, r, p in zip(stated, self.values, self.radii, self.points, strict=True)
        )
        detail = f"{what}, false-fail rate {RATE:.0e}: stated over sampled, minus 1, is {shown}"
        worst = int(np.argmax(least))
        error = float(abs(stated[worst] / self.values[worst] - 1))
        if least[worst] > tolerance:
            return Finding.refutes(
                detail,
                counterexample={
                    **self.points[worst],
                    "sampled": float(self.values[worst]),
                    "stated": float(stated[worst]),
                    "radius": float(self.radii[worst]),
                },
                error=error,
            )
        if most.max() <= tolerance:
            return Finding.supports(detail, error=error)
        if foil is not None and self.deviations(foil)[0].max() > tolerance:
            off = int(np.argmax(self.deviations(foil)[0]))
            return Finding.supports(
                f"{detail}; the same sample refutes the one it improves on, off by "
                f"{foil[off] / self.values[off] - 1:+.2%} at {_place(self.points[off])}",
                error=error,
            )
        return Finding.silent(f"{detail}; too wide to tell for a tolerance of {tolerance:.2%}")


def _place(point: Mapping[str, Scalar]) -> str:
    return ", ".join(f"{k} = {v}" for k, v in point.items())
