"""What a target does before its first adaptive step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varlab.optim.conformance.factor import view_of
from varlab.optim.conformance.precision import ROUNDINGS, UNIT_ROUNDOFF, Arithmetic
from varlab.optim.conformance.recover import Phase, Recovery
from varlab.optim.conformance.suspects import tampered


@dataclass(frozen=True)
class EarlyPhase:
    """The early phase over the grid.

    Attributes
    ----------
    kind : {"momentum", "none", "other"}
    sentence : str
        What is wrong; empty for momentum (lr mhat) and none.
    where : (float, int) or None
        (beta2, t) at which that shows first.
    """

    kind: str
    sentence: str = ""
    where: tuple[float, int] | None = None


def judge_early(recoveries: Sequence[Recovery], arithmetic: Arithmetic) -> EarlyPhase:
    """Judge the steps before the first adaptive one, at every beta2."""
    kinds: set[str] = set()
    for recovery in recoveries:
        unit = UNIT_ROUNDOFF[
            "float64" if arithmetic is Arithmetic.FLOAT64 and not recovery.float32 else "float32"
        ]
        # mhat divides by 1 - beta1^t >= 1 - beta1
        allowed = ROUNDINGS * unit / (1 - recovery.beta1)
        end = recovery.first_adaptive or recovery.steps + 1
        for t, phase in enumerate(recovery.phases[: end - 1], start=1):
            where = (recovery.beta2, t)
            if phase is Phase.OTHER:
                text = "is neither adaptive nor momentum: it does not scale with the gradient"
                return EarlyPhase("other", f"{_at(where)} the step {text}", where)
            if phase is Phase.MOMENTUM:
                off = abs(recovery.factor[t - 1] - 1)
                if not (off <= allowed and recovery.spread[t - 1] <= allowed):
                    return EarlyPhase(
                        "other", f"before the first adaptive step {_what(recovery)}", where
                    )
            if phase in (Phase.MOMENTUM, Phase.NONE):
                kinds.add("momentum" if phase is Phase.MOMENTUM else "none")
    if len(kinds) == 1:
        return EarlyPhase(kinds.pop())
    if not kinds:
        return EarlyPhase("other")
    return EarlyPhase("other", "before the first adaptive step some steps move and some do not")


def _at(where: tuple[float, int]) -> str:
    return f"at beta2 = {where[0]:g}, t = {where[1]},"


def _what(recovery: Recovery) -> str:
    """Name the wrong momentum step."""
    momentum = recovery.where(Phase.MOMENTUM)
    first = recovery.first_adaptive
    momentum[(first or recovery.steps + 1) - 1 :] = False
    ratio, spread = recovery.factor[momentum], recovery.spread[momentum]
    close = 1e-5  # float32 and nothing coarser; the readings below differ by more than 10%
    view = view_of(recovery)
    correction = view.correction(recovery.beta1)[momentum]
    if spread.max() > close:
        moves, gradients = recovery.moves[momentum], recovery.gradients[momentum]
        if np.allclose(moves, -gradients, rtol=close, atol=0):
            return "the step is lr g, the plain gradient, instead of lr mhat"
        return "the step is no multiple of lr mhat"
    rectified = tampered(view.rho, view.rho_inf, signless=True)[momentum]
    readings = {
        "(1-beta1^t) lr mhat = lr m: the bias correction is missing": correction,
        "lr mhat / (1-beta1^t): the bias is corrected twice": 1 / correction,
        "r_t lr mhat: r_t, with the negative sign under its root dropped, is applied where rho_t <= 4": rectified,
        "(1-beta1^t) r_t lr mhat": correction * rectified,
    }
    for text, reading in readings.items():
        if np.allclose(ratio, reading, rtol=close, atol=0):
            return f"the step is {text}"
    return f"the step is {ratio[0]:.4g} lr mhat at t = {int(np.flatnonzero(momentum)[0]) + 1}, not lr mhat"
