"""What every public function asks of its arguments, checked once at the door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varlab.core.arrays import as_array
from varlab.core.errors import require

Array: TypeAlias = NDArray[np.float64]
Complex: TypeAlias = NDArray[np.complex128]

# Squares of scales up to here stay in the range of float64.
EXTREME = 1e150
# ... and fourth powers of mu/sigma, of which E[vhat^2] is made.
LARGEST_SHIFT = 1e70


def numbers(
    name: str,
    value: ArrayLike,
    domain: str,
    inside: Callable[[Array], NDArray[np.bool_]],
    remedy: str = "",
) -> Array:
    """``value`` as a float64 array, every entry of it inside the domain.

    Parameters
    ----------
    name, domain : str
        Read as ``{name} must {domain}`` in the error.
    value : array_like
        Integers or floats, torch's tensors included; booleans, complex numbers and text are refused.
    inside : callable
        Element-wise membership; NaN must come out False.

    Raises
    ------
    DomainError
        Naming the first entry outside.
    """
    raw = as_array(value)
    require(raw.dtype.kind in "iuf", name, domain, value, remedy or "give real numbers")
    array = np.asarray(raw, dtype=np.float64)
    ok = inside(array)
    if not np.all(ok):
        offender = float(array[~ok].flat[0])
        shown = int(offender) if raw.dtype.kind in "iu" else offender
        require(False, name, domain, shown, remedy)
    return array


def number(
    name: str, value: ArrayLike, domain: str, inside: Callable[[Array], NDArray[np.bool_]]
) -> float:
    """One real number inside the domain, as a Python float."""
    array = numbers(name, value, domain, inside)
    require(array.ndim == 0, name, "be one number", value)
    return float(array)


def mean_and_scale(mu: ArrayLike, sigma: ArrayLike) -> tuple[float, float]:
    """Mean and standard deviation of gradients, within the range of float64 together with psi's.

    Raises
    ------
    DomainError
        For mu not finite, sigma not finite or not positive, or a scale whose square or whose inverse
        square leaves the range of float64.
    """
    centre = number("mu", mu, "be finite", finite)
    scale = number("sigma", sigma, "be finite and > 0", positive)
    for name, size, most in (
        ("sigma", scale, EXTREME),
        ("1/sigma", 1.0 / scale, EXTREME),
        ("mu/sigma", centre / scale, LARGEST_SHIFT),
    ):
        require(abs(size) <= most, name, f"be at most {most:g} in size", size, "rescale both")
    return centre, scale


def finite(array: Array) -> NDArray[np.bool_]:
    """Membership of the real line."""
    return np.isfinite(array)


def positive(array: Array) -> NDArray[np.bool_]:
    """Membership of (0, inf)."""
    return np.greater(array, 0) & np.isfinite(array)


def below_one(array: Array) -> NDArray[np.bool_]:
    """Membership of [0, 1)."""
    return np.greater_equal(array, 0) & np.less(array, 1)


def whole_from_one(array: Array) -> NDArray[np.bool_]:
    """Membership of {1, 2, 3, ...}; the range of float64 integers is exact up to 2^53."""
    return np.greater_equal(array, 1) & np.isfinite(array) & np.equal(array, np.floor(array))


def whole_or_infinite(array: Array) -> NDArray[np.bool_]:
    """Membership of {1, 2, 3, ...} with infinity."""
    return whole_from_one(array) | np.equal(array, np.inf)


def steps(t: ArrayLike) -> Array:
    """Step numbers t = 1, 2, ..."""
    return numbers("t", t, "be an integer >= 1", whole_from_one, "steps are counted from 1")


def decay(beta: ArrayLike, name: str = "beta2") -> Array:
    """EMA decay rates in [0, 1)."""
    return numbers(name, beta, "lie in [0, 1)", below_one)


def scalar_or_array(array: Any) -> Array:
    """A 0-d result as a NumPy scalar, as NumPy's own functions return it; others unchanged."""
    result: Array = np.asarray(array, dtype=np.float64)[()]
    return result
