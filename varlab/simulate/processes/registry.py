"""Laws by name: ``law("student-t:df=5", mu=0.1)``. A new law is one file and one line here."""

from dataclasses import MISSING, fields
from importlib import import_module
from typing import Any, get_origin, get_type_hints

from varlab.core import InputError, shown
from varlab.simulate.processes.base import Process

# One module a law, in the order of `varlab simulate --list`.
MODULES: tuple[str, ...] = (
    "normal",
    "student_t",
    "cauchy",
    "laplace",
    "rademacher",
    "ar1",
    "shared_mean",
    "drift",
    "arch",
    "scale_mixture",
)


def collect() -> dict[str, type[Process]]:
    """The laws that the modules define, by name."""
    found: dict[str, type[Process]] = {}
    for module in MODULES:
        for value in vars(import_module(f"varlab.simulate.processes.{module}")).values():
            if isinstance(value, type) and issubclass(value, Process) and value is not Process:
                found[value.name] = value
    return found


LAWS = collect()


def law(text: str, **parameters: float) -> Process:
    """Build a gradient process from its name.

    Parameters
    ----------
    text : str
        ``name`` or ``name:parameter=value,...``; a list of values is written ``a/b/c``, e.g.
        ``scale-mixture:scales=1/3,weights=0.9/0.1``.
    **parameters : float
        Further parameters, such as ``mu``; those in ``text`` win.

    Raises
    ------
    InputError
        For an unknown name or parameter, a missing or repeated one, or a value that is no number.
    """
    if not isinstance(text, str):
        raise InputError(f"law must be a name such as student-t:df=5; got {shown(text)}")
    name, _, rest = text.partition(":")
    if name not in LAWS:
        raise InputError(f"law must be one of {', '.join(LAWS)}; got {name!r}")
    cls = LAWS[name]
    known = {f.name: f for f in fields(cls)}
    written: dict[str, tuple[float, ...]] = {}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise InputError(f"a parameter of {name} must read name=value; got {shown(item)}")
        key = key.strip()
        if key in written:
            raise InputError(f"{key} of {name} must be given once; got {shown(text)}")
        written[key] = _numbers(name, key, value)
    given: dict[str, Any] = {**parameters, **written}
    unknown = [key for key in given if key not in known]
    if unknown:
        raise InputError(f"{name} takes {', '.join(known)}; got {unknown[0]!r}")
    missing = [key for key, f in known.items() if f.default is MISSING and key not in given]
    if missing:
        raise InputError(f"{name} needs {missing[0]}; write {name}:{missing[0]}=VALUE")
    types = get_type_hints(cls)
    for key, values in written.items():
        several = get_origin(types[key]) is tuple
        if not several and len(values) > 1:
            raise InputError(f"{key} of {name} must be one number; got {len(values)} of them")
        given[key] = values if several else values[0]
    return cls(**given)  # every key has been checked against the fields


def _numbers(name: str, key: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split("/"))
    except ValueError:
        raise InputError(f"{key} of {name} must be a number; got {shown(text)}") from None
