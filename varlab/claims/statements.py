"""Formulas of claims that are more than an expression, and that checks in several files look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sympy as sp

from varlab.claims.recursions import Array
from varlab.theory import correlated_law


@dataclass(frozen=True)
class DegenerateDecays:
    """``beta2 <= bound`` gives ``rho_inf <= threshold``."""

    bound: sp.Rational
    threshold: sp.Integer


@dataclass(frozen=True)
class Isolation:
    """A control that is said to change nothing but the variance of psi.

    Attributes
    ----------
    name : str
    size : float
        The mean size of its first update over the learning rate, which is Adam's: 1.
    """

    name: str
    size: float = 1.0


@dataclass(frozen=True)
class Monotone:
    """The statement that an expression in rho, Var[psi] at tau = 1, falls or rises on rho > ``lower``.

    ``direction`` is -1 for falling, +1 for rising.
    """

    expression: sp.Expr
    direction: int
    lower: float


@dataclass(frozen=True)
class LawStatement:
    """What varlab.exact-law states.

    Attributes
    ----------
    factor : sympy Expr
        E[exp(-z w g^2)] in z, w, s (and mu).
    variance_from : int
        First step with a finite Var[psi_t].
    squared : callable
        Weights -> the transform of AR(1) gradients to the power -2, in z, s, phi.
    """

    factor: sp.Expr
    variance_from: int = 3
    squared: Callable[[Sequence[sp.Expr]], sp.Expr] = correlated_law.determinant


@dataclass(frozen=True)
class ExactRectifier:
    """sqrt(Var[psi_inf]/Var[psi_t]) exists from ``defined_from`` on; ``degrees`` give its closed form.

    R's r_t is off by more than ``papers_gap`` at its first adaptive step.
    """

    degrees: sp.Expr
    defined_from: int
    papers_gap: float


@dataclass(frozen=True)
class Schedule:
    """U's reading of RAdam: the multiplier of Adam's step, NaN where the step is mhat itself.

    ``factor`` takes steps and beta2.
    """

    factor: Callable[[Array, float], Array]


@dataclass(frozen=True)
class WeightDecay:
    """B2 on L2 terms and decoupled decay.

    Attributes
    ----------
    sgd : sympy Expr
        The decoupled coefficient, as in (1 - sgd) w - lr g, that equals an L2 term x w under SGD.
    power : int
        Under Adam an L2 term pulls like decoupled decay times sqrt(vhat)^-power.
    loses : bool
        Whether the L2 term is said to pull less than decoupled decay under Adam, wherever it is used.
    """

    sgd: sp.Expr
    power: int
    loses: bool


# Norm of a layer's step, from lr and the norms of its weights and of its direction.
StepNorm = Callable[[float, float, float], float]
