"""The three protocols: what is random, what each can decide, and what it cannot."""

from __future__ import annotations

from enum import StrEnum

from varlab.core import InputError


class Assumption(StrEnum):
    """The four parts of "g_1..g_t are i.i.d. N(0, s^2)"."""

    ZERO_MEAN = "zero-mean"
    NORMALITY = "normality"
    IDENTICAL = "identical"
    INDEPENDENCE = "independence"


class Protocol(StrEnum):
    """What is random in a recording.

    ``frozen``
        Minibatches drawn with replacement at fixed parameters; the draws lie along ``step``.
    ``run``
        One training run as a time series.
    ``ensemble``
        Independently seeded replicas, compared at each step.
    """

    FROZEN = "frozen"
    RUN = "run"
    ENSEMBLE = "ensemble"

    @classmethod
    def parse(cls, name: str) -> Protocol:
        """The protocol called ``name``; :class:`InputError` names the choices."""
        try:
            return cls(name)
        except ValueError:
            choices = ", ".join(p.value for p in cls)
            raise InputError(f"protocol must be one of {choices}; got {name!r}") from None

    def cannot(self, assumption: Assumption) -> str | None:
        """Why this protocol cannot decide ``assumption``; None if it can."""
        return _CANNOT.get((self, assumption))

    @property
    def limits(self) -> tuple[str, ...]:
        """What a reader must not conclude from a report under this protocol."""
        return _LIMITS[self]

    @property
    def fewest(self) -> int:
        """Fewest independent units (draws, steps, replicas) with which a layer is tested.

        Replicas: below 24 the tails of rank statistics are heavier than their three-moment laws by
        more than a third at p = 1e-3. Draws: 32, so that 16 jackknife groups hold two draws each.
        Steps: 96; shorter series of signs have such tails, and few noise frequencies.
        """
        return {Protocol.FROZEN: 32, Protocol.RUN: 96, Protocol.ENSEMBLE: 24}[self]


_BY_CONSTRUCTION = (
    "minibatches at fixed parameters are {} by construction, which says nothing about training"
)
_CANNOT = {
    (Protocol.FROZEN, Assumption.IDENTICAL): _BY_CONSTRUCTION.format("identically distributed"),
    (Protocol.FROZEN, Assumption.INDEPENDENCE): _BY_CONSTRUCTION.format("independent"),
}
_LIMITS = {
    Protocol.FROZEN: (
        "Identity over steps and independence hold by construction here: parameters do not move. "
        "Audit a run or an ensemble for those.",
        "Its violation budget therefore has no drift and no dependence; those of a training run may "
        "be far larger.",
    ),
    Protocol.RUN: (
        "One run has no variance across runs: neither Var[log psi_t] nor the violation budget can be "
        "measured; the ensemble protocol does both.",
        "What all steps of the run share (a gradient offset drawn once per run) looks like a mean; "
        "only replicas tell a shared random offset from a mean.",
        "Normality is judged after dividing by each coordinate's smooth scale path, so a scale that "
        "changes faster than the path follows counts as volatility and heavy tails.",
    ),
    Protocol.ENSEMBLE: (
        "All four assumptions are decided across replicas; the answer speaks of the steps that were "
        "recorded and of the way in which replicas were made to differ.",
    ),
}
