"""Finding a target: ``module:factory`` or ``path.py:factory``."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import operator
import sys
from pathlib import Path
from types import ModuleType

from varlab.core import InputError
from varlab.optim.conformance.hyper import probe
from varlab.optim.conformance.target import Factory, shown, shown_error


def load_target(target: str) -> Factory:
    """Import the optimiser factory that ``target`` names.

    Parameters
    ----------
    target : str
        ``"module:factory"`` or ``"path/to/file.py:factory"``; the factory may be a dotted
        attribute. A factory is a class or callable ``factory(params, **hyperparameters)`` that
        returns a ``torch.optim.Optimizer``, or an object with its ``param_groups`` and ``step()``.

    Raises
    ------
    InputError
        When the text has no ``:``, the module does not import, the attribute is not there or is
        not callable, or calling it returns no optimiser. One line each.
    """
    place, colon, attribute = target.rpartition(":")
    if not colon or not place or not attribute:
        raise InputError(
            f"a target is written module:factory or path.py:factory, "
            f"such as torch.optim:RAdam; got {target!r}"
        )
    module = _module_at(Path(place)) if place.endswith(".py") else _module_named(place)
    try:
        factory: Factory = operator.attrgetter(attribute)(module)
    except AttributeError:
        raise InputError(f"target {target!r}: {place} has no attribute {attribute!r}") from None
    if not callable(factory):
        raise InputError(
            f"target {target!r}: {attribute} is no class or function but {shown(factory)}"
        )
    probe(factory, target)
    return factory


def _module_named(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise InputError(f"module {name!r} does not import: {shown_error(error)}") from None


def _module_at(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}")
    tag = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"varlab_target_{path.stem}_{tag}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"file {str(path)!r} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look a class up under its module's name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise InputError(f"file {str(path)!r} does not import: {shown_error(error)}") from None
    return module
