"""Finding a target: ``module:factory`` or ``path.py:factory``."""

from __future__ import annotations

from varlab.core.targets import load_callable
from varlab.optim.conformance.hyper import probe
from varlab.optim.conformance.target import Factory


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
        When the text has another form, the module does not import, the attribute is not there or is
        not callable, or calling it returns no optimiser. One line each.
    """
    factory: Factory = load_callable(target)
    probe(factory, target)
    return factory
