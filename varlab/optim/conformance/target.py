"""A target's factory: calling it, its name and version, and the lines that import it."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable
from typing import Any

from varlab import __version__
from varlab.core import InputError

Factory = Callable[..., Any]


def construct(factory: Factory, params: object, *, name: str, **hyper: object) -> Any:
    """Call ``factory`` and check that it returned an optimiser.

    Raises
    ------
    InputError
        When the call raises, or what it returns has no ``param_groups`` and ``step()``.
    """
    try:
        optimizer = factory(params, **hyper)
    except (Exception, SystemExit) as error:
        given = "".join(f", {key}={value!r}" for key, value in hyper.items())
        raise InputError(
            f"target {name!r}: factory(params{given}) raises {shown_error(error)}"
        ) from None
    if not hasattr(optimizer, "param_groups") or not callable(getattr(optimizer, "step", None)):
        raise InputError(
            f"target {name!r}: the factory returned {shown(optimizer)}, no optimiser; "
            f"return a torch.optim.Optimizer or an adapter with param_groups and step()"
        )
    return optimizer


def version_of(factory: Factory) -> str:
    """Version of the distribution that holds ``factory``; empty when it belongs to none."""
    module = str(getattr(_innermost(factory), "__module__", ""))
    top = module.partition(".")[0]
    if top == "varlab":
        adapted = getattr(_innermost(factory), "adapts", "")
        if not adapted:
            return __version__
        top = str(adapted)
    for distribution in _distributions().get(top, ()):
        return importlib.metadata.version(distribution)
    return ""


def name_of(factory: Factory) -> str:
    """``module:qualified name`` of a factory."""
    inner = _innermost(factory)
    module = getattr(inner, "__module__", type(inner).__module__)
    return f"{module}:{getattr(inner, '__qualname__', type(inner).__qualname__)}"


def import_lines(factory: Factory, name: str) -> str:
    """Source lines that make ``factory`` available to a script under that name."""
    options = _options(factory)
    bound = (
        f"\nfactory = functools.partial(factory, "
        f"{', '.join(f'{key}={value!r}' for key, value in options.items())})"
        if options
        else ""
    )
    spelled = name.split(" ")[0] if ":" in name else name_of(factory)
    place, _, attribute = spelled.rpartition(":")
    head, _, rest = attribute.partition(".")
    if place.endswith(".py"):
        lines = f'import runpy\n\nfactory = runpy.run_path({place!r})["{head}"]'
        lines += f".{rest}" if rest else ""
    elif rest or not attribute.isidentifier():
        usable = attribute.replace(".", "").isidentifier()
        lines = (
            f"import {place}\n\nfactory = {place}.{attribute}" if usable else _unnamed(attribute)
        )
    else:
        lines = f"from {place} import {attribute} as factory"
    return ("import functools\n" if options else "") + lines + bound


def _unnamed(attribute: str) -> str:
    return f"factory = ...  # {attribute}: put your factory here"


def _innermost(factory: Factory) -> Factory:
    return _innermost(factory.func) if isinstance(factory, functools.partial) else factory


def _options(factory: Factory) -> dict[str, object]:
    if isinstance(factory, functools.partial):
        return {**_options(factory.func), **factory.keywords}
    return {}


@functools.cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


def shown_error(error: BaseException) -> str:
    """Type and message on one line."""
    return f"{type(error).__name__}: {_line(str(error))}"


def shown(value: object) -> str:
    """Type and value on one line."""
    return f"{type(value).__name__} {_line(repr(value))}"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:117] + "..."
