"""All claims, in the order of the ledger. A new claim: one module with ``CLAIMS``, one line below."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from importlib import import_module

from varlab.core import Claim, InputError, shown

# One module a theme, in the order of the ledger's sections.
MODULES: tuple[str, ...] = (
    "first_step",
    "inverse_chi_law",
    "theorem1",
    "appendix_a",
    "variance_decay",
    "moving_average",
    "exact_law",
    "gaussian_law",
    "delta_method",
    "rectification",
    "adaptive_steps",
    "rectifiers",
    "controls",
    "figure9",
    "untuned_warmup",
    "gi_adam",
    "adam_step_bound",
    "optimiser_blogs",
    "reported_results",
    "gradients",
    "training_runs",
)


def sections() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Title (the first line of the module's docstring) and claim ids of each module, in order."""
    loaded = (import_module(f"varlab.claims.{name}") for name in MODULES)
    return tuple(
        (
            (module.__doc__ or module.__name__).splitlines()[0].rstrip("."),
            tuple(claim.id for claim in module.CLAIMS),
        )
        for module in loaded
    )


def collect(modules: Iterable[str] = MODULES) -> dict[str, Claim]:
    """Claims by id, in order; a duplicate id raises."""
    claims: dict[str, Claim] = {}
    for module in modules:
        for claim in import_module(f"varlab.claims.{module}").CLAIMS:
            if claim.id in claims:
                raise InputError(f"claim id {claim.id} is declared twice; choose another id")
            claims[claim.id] = claim
    return claims


def select(patterns: str | Iterable[str] | None, claims: dict[str, Claim]) -> tuple[Claim, ...]:
    """The claims whose ids match any of the ids or globs, in the ledger's order; all when None."""
    if patterns is None:
        return tuple(claims.values())
    if not isinstance(patterns, str | Iterable):
        raise InputError(f"ids must be claim ids such as radam.eq6.mean; got {shown(patterns)}")
    patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    if not patterns:
        raise InputError("ids must name at least one claim; got none; leave it out to decide all")
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise InputError(f"a claim id is a text such as radam.eq6.mean; got {shown(pattern)}")
        if not any(fnmatchcase(name, pattern) for name in claims):
            raise InputError(
                f"no claim matches {shown(pattern)}; `varlab verify --list` shows the {len(claims)} ids"
            )
    return tuple(c for c in claims.values() if any(fnmatchcase(c.id, p) for p in patterns))
