"""All derivations, in the order in which a reader of the paper meets them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from varlab.theory.derivation import Derivation

# Place in the sources -> module and function that build the derivation. A new one: one line.
PLACES: tuple[tuple[str, str, str], ...] = (
    ("R §3: the first step", "first_step", "first_step"),
    ("R Eq. 6: the scaled inverse chi-square law", "inverse_chi", "law"),
    ("R Eq. 7, 2 and 8: moments and variance of psi", "inverse_chi", "moments"),
    ("R §4.2: limits and orders in rho", "inverse_chi_limits", "limits"),
    ("V: the logarithm of psi", "log_psi", "log_law"),
    ("R App. A: bounds of the digamma function", "digamma_bounds", "bounds"),
    ("R App. A: Theorem 1, the paper's own proof", "theorem1_paper", "paper_proof"),
    ("V: Theorem 1 by Gauss's sum", "theorem1_gauss", "gauss_proof"),
    ("R §3.2: moving and simple averages", "moving_average", "simple_average"),
    ("R Eq. 4: centres of mass and degrees of freedom", "moving_average", "centre_of_mass"),
    ("V: Kish's degrees of freedom", "kish", "degrees_of_freedom"),
    ("V: the exact law of vhat and psi", "exact_law", "exact_law"),
    ("V: the exact law for correlated gradients", "correlated_law", "correlated_law"),
    ("R Eq. 5: the first-order variance", "delta_method", "first_order"),
    ("R §4.2: the rectification term", "rectification", "rectification_term"),
    ("R §4.3: the shape of the warm-up", "rectification", "warmup_shape"),
    ("R §3.1: Adam-eps", "controls", "adam_eps"),
    ("R §3.1: first updates of the controls", "controls", "first_updates"),
    ("U: the second moment of the update", "warmup", "second_moment"),
    ("U: effective warm-up periods", "warmup", "effective_period"),
    ("KB §6: a second moment that starts at g_0^2", "gradient_start", "gradient_start"),
    ("A §2.1: the step bound", "step_bound", "step_bound"),
    ("A §2.1: scale invariance", "step_bound", "scale_invariance"),
)


def names() -> tuple[str, ...]:
    """``module.function`` of every derivation, in reading order."""
    return tuple(f"{module}.{function}" for _, module, function in PLACES)


def place(name: str) -> str:
    """Where in the sources the derivation ``module.function`` belongs."""
    return next(where for where, module, function in PLACES if f"{module}.{function}" == name)


def derivation(name: str) -> Derivation:
    """Build the derivation ``module.function``; KeyError for an unknown one."""
    if name not in names():
        raise KeyError(name)
    module, function = name.split(".")
    build: Callable[[], Derivation] = getattr(import_module(f"varlab.theory.{module}"), function)
    return build()
