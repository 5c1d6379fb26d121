"""Numbers as JSON can hold them."""

from __future__ import annotations

import math
from typing import SupportsFloat


def json_number(value: SupportsFloat | None) -> float | None:
    """``value`` as a float; None for what is missing, infinite or not a number: JSON has none of these."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None
