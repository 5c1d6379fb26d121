"""Objects of the user's own, named on the command line: ``module:name`` or ``path/to/file.py:name``."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from varlab.core.errors import InputError, told

FORMS = "module:name or path/to/file.py:name"
# Parts between dots are whatever importlib takes, which is more than Python's own names.
_MODULE = re.compile(r"[^\s./\\:]+(\.[^\s./\\:]+)*")


def load_object(target: str) -> Any:
    """The object that ``target`` names.

    Parameters
    ----------
    target : str
        ``package.module:name`` or ``path/to/file.py:name``; ``name`` may be dotted.

    Raises
    ------
    InputError
        When it has another form, the module does not import, or has no such name; one line.
    """
    place, _, name = target.rpartition(":")
    path = place.endswith(".py")
    if not all(name.split(".")) or not (path or _MODULE.fullmatch(place)):
        raise InputError(f"a target has the form {FORMS}; got {target!r}")
    found: Any = _load_file(place) if path else _load_module(place)
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise InputError(f"{place} has no {name!r}; check the name after the colon") from None
    return found


def load_callable(target: str) -> Any:
    """As :func:`load_object`; the object must be callable."""
    found = load_object(target)
    if not callable(found):
        raise InputError(f"{target} is a {type(found).__name__}, not callable; name a factory")
    return found


@contextmanager
def users_code(what: str) -> Iterator[None]:
    """What the user's own code raises in here is bad input: ``{what} raised KeyError: 'x'``.

    ``sys.exit()`` counts as raising: it must not end varlab with a status of its own. Ctrl-C does not.
    """
    try:
        yield
    except (InputError, MemoryError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        raise InputError(f"{what} raised {told(error)}") from error


def _load_module(place: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # Whatever a user's module raises while it loads is bad input here.
        raise InputError(f"cannot import {place}: {told(error)}") from error


def _load_file(place: str) -> ModuleType:
    path = Path(place).resolve()
    if not path.is_file():
        raise InputError(f"no file {place}; give the path of a Python file")
    # A name of its own, so that two files called alike do not shadow each other.
    name = f"varlab_target_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"cannot import {place}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise InputError(f"cannot import {place}: {told(error)}") from error
    return module
