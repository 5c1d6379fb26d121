"""Known wrong forms of the adaptive step, for targets whose step is no multiple of mhat/sqrt(vhat)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from varlab.optim.conformance.averages import averages, moving_average
from varlab.optim.conformance.reference import reference
from varlab.optim.conformance.scenario import FloatArray

Form = Callable[[FloatArray, float, float], FloatArray]


@dataclass(frozen=True)
class SuspectForm:
    """One mistake in the averages: ``step(gradients, beta1, beta2)`` in place of mhat/sqrt(vhat)."""

    sentence: str
    step: Form


def _swapped(g: FloatArray, beta1: float, beta2: float) -> FloatArray:
    own = averages(g, beta2, beta1)
    return own.adam


def _largest(g: FloatArray, beta1: float, beta2: float) -> FloatArray:
    own = averages(g, beta1, beta2)
    return own.mhat / np.sqrt(np.maximum.accumulate(own.v, axis=0) / own.correction2)


def _largest_corrected(g: FloatArray, beta1: float, beta2: float) -> FloatArray:
    own = averages(g, beta1, beta2)
    return own.mhat / np.sqrt(np.maximum.accumulate(own.vhat, axis=0))


def _nesterov(g: FloatArray, beta1: float, beta2: float) -> FloatArray:
    own = averages(g, beta1, beta2)
    ahead = 1 - (1 - own.correction1) * beta1  # 1 - beta1^(t+1)
    m = beta1 * own.m / ahead + (1 - beta1) * g / own.correction1
    return m / np.sqrt(own.vhat)


def _centred(g: FloatArray, beta1: float, beta2: float) -> FloatArray:
    own = averages(g, beta1, beta2)
    return own.mhat / np.sqrt(moving_average((g - own.m) ** 2, beta2) / own.correction2)


def _late(g: FloatArray, beta1: float, beta2: float) -> FloatArray:
    own = averages(g, beta1, beta2)
    earlier = np.concatenate([np.zeros_like(g[:1]), own.v[:-1]])
    with np.errstate(divide="ignore"):
        return own.mhat / np.sqrt(earlier / own.correction2)


def _raw(g: FloatArray, beta1: float, beta2: float) -> FloatArray:
    return np.asarray(g / np.sqrt(averages(g, beta1, beta2).vhat))


def _folded(g: FloatArray, beta1: float, beta2: float) -> FloatArray:
    """With m multiplied by r_t in place, over and over."""
    own = averages(g, beta1, beta2)
    r = reference(beta2, len(g)).r
    state, step = np.zeros_like(g[0]), np.empty_like(g)
    for t, gradient in enumerate(g):
        state = beta1 * state + (1 - beta1) * gradient
        step[t] = state  # without this step's r_t, which the check supplies
        if np.isfinite(r[t]):
            state = state * r[t]
    return step / own.correction1 / np.sqrt(own.vhat)


FORMS: tuple[SuspectForm, ...] = (
    SuspectForm("beta1 and beta2 are swapped", _swapped),
    SuspectForm("v is its running maximum (AMSGrad)", _largest),
    SuspectForm("vhat is its running maximum (AMSGrad)", _largest_corrected),
    SuspectForm("m looks ahead (Nesterov)", _nesterov),
    SuspectForm("v averages (g - m)^2 instead of g^2 (AdaBelief)", _centred),
    SuspectForm("v is that of the step before", _late),
    SuspectForm("the gradient stands for its average m", _raw),
    SuspectForm("m itself is multiplied by r_t, again at every step", _folded),
)
