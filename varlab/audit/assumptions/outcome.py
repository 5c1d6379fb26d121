"""What one assumption's tests say about one layer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from varlab.audit.verdicts import Effect

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """Coordinates one by one, and the layer's effects.

    Attributes
    ----------
    pvalues, coordinate_effects : ndarray, shape (coordinate,)
        Test of the point null and effect size of each coordinate.
    effects : tuple of Effect
        Of the layer.
    details : mapping
        Further numbers for the report, by name.
    reason : str
        Why the effects have no interval, where that is so.
    """

    pvalues: Array
    coordinate_effects: Array
    effects: tuple[Effect, ...]
    details: dict[str, float] = field(default_factory=dict)
    reason: str = ""
