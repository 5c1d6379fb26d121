"""What holds for every gradient process of the registry, taken from the fields of its dataclass.

A process that needs a special value of a parameter is none of these helpers' cases: it gets its tests by hand.
"""

from dataclasses import MISSING, fields
from typing import get_origin, get_type_hints

from varlab.core import InputError
from varlab.simulate import LAWS

# Tried in turn for the parameters without a default.
TRIED = (0.5, 2.0, 5.0, -0.5)
NAN, INF = float("nan"), float("inf")
NO_NUMBER = ("x", None, 1j, True, NAN, INF, -INF)
NO_TUPLE = (1.0, None, "x", [1.0], ("x",), (None,), (True,), (NAN,), (INF,), (-INF,))


def required(kind):
    """Names of the parameters without a default."""
    return [f.name for f in fields(kind) if f.default is MISSING]


def example(kind, **changes):
    """A process of this kind, its required parameters set to the first number that it takes."""
    for value in TRIED:
        try:
            kind(**dict.fromkeys(required(kind), value))
        except InputError:
            continue
        return kind(**{**dict.fromkeys(required(kind), value), **changes})
    raise AssertionError(f"no example of {kind.__name__} in every_process.TRIED")


def text(kind):
    """The same as the command line writes it."""
    one = example(kind)
    written = ",".join(f"{name}={getattr(one, name)!r}" for name in required(kind))
    return f"{kind.name}:{written}" if written else kind.name


def parameters(kind):
    """Each parameter's name with whether it is a tuple."""
    types = get_type_hints(kind)
    return [(f.name, get_origin(types[f.name]) is tuple) for f in fields(kind)]


def bad_parameters():
    """(process, parameter, value) for every one that no process may take: no finite number, no tuple of them."""
    return [
        (kind, name, value)
        for kind in LAWS.values()
        for name, several in parameters(kind)
        for value in (NO_TUPLE if several else NO_NUMBER)
    ]
