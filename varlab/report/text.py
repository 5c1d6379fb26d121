"""How numbers and empty fields are shown, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping


def number(value: float | None) -> str:
    """Two significant digits; an empty field for None; powers of ten only where they help."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def point(values: Mapping[str, object] | None) -> str:
    """A counterexample on one line: ``rho = 3, left = 1.09``."""
    if not values:
        return ""
    return ", ".join(f"{name} = {_value(value)}" for name, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
