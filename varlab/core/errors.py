"""Errors that name the value, the domain and the remedy."""

from __future__ import annotations


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
        shown = " ".join(repr(got).split())
        if len(shown) > 80:
            shown = shown[:77] + "..."
        raise DomainError(f"{name} must {domain}; got {shown}" + (f"; {remedy}" if remedy else ""))
