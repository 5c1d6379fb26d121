"""Known wrong factors, so that a target's deviation gets its name.

Each suspect says what rho_t and what factor a target with that one mistake shows. A suspect is
accepted only if it explains every adaptive step at every beta2 of the grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from varlab.numerics.warmup import exponential_warmup_multiplier, linear_warmup_multiplier
from varlab.optim.conformance.averages import corrections
from varlab.optim.conformance.reference import Reference
from varlab.optim.conformance.scenario import FloatArray

MARGIN = 3  # shifts of up to this many steps are recognised


@dataclass(frozen=True)
class View:
    """What a suspect's formula may use, for t = 1..steps at one (beta1, beta2)."""

    beta1: float
    beta2: float
    steps: int
    reference: Reference
    reference_beta1: Reference

    @property
    def t(self) -> FloatArray:
        """The steps."""
        return np.arange(1, self.steps + 1, dtype=np.float64)

    @property
    def rho_inf(self) -> float:
        """The right rho_inf."""
        return self.reference.rho_inf

    @property
    def rho(self) -> FloatArray:
        """The right rho_t."""
        return self.reference.window(0, self.steps)[0]

    @property
    def r(self) -> FloatArray:
        """The right r_t."""
        return self.reference.window(0, self.steps)[1]

    def correction(self, beta: float, shift: int = 0) -> FloatArray:
        """1 - beta^(t + shift); NaN where t + shift < 1."""
        whole = corrections(self.steps + max(shift, 0), beta)
        if shift >= 0:
            return whole[shift:]
        return np.concatenate([np.full(-shift, np.nan), whole[:shift]])


Curve = Callable[[View], FloatArray]


@dataclass(frozen=True)
class Suspect:
    """One mistake.

    Attributes
    ----------
    sentence : str
        Completes "The factor is not r_t: ...".
    rho, factor : callable
        View -> its rho_t, which decides the branch, and its factor.
    shift : int or None
        k when the factor is r_(t+k).
    radam : bool
        False when a target with this factor is another optimiser.
    gated : bool
        False when every step is adaptive, so that there is no threshold.
    """

    sentence: str
    rho: Curve
    factor: Curve
    shift: int | None = None
    radam: bool = True
    gated: bool = True


def tampered(
    rho: FloatArray,
    rho_inf: float,
    *,
    near: float = 4,
    far: float = 2,
    near_inf: float | None = None,
    signless: bool = False,
) -> FloatArray:
    """sqrt((rho - near)(rho - far) rho_inf / ((rho_inf - near_inf)(rho_inf - far) rho)).

    r_t has near = near_inf = 4 and far = 2. ``signless`` takes the radicand's absolute value.
    """
    bottom = (rho_inf - (near if near_inf is None else near_inf)) * (rho_inf - far) * rho
    with np.errstate(divide="ignore", invalid="ignore"):
        radicand = (rho - near) * (rho - far) * rho_inf / bottom
        return np.asarray(np.sqrt(np.abs(radicand) if signless else radicand))


def _scaled(sentence: str, scale: Curve) -> Suspect:
    return Suspect(sentence, lambda v: v.rho, lambda v: v.r * scale(v))


def _other_rho(sentence: str, rho: Curve) -> Suspect:
    return Suspect(sentence, rho, lambda v: tampered(rho(v), v.rho_inf))


def _other_rho_inf(spelled: str, rho_inf: Callable[[View], float]) -> tuple[Suspect, ...]:
    def moved(v: View) -> FloatArray:
        return v.rho - v.rho_inf + rho_inf(v)

    return (
        Suspect(
            f"rho_inf is {spelled} instead of 2/(1-beta2) - 1",
            moved,
            lambda v: tampered(moved(v), rho_inf(v)),
        ),
        Suspect(
            f"under the root rho_inf is {spelled} instead of 2/(1-beta2) - 1",
            lambda v: v.rho,
            lambda v: tampered(v.rho, rho_inf(v)),
        ),
    )


def _shifted(k: int) -> tuple[Suspect, ...]:
    def rho(v: View) -> FloatArray:
        return v.reference.window(k, v.steps)[0]

    def factor(v: View) -> FloatArray:
        return v.reference.window(k, v.steps)[1]

    def with_corrections(v: View) -> FloatArray:
        c1, c2 = v.correction(v.beta1), v.correction(v.beta2)
        c1k, c2k = v.correction(v.beta1, k), v.correction(v.beta2, k)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(factor(v) * (c1 / c1k) * np.sqrt(c2k / c2))

    where = f"t{k:+d}"
    return (
        Suspect(f"it is r_({where}), shifted by {k:+d}", rho, factor, shift=k),
        Suspect(
            f"the step counter is off: r_t and both bias corrections are those of {where}",
            rho,
            with_corrections,
            shift=k,
        ),
    )


def _adam_before(c: float) -> Suspect:
    return Suspect(
        f"before rho_t > {c:g} the step is Adam's, unrectified, where momentum or no step belongs",
        lambda v: v.rho,
        lambda v: np.where(v.rho > c, v.r, 1.0),
        gated=False,
    )


def _c1(v: View) -> FloatArray:
    return v.correction(v.beta1)


def _c2(v: View) -> FloatArray:
    return v.correction(v.beta2)


RIGHT = Suspect("it is r_t", lambda v: v.rho, lambda v: v.r, shift=0)

SUSPECTS: tuple[Suspect, ...] = (
    *(suspect for k in (1, -1, 2, -2, 3, -3) for suspect in _shifted(k)),
    _scaled("it is r_t^2: the root is missing, or r_t is applied twice", lambda v: v.r),
    _scaled("it is sqrt(r_t): a root too many", lambda v: v.r**-0.5),
    _scaled("it is 1/r_t", lambda v: v.r**-2),
    _scaled("it is (1-beta1^t) r_t: the bias correction of m is missing", _c1),
    _scaled("it is r_t / (1-beta1^t): the bias of m is corrected twice", lambda v: 1 / _c1(v)),
    _scaled(
        "it is r_t / sqrt(1-beta2^t): the bias correction of v is missing", lambda v: _c2(v) ** -0.5
    ),
    _scaled(
        "it is r_t sqrt(1-beta2^t): the bias correction of v lacks its root, or is made twice",
        lambda v: _c2(v) ** 0.5,
    ),
    _scaled(
        "it is r_t (1-beta1^t) / sqrt(1-beta2^t): both bias corrections are missing",
        lambda v: _c1(v) * _c2(v) ** -0.5,
    ),
    _scaled("it is r_t / (1-beta1): m is a sum, no average", lambda v: 1 / (1 - v.beta1) + 0 * v.t),
    *_other_rho_inf("1/(1-beta2)", lambda v: 1 / (1 - v.beta2)),
    *_other_rho_inf("2/(1-beta2)", lambda v: 2 / (1 - v.beta2)),
    *_other_rho_inf("2/(1-beta2) + 1", lambda v: 2 / (1 - v.beta2) + 1),
    *_other_rho_inf("1/(1-beta2) - 1", lambda v: 1 / (1 - v.beta2) - 1),
    _other_rho(
        "rho_t lacks the division by 1-beta2^t",
        lambda v: v.rho_inf - 2 * v.t * v.beta2**v.t,
    ),
    _other_rho(
        "rho_t subtracts t beta2^t/(1-beta2^t) instead of twice that",
        lambda v: (v.rho_inf + v.rho) / 2,
    ),
    Suspect(
        "rho - 3 stands for rho - 4",
        lambda v: v.rho,
        lambda v: tampered(v.rho, v.rho_inf, near=3),
    ),
    Suspect(
        "rho_t - 3 stands for rho_t - 4",
        lambda v: v.rho,
        lambda v: tampered(v.rho, v.rho_inf, near=3, near_inf=4),
    ),
    Suspect(
        "rho - 1 stands for rho - 2",
        lambda v: v.rho,
        lambda v: tampered(v.rho, v.rho_inf, far=1),
    ),
    _scaled(
        "the constant rho_inf/((rho_inf-4)(rho_inf-2)) is missing under the root",
        lambda v: np.sqrt((v.rho_inf - 4) * (v.rho_inf - 2) / v.rho_inf) + 0 * v.t,
    ),
    Suspect(
        "it is computed from beta1 in place of beta2",
        lambda v: v.reference_beta1.window(0, v.steps)[0],
        lambda v: v.reference_beta1.window(0, v.steps)[1],
    ),
    _adam_before(4),
    _adam_before(5),
    Suspect("it is 1: this is Adam", lambda v: v.rho, lambda v: v.t**0, radam=False, gated=False),
    Suspect(
        "it is 1-beta1^t: this is Adam without the bias correction of m",
        lambda v: v.rho,
        _c1,
        radam=False,
        gated=False,
    ),
    Suspect(
        "it is (1-beta1^t)/sqrt(1-beta2^t): this is Adam without bias corrections",
        lambda v: v.rho,
        lambda v: _c1(v) * _c2(v) ** -0.5,
        radam=False,
        gated=False,
    ),
    Suspect(
        "it is min(1, (1-beta2) t/2): Adam with the untuned linear warm-up",
        lambda v: v.rho,
        lambda v: linear_warmup_multiplier(v.t, v.beta2),
        radam=False,
        gated=False,
    ),
    Suspect(
        "it is 1 - exp(-(1-beta2) t): Adam with the untuned exponential warm-up",
        lambda v: v.rho,
        lambda v: exponential_warmup_multiplier(v.t, v.beta2),
        radam=False,
        gated=False,
    ),
)
