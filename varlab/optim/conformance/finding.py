"""A finding about a target: its grade, one sentence, and a script that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How bad a finding is; only a ``fault`` makes a target differ."""

    DIALECT = "dialect"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One thing found out about a target.

    Attributes
    ----------
    grade : Grade
    sentence : str
        What was found, with its figures.
    reproduction : str
        A self-contained Python script that needs only torch and the target; it prints what it
        sees and exits with status 1 if the finding shows. Empty for dialects.
    """

    grade: Grade
    sentence: str
    reproduction: str = ""

    def __str__(self) -> str:
        return f"{self.grade}: {self.sentence}"


def dialect(sentence: str) -> Finding:
    """A choice that known implementations make differently."""
    return Finding(Grade.DIALECT, sentence)


def note(sentence: str, reproduction: str = "") -> Finding:
    """Worth knowing; no deviation from the algorithm."""
    return Finding(Grade.NOTE, sentence, reproduction)


def fault(sentence: str, reproduction: str) -> Finding:
    """A deviation from the algorithm."""
    return Finding(Grade.FAULT, sentence, reproduction)
