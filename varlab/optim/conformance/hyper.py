"""Which hyper-parameters a factory takes, and under which names."""

from __future__ import annotations

import inspect
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from varlab.core import InputError
from varlab.optim.conformance.target import Factory, construct, import_lines

# Our name of a hyper-parameter and its spellings in the wild, the most common first.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "lr": ("lr", "learning_rate"),
    "betas": ("betas",),
    "beta1": ("beta1", "b1", "beta_1"),
    "beta2": ("beta2", "b2", "beta_2"),
    "eps": ("eps", "epsilon"),
    "weight_decay": ("weight_decay", "wd"),
    "decoupled": (
        "decoupled_weight_decay",
        "weight_decouple",
        "decoupled_decay",
        "decouple_weight_decay",
    ),
    "maximize": ("maximize",),
}


@dataclass(frozen=True)
class Candidate:
    """A factory together with what is known about calling it.

    Attributes
    ----------
    factory : callable
    name : str
    names : mapping
        Our name of each hyper-parameter that the constructor takes -> the factory's name.
    held : mapping
        Our name of each one that ``param_groups`` hold -> the key there.
    fixed_betas : tuple of float or None
        The betas in force when none are given, if they can be read.
    compiled : bool
        Whether its ``step`` goes through ``torch.compile``.
    """

    factory: Factory
    name: str
    names: Mapping[str, str]
    held: Mapping[str, str]
    fixed_betas: tuple[float, float] | None
    compiled: bool = False

    def takes(self, hyper: str) -> bool:
        """Whether ``hyper`` (our name) can be set, in the constructor or in the groups."""
        return bool(self._resolve(hyper, self.names) or self._resolve(hyper, self.held))

    def per_group(self, hyper: str) -> bool:
        """Whether groups can differ in it."""
        return bool(self._resolve(hyper, self.held))

    def arguments(self, hyper: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
        """Translate our names: (constructor's keywords, values to be put into the groups)."""
        keywords: dict[str, object] = {}
        later: dict[str, object] = {}
        for key, value in hyper.items():
            if found := self._resolve(key, self.names):
                keywords |= _spread(found, value)
            else:
                later |= _spread(self._resolve(key, self.held), value)
        return keywords, later

    def overrides(self, hyper: Mapping[str, object]) -> dict[str, object]:
        """Translate our names to keys of a parameter group."""
        keys: dict[str, object] = {}
        for key, value in hyper.items():
            keys |= _spread(self._resolve(key, self.held), value)
        return keys

    def _resolve(self, hyper: str, names: Mapping[str, str]) -> tuple[str, ...]:
        """The name or names under which ``hyper`` goes; betas may be two."""
        if hyper in names:
            return (names[hyper],)
        if hyper == "betas" and "beta1" in names and "beta2" in names:
            return names["beta1"], names["beta2"]
        return ()

    def build(
        self, groups: Sequence[tuple[list[torch.Tensor], Mapping[str, object]]], **hyper: object
    ) -> Any:
        """An optimiser over ``groups`` of (parameters, overrides), hyper-parameters in our names."""
        keywords, later = self.arguments(hyper)
        plain = len(groups) == 1 and not groups[0][1]
        params: object = groups[0][0] if plain else [self.group(*g) for g in groups]
        optimizer = construct(self.factory, params, name=self.name, **keywords)
        for group, (_, overrides) in zip(optimizer.param_groups, groups, strict=True):
            group.update(later | self.overrides(overrides))
        if self.compiled:
            optimizer.step = torch.compile(optimizer.step)
        return optimizer

    def group(self, params: list[torch.Tensor], overrides: Mapping[str, object]) -> dict[str, Any]:
        """A parameter group as the constructor and ``add_param_group`` take it."""
        return {"params": params, **self.overrides(overrides)}

    @property
    def imports(self) -> str:
        """Lines by which a script gets the factory."""
        return import_lines(self.factory, self.name)


def probe(factory: Factory, name: str) -> Candidate:
    """Find out which hyper-parameters ``factory`` takes.

    A name counts when the signature lists it. For a factory with ``**kwargs`` it also counts when
    the optimiser, built without it, holds it in its first group: then it was passed on, not
    swallowed.

    Raises
    ------
    InputError
        When the factory returns no optimiser or has no learning rate to set.
    """
    listed, open_ended = _signature(factory)
    names = {ours: found for ours, s in SPELLINGS.items() if (found := _first(s, listed))}
    parameter = torch.zeros(1, requires_grad=True)
    needed = {names["lr"]: 1e-3} if "lr" in names else {}
    group = dict(construct(factory, [parameter], name=name, **needed).param_groups[0])
    held = {ours: found for ours, s in SPELLINGS.items() if (found := _first(s, group))}
    if open_ended:
        names = held | names
    if "lr" not in names and "lr" not in held:
        raise InputError(f"target {name!r}: no learning rate to set; the factory must take lr")
    betas = group.get("betas")
    fixed = (float(betas[0]), float(betas[1])) if isinstance(betas, tuple | list) else None
    return Candidate(factory, name, names, held, fixed)


def _signature(factory: Factory) -> tuple[set[str], bool]:
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # some callables of compiled modules have none
        return set(), True
    by_name = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    listed = {p.name for p in parameters if p.kind in by_name}
    return listed, any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def _spread(names: tuple[str, ...], value: object) -> dict[str, object]:
    if len(names) > 1 and isinstance(value, tuple):
        return dict(zip(names, value, strict=True))
    return dict.fromkeys(names, value)


def _first(spellings: tuple[str, ...], available: Container[str]) -> str:
    return next((s for s in spellings if s in available), "")
