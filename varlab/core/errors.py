"""Errors that name the value, the domain and the remedy."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any


class InputError(ValueError):
    """Input that cannot be worked with; its text is one line that a user can act on."""


class DomainError(InputError):
    """A number outside the domain of a formula, such as ``beta2 must lie in [0, 1); got 1.2``."""


def not_installed(what: str, error: ModuleNotFoundError) -> str:
    """One line for a package that ``what`` needs and that is not there: theory and numerics do without torch.

    Raises
    ------
    ModuleNotFoundError
        ``error`` itself, when it is a module of varlab that is missing: then the installation is broken.
    """
    package = (error.name or "").partition(".")[0]
    if package in ("", "varlab", "paper_figures"):
        raise error
    return f"{what} needs {package}, which is not installed; install it with pip install {package}"


def require(condition: bool, name: str, domain: str, got: object, remedy: str = "") -> None:
    """Raise :class:`DomainError` unless ``condition`` holds.

    Parameters
    ----------
    condition : bool
        What must be true.
    name, domain : str
        Read as a sentence: ``{name} must {domain}``, e.g. ``"beta2"``, ``"lie in [0, 1)"``.
    got : object
        The offending value, shown with ``repr`` and cut to a line.
    remedy : str, optional
        What to do instead.
    """
    if not condition:
        ending = f"; {remedy}" if remedy else ""
        raise DomainError(f"{name} must {domain}; got {shown(got)}{ending}")


def shown(value: object, length: int = 80) -> str:
    """``repr`` of ``value``, cut to ``length`` characters; its type where it has none, as huge integers."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= length else text[: length - 3] + "..."


def among(value: object, choices: Iterable[str]) -> bool:
    """Whether ``value`` is one of the words ``choices``; arrays, which compare element by element, are none."""
    return isinstance(value, str) and value in choices


def whole(name: str, value: Any, least: int, most: int | None = None, remedy: str = "") -> int:
    """``value`` as a Python integer of at least ``least`` (and at most ``most``).

    NumPy's integers are taken; booleans, floats and text are not. ``name`` and ``remedy`` are for the
    message, as in :func:`require`.

    Raises
    ------
    DomainError
    """
    number: int | None
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    require(
        number is not None and number >= least, name, f"be an integer >= {least}", value, remedy
    )
    whole_number = operator.index(value)
    require(most is None or whole_number <= most, name, f"be at most {most}", value, remedy)
    return whole_number


def real(
    name: str, value: Any, domain: str, inside: Callable[[float], bool], remedy: str = ""
) -> float:
    """``value`` as a Python float that is ``inside`` the domain; NaN is outside every domain.

    NumPy's numbers and torch's are taken; booleans, complex numbers and text are not. ``name``, ``domain``
    and ``remedy`` are for the message, as in :func:`require`.

    Raises
    ------
    DomainError
    """
    number = math.nan
    # Of NumPy's scalars truth values and times turn into numbers, too.
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    if not isinstance(value, bool | str | bytes | complex) and kind in "iuf":
        try:
            # A tensor that requires grad warns when it is made a number.
            number = float(value.detach() if hasattr(value, "detach") else value)
        except (TypeError, ValueError, OverflowError, RuntimeError):  # the last: torch's tensors
            number = math.nan
    require(not math.isnan(number) and inside(number), name, domain, value, remedy)
    return number


def told(error: BaseException, length: int = 160) -> str:
    """Type and message of an ``error`` that was not ours, on one line of about ``length`` characters."""
    try:
        text = " ".join(str(error).split())[:length]
    except Exception:  # a message that cannot be made is none
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
