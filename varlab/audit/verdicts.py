"""Three-valued verdicts from equivalence bands: holds, violated, undecided; never from a p-value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from scipy import stats

from varlab.audit.assumptions.edge import EdgeLaw
from varlab.core import real

# Smallest share of a layer's cells (steps of coordinates) that must vary before the layer can hold.
LEAST_LIVE = 0.5
POWER = 0.8  # the conventional power at which a minimum detectable effect is quoted


class AuditVerdict(StrEnum):
    """The interval lies inside the band, outside of it, or neither."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Bands:
    """Largest effects that still count as "the assumption holds".

    Attributes
    ----------
    zero_mean : float
        abs(mu)/s. 0.2: the mean makes up 4% of E[g^2].
    normality : float
        Root-mean-square distance of L-kurtosis from that of a normal. 0.03: Student t with 10 degrees
        of freedom, which raises the variance of g^2 by half.
    skewness : float
        Root-mean-square L-skewness. 0.13: a gamma law of shape 6, which raises that variance as much.
    identical : float
        Root-mean-square deviation of log scale along the steps. 0.15: a linear drift by e^-0.5, which
        raises the variance of vhat by 9%.
    adjacent : float
        Root-mean-square correlation of neighbouring steps, of the gradients and of their squares.
    long_range : float
        The same over all pairs of steps (``run``: over further lags). Tighter, because a correlation
        c of all squares multiplies the variance of vhat by about 1 + c n_t.
    """

    zero_mean: float = 0.2
    normality: float = 0.03
    skewness: float = 0.13
    identical: float = 0.15
    adjacent: float = 0.1
    long_range: float = 0.05

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            real(f"band {field.name}", value, "lie in (0, 1)", lambda v: 0 < v < 1)


def _identity(value: float) -> float:
    return value


def root(value: float) -> float:
    """Effect from an estimated square, which may come out negative by chance."""
    return math.sqrt(max(value, 0.0))


def square(value: float) -> float:
    """Inverse of :func:`root`."""
    return value * value


def named(name: str, live: float) -> str:
    """``name``, with the share of the cells that it speaks of where that is not all of them."""
    return name if live == 1 else f"{name} (over the {100 * live:.2g}% of cells that vary)"


@dataclass(frozen=True)
class Effect:
    """One effect size of a layer, with its interval and band.

    It is estimated on a scale on which it is unbiased (for an unsigned effect: its square) and
    reported on the scale of the band; ``report`` is the increasing map between them.

    Attributes
    ----------
    name : str
    estimate, se : float
        On the scale of estimation; ``se`` from independent units, so that correlated coordinates
        count for what they are.
    df : float
        Degrees of freedom of ``se``.
    band : tuple of float
        On the reported scale.
    report, estimated : callable
        Scale of estimation to reported scale, and back.
    edge : EdgeLaw, optional
        Of an unsigned effect, on the scale of estimation: gives the interval its upper end where
        that lies above what ``se`` gives.
    bounded : bool
        False where too little of the layer has data: the interval has no upper end then, since
        nothing is known of the rest.
    """

    name: str
    estimate: float
    se: float
    df: float
    band: tuple[float, float]
    report: Callable[[float], float] = _identity
    estimated: Callable[[float], float] = _identity
    edge: EdgeLaw | None = None
    bounded: bool = True

    @property
    def value(self) -> float:
        """The effect, on the scale of the band."""
        return self.report(self.estimate)

    @property
    def known(self) -> bool:
        """Whether there is an interval at all."""
        return math.isfinite(self.estimate) and math.isfinite(self.se)

    def ci(self, level: float) -> tuple[float, float]:
        """Interval of confidence ``1 - level`` on the scale of the band."""
        half = float(stats.t.isf(level / 2, self.df)) * self.se
        low, high = self.report(self.estimate - half), self.estimate + half
        if not self.bounded:
            return low, math.inf
        if self.edge is not None and self.known:
            high = max(high, self.edge.upper(self.estimate, level / 2))
        return low, self.report(high)

    def verdict(self, level: float) -> AuditVerdict:
        """The interval against the band."""
        if not self.known:
            return AuditVerdict.UNDECIDED
        low, high = self.ci(level)
        if self.band[0] <= low and high <= self.band[1]:
            return AuditVerdict.HOLDS
        if low > self.band[1] or high < self.band[0]:
            return AuditVerdict.VIOLATED
        return AuditVerdict.UNDECIDED

    def pvalue_outside(self) -> float:
        """One-sided p-value against "the effect lies in the band"; at most a/2 iff violated at level a."""
        if not self.known:
            return 1.0
        above = self.estimate - self.estimated(self.band[1])
        below = self.estimated(self.band[0]) - self.estimate if self.band[0] < 0 else -math.inf
        gap = max(above, below)
        if self.se == 0:
            return 0.0 if gap > 0 else 1.0
        return float(stats.t.sf(gap / self.se, self.df))

    def minimum_detectable(self, level: float) -> float:
        """Smallest true effect that this sample would call violated with probability 0.8.

        Uses the standard error of this sample, so it is approximate.
        """
        if not self.known:
            return math.nan
        reach = float(stats.t.isf(level / 2, self.df) + stats.norm.ppf(POWER)) * self.se
        return self.report(self.estimated(self.band[1]) + reach)

    @property
    def strain(self) -> float:
        """How far the estimate lies out, in half widths of the band."""
        if not self.known:
            return -math.inf
        low, high = self.band
        centre = (low + high) / 2 if low < 0 else 0.0
        return abs(self.value - centre) / (high - centre)


@dataclass(frozen=True)
class Decision:
    """A verdict together with the effect that made it, at the level its interval was taken."""

    verdict: AuditVerdict
    effect: Effect
    level: float


def decide(effects: Sequence[Effect], level: float) -> Decision:
    """One verdict from several effects of one assumption.

    Each effect's interval has level ``level / len(effects)`` (Bonferroni): violated if any is,
    holds if all do. The effect that is shown is the one, among those with the final verdict, that
    lies furthest out.
    """
    each = level / len(effects)
    verdicts = [effect.verdict(each) for effect in effects]
    if AuditVerdict.VIOLATED in verdicts:
        final = AuditVerdict.VIOLATED
    elif all(v is AuditVerdict.HOLDS for v in verdicts):
        final = AuditVerdict.HOLDS
    else:
        final = AuditVerdict.UNDECIDED
    candidates = [e for e, v in zip(effects, verdicts, strict=True) if v is final]
    return Decision(final, max(candidates, key=lambda e: e.strain), each)
