"""Laws by name: ``law("student-t:df=5", mu=0.1)``. A new law is one file and one line here."""

from dataclasses import MISSING, fields

from varlab.core import InputError
from varlab.simulate.processes.ar1 import AR1
from varlab.simulate.processes.arch import ARCH
from varlab.simulate.processes.base import Process
from varlab.simulate.processes.drift import Drift
from varlab.simulate.processes.laplace import Laplace
from varlab.simulate.processes.normal import Normal
from varlab.simulate.processes.rademacher import Rademacher
from varlab.simulate.processes.scale_mixture import ScaleMixture
from varlab.simulate.processes.shared_mean import SharedMean
from varlab.simulate.processes.student_t import StudentT

LAWS: dict[str, type[Process]] = {
    cls.name: cls
    for cls in (
        Normal,
        StudentT,
        Laplace,
        Rademacher,
        AR1,
        SharedMean,
        Drift,
        ARCH,
        ScaleMixture,
    )
}


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
        For an unknown name or parameter, a missing one, or a value that is no number.
    """
    if not isinstance(text, str):
        raise InputError(f"law must be a name such as student-t:df=5; got {text!r}")
    name, _, rest = text.partition(":")
    if name not in LAWS:
        raise InputError(f"law must be one of {', '.join(LAWS)}; got {name!r}")
    cls = LAWS[name]
    known = {f.name: f for f in fields(cls)}
    given: dict[str, object] = dict(parameters)
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise InputError(f"a parameter of {name} must read name=value; got {item!r}")
        given[key.strip()] = _number(name, key.strip(), value)
    unknown = [key for key in given if key not in known]
    if unknown:
        raise InputError(f"{name} takes {', '.join(known)}; got {unknown[0]!r}")
    missing = [key for key, f in known.items() if f.default is MISSING and key not in given]
    if missing:
        raise InputError(f"{name} needs {missing[0]}; write {name}:{missing[0]}=VALUE")
    return cls(**given)  # every key has been checked against the fields


def _number(name: str, key: str, text: str) -> float | tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split("/"))
    except ValueError:
        raise InputError(f"{key} of {name} must be a number; got {text!r}") from None
    return values if key in ("scales", "weights") else values[0]
