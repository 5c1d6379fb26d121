"""Evidence: what one check found out about one claim."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from varlab.core.errors import InputError

Scalar = bool | int | float | str | None


class EvidenceKind(StrEnum):
    """How evidence was obtained, from the strongest to the weakest."""

    SYMBOLIC = "symbolic"
    NUMERIC = "numeric"
    MONTE_CARLO = "monte-carlo"
    TRAINING = "training"

    @property
    def rank(self) -> int:
        """Strength: a proof outranks deterministic numbers, which outrank samples."""
        return -list(EvidenceKind).index(self)


@dataclass(frozen=True)
class Finding:
    """What a check function returns. Built by :meth:`supports`, :meth:`refutes`, :meth:`silent`, :meth:`within`.

    Attributes
    ----------
    agrees : bool or None
        True: speaks for the claim; False: refutes it (then ``counterexample`` says where); None:
        could not tell.
    detail : str
        What was computed and what came out, in a sentence with its figures.
    error : float or None
        The largest deviation seen: relative unless ``detail`` says otherwise.
    counterexample : mapping or None
        The point at which the claim fails, with the values of both sides.
    domain : str or None
        The widest domain on which the check shows the claim.
    """

    agrees: bool | None
    detail: str
    error: float | None = None
    counterexample: Mapping[str, Scalar] | None = None
    domain: str | None = None

    @classmethod
    def supports(
        cls, detail: str, *, error: float | None = None, domain: str | None = None
    ) -> Finding:
        """The check speaks for the claim; ``detail``, ``error``, ``domain`` as in :class:`Finding`."""
        return cls(True, detail, error=error, domain=domain)

    @classmethod
    def refutes(
        cls,
        detail: str,
        *,
        counterexample: Mapping[str, Scalar],
        error: float | None = None,
        domain: str | None = None,
    ) -> Finding:
        """The claim fails at ``counterexample``; ``domain`` says where it does hold, if anywhere.

        ``detail`` and ``error`` as in :class:`Finding`.

        Raises
        ------
        InputError
            The counterexample is empty.
        """
        if not counterexample:
            raise InputError("a refutation needs a counterexample; got an empty one")
        values = {name: _told(value) for name, value in counterexample.items()}
        return cls(False, detail, error, values, domain)

    @classmethod
    def silent(cls, reason: str) -> Finding:
        """The check could not tell, and ``reason`` says why."""
        return cls(None, reason)

    @classmethod
    def within(
        cls,
        error: float,
        tolerance: float,
        detail: str,
        *,
        worst: Mapping[str, Scalar],
        domain: str | None = None,
    ) -> Finding:
        """Decide an approximation: its largest ``error``, at the point ``worst``, against ``tolerance``.

        An error that is NaN refutes. ``detail`` and ``domain`` as in :class:`Finding`.
        """
        if error <= tolerance:
            return cls.supports(detail, error=error, domain=domain)
        return cls.refutes(detail, counterexample=worst, error=error, domain=domain)


@dataclass(frozen=True)
class Evidence:
    """A finding together with the kind of check that made it and the seconds it took."""

    kind: EvidenceKind
    finding: Finding
    seconds: float

    @property
    def agrees(self) -> bool | None:
        """See :class:`Finding`."""
        return self.finding.agrees


def _told(value: Scalar) -> Scalar:
    """A value that JSON can hold: in words where it is not finite, such as an interval's missing end."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "undefined" if math.isnan(value) else "infinite" if value > 0 else "-infinite"
