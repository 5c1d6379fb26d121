"""The kinds of statement that the ledger knows."""

from enum import StrEnum


class ClaimKind(StrEnum):
    """What a claim asserts; decides how evidence becomes a verdict."""

    EXACT = "exact"
    INEQUALITY = "inequality"
    APPROXIMATION = "approximation"
    EMPIRICAL = "empirical"
