"""What packages export says what it takes and what it refuses, where a reader looks for it."""

import ast
import enum
import importlib
import inspect
import re
import textwrap

import pytest

from varlab.core import whole

PACKAGES = (
    "varlab",
    "varlab.core",
    "varlab.numerics",
    "varlab.optim",
    "varlab.optim.conformance",
    "varlab.optim.schedules",
    "varlab.simulate",
    "varlab.simulate.processes",
    "varlab.tasks",
    "varlab.tasks.builtin",
    "varlab.tasks.experiments",
)


def is_ours(thing):
    return (getattr(thing, "__module__", None) or "").startswith("varlab")


# Calls that raise on bad input.
DOORS = {"InputError", "DomainError", "require", "real", "whole"}
DOORS |= {"numbers", "number", "mean_and_scale", "steps", "decay"}  # of varlab.numerics.inputs


def public():
    """Dotted name -> exported function or class, and the methods that a class of ours gives it.

    Each with the class that defines it, None for what is no method.
    """
    found = {}
    for package in map(importlib.import_module, PACKAGES):
        for name in package.__all__:
            thing = getattr(package, name)
            if is_ours(thing) and (inspect.isclass(thing) or inspect.isfunction(thing)):
                found[f"{thing.__module__}.{name}"] = (thing, None)
    for thing, _ in list(found.values()):
        for owner in filter(is_ours, thing.__mro__ if inspect.isclass(thing) else ()):
            for key, member in vars(owner).items():
                member = getattr(member, "__func__", member)  # of a class method
                described = inspect.isfunction(member) or isinstance(member, property)
                if described and key[0] != "_" and key not in inspect.get_annotations(owner):
                    found[f"{owner.__module__}.{owner.__qualname__}.{key}"] = (member, owner)
    return found


PUBLIC = public()
CALLABLE = [name for name, (thing, _) in PUBLIC.items() if not isinstance(thing, property)]


def inherits_its_words(thing, owner):
    """Whether a method does what the method of a parent class says, or a class is built as its parent."""
    if inspect.isclass(thing):
        own = "__init__" in vars(thing) or inspect.get_annotations(thing)
        return issubclass(thing, enum.Enum) or getattr(thing, "_is_protocol", False) or not own
    return owner is not None and any(
        hasattr(parent, thing.__name__) for parent in owner.__mro__[1:]
    )


def words(thing):
    init = vars(thing).get("__init__") if inspect.isclass(thing) else None
    return f"{thing.__doc__ or ''}\n{getattr(init, '__doc__', None) or ''}"


def parameters_unnamed(thing):
    names = (p.name for p in inspect.signature(thing).parameters.values())
    return [
        n for n in names if n not in ("self", "cls") and not re.search(rf"\b{n}\b", words(thing))
    ]


def doors(thing):
    """The calls by which a function, or the making of an object, refuses bad input."""
    bodies = [thing]
    if inspect.isclass(thing):
        bodies = [vars(thing)[n] for n in ("__init__", "__post_init__") if n in vars(thing)]
        bodies = [
            body for body in bodies if is_ours(body) and "<string>" not in body.__code__.co_filename
        ]
    called = {
        ast.unparse(node.func).rpartition(".")[2]
        for body in bodies
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(body))))
        if isinstance(node, ast.Call)
    }
    return called & DOORS


def says_what_it_refuses(thing):
    return re.search(r"Raises|raises|Error\b", words(thing)) is not None


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_described(name):
    assert (PUBLIC[name][0].__doc__ or "").strip()


@pytest.mark.parametrize("name", CALLABLE)
def test_parameters_are_named(name):
    thing, owner = PUBLIC[name]
    assert inherits_its_words(thing, owner) or parameters_unnamed(thing) == []


@pytest.mark.parametrize("name", CALLABLE)
def test_errors_are_named(name):
    thing, owner = PUBLIC[name]
    inherits = owner is not None and inherits_its_words(thing, owner)
    assert inherits or not doors(thing) or says_what_it_refuses(thing)


def test_a_gap_is_found():
    def silent(beta2, steps):
        """Something of ``beta2``."""
        whole("steps", steps, 1)
        return beta2

    assert parameters_unnamed(silent) == ["steps"]
    assert doors(silent) == {"whole"}
    assert not says_what_it_refuses(silent)
