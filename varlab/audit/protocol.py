"""The three protocols: what is random, what each can decide, and what it cannot."""

from __future__ import annotations

from enum import StrEnum

from varlab.core import InputError, shown
from varlab.core.samplers import WITH_REPLACEMENT


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
        except (ValueError, TypeError):
            choices = ", ".join(p.value for p in cls)
            raise InputError(f"protocol must be one of {choices}; got {shown(name)}") from None

    def cannot(self, assumption: Assumption, sampler: str) -> str | None:
        """Why this protocol cannot decide ``assumption``; None if it can.

        ``sampler``: how minibatches were drawn, in the words of a recording.
        """
        what = _FROZEN_CANNOT.get(assumption) if self is Protocol.FROZEN else None
        if what is None:
            return None
        if sampler == WITH_REPLACEMENT:
            return (
                f"minibatches at fixed parameters are {what} by construction, which says nothing "
                "about training"
            )
        return (
            f"whether minibatches are {what} is not known: the task's batches may not be drawn with "
            "replacement, and fixed parameters say nothing about training"
        )

    def limits(self, sampler: str) -> tuple[str, ...]:
        """What a reader must not conclude from a report under this protocol."""
        if self is Protocol.FROZEN and sampler != WITH_REPLACEMENT:
            return (_UNKNOWN_DRAWS, *_LIMITS[self])
        return _LIMITS[self]

    def require_recorded_as(self, recorded: Protocol) -> None:
        """Raise unless a recording made under ``recorded`` can be assessed under this protocol.

        Raises
        ------
        InputError
        """
        if self is recorded or (self is Protocol.RUN and recorded is Protocol.ENSEMBLE):
            return
        lacks = {
            Protocol.FROZEN: "holds training steps, not draws at fixed parameters",
            Protocol.RUN: "holds draws at fixed parameters, not training steps",
            Protocol.ENSEMBLE: "has no replicas to compare",
        }[self]
        raise InputError(f"a recording under {recorded} {lacks}; record one with protocol {self}")

    def shortfall(self, units: int) -> str | None:
        """``too few independent replicas: 16, needs at least 24``; None if there are enough."""
        if units >= self.fewest:
            return None
        which = " independent" if self is Protocol.ENSEMBLE else ""
        return f"too few{which} {self.units}: {units}, needs at least {self.fewest}"

    @property
    def units(self) -> str:
        """What is independent under the null."""
        return {Protocol.FROZEN: "draws", Protocol.RUN: "steps", Protocol.ENSEMBLE: "replicas"}[
            self
        ]

    @property
    def fewest(self) -> int:
        """Fewest independent units (draws, steps, replicas) with which a layer is tested.

        Replicas: below 24 the tails of rank statistics are heavier than their three-moment laws by
        more than a third at p = 1e-3. Draws: 32, so that 16 jackknife groups hold two draws each.
        Steps: 96; shorter series of signs have such tails, and few noise frequencies.
        """
        return {Protocol.FROZEN: 32, Protocol.RUN: 96, Protocol.ENSEMBLE: 24}[self]


_FROZEN_CANNOT = {
    Assumption.IDENTICAL: "identically distributed",
    Assumption.INDEPENDENCE: "independent",
}
_UNKNOWN_DRAWS = (
    "How this task draws its batches is not known. P-values and intervals take them for independent; "
    "drawn without replacement they are anti-correlated, and a fixed order repeats them. Give its "
    "batches a method with_replacement()."
)
_LIMITS = {
    Protocol.FROZEN: (
        "Identity over steps and independence cannot fail through training here: parameters do not "
        "move. Audit a run or an ensemble for those.",
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
