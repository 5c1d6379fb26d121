"""Where eps enters, found with a large one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from varlab.optim.conformance.averages import Averages, averages
from varlab.optim.conformance.finding import Finding, dialect, fault, note
from varlab.optim.conformance.gradients import known_gradients
from varlab.optim.conformance.recover import BETA1, COORDINATES, TINY_EPS, plain_hyper
from varlab.optim.conformance.reproduction import script
from varlab.optim.conformance.scenario import FloatArray, Track
from varlab.optim.conformance.state import Bench

# A quarter of a typical gradient: the placements below then differ by more than 1%, ...
_LARGE = 0.25
# ... which leaves room for float32, whose steps differ from ours by about 1e-6.
_SAME = 1e-4

Placement = Callable[[Averages], FloatArray]


def _root(v: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(v))


# Placement -> the denominator, as the square root of vhat: what the step is divided by.
PLACEMENTS: Mapping[str, Placement] = {
    "sqrt(v) + eps": lambda a: (_root(a.v) + _LARGE) / _root(a.correction2),
    "sqrt(vhat) + eps": lambda a: _root(a.vhat) + _LARGE,
    "sqrt(v + eps)": lambda a: _root((a.v + _LARGE) / a.correction2),
    "sqrt(vhat + eps)": lambda a: _root(a.vhat + _LARGE),
    "sqrt(v + eps^2)": lambda a: _root((a.v + _LARGE**2) / a.correction2),
    "sqrt(vhat + eps^2)": lambda a: _root(a.vhat + _LARGE**2),
    "max(sqrt(v), eps)": lambda a: np.maximum(_root(a.v), _LARGE) / _root(a.correction2),
    "max(sqrt(vhat), eps)": lambda a: np.maximum(_root(a.vhat), _LARGE),
    "ignored": lambda a: _root(a.vhat),
}
RIGHT_PLACEMENTS = {
    "sqrt(v) + eps": "outside the bias correction, beside the uncorrected root (Algorithm 1 in practice)",
    "sqrt(vhat) + eps": "inside the bias correction, beside the corrected root",
}


@dataclass(frozen=True)
class EpsPlacement:
    """Where eps enters (a key of PLACEMENTS, "fixed", "unknown" or "other") and what to say of it."""

    placement: str
    findings: tuple[Finding, ...]


def find_eps(bench: Bench, beta2: float, steps: int) -> EpsPlacement:
    """Compare an adaptive step, the last of ``steps``, at eps = 0.25 and at 1e-30; r_t cancels."""
    candidate = bench.candidate
    if not (candidate.takes("eps") and candidate.takes("betas")):
        return EpsPlacement(
            "fixed", (note("eps cannot be set; where it enters was not found out"),)
        )
    # small gradients in half of the coordinates, so that sqrt(v) lies on both sides of eps
    gradients = known_gradients(steps, COORDINATES, seed=bench.seed, stream="eps")
    gradients[:, ::2] /= 16
    hyper = plain_hyper(candidate, beta1=BETA1, beta2=beta2)
    plain = bench.scenario(Track.of(gradients), hyper={**hyper, "eps": TINY_EPS})
    large = replace(plain, hyper={**hyper, "eps": _LARGE})
    without, with_eps = plain.run(candidate)[0], large.run(candidate)[0]
    own = averages(gradients, BETA1, beta2)
    kept = (own.cancellation > 0.25)[-1] & (without[-1] != 0)
    if not kept.any():
        return EpsPlacement("unknown", ())
    ratio = (with_eps[-1] / without[-1])[kept]
    found = next(
        (
            name
            for name, denominator in PLACEMENTS.items()
            if np.allclose(
                ratio, (_root(own.vhat) / denominator(own))[-1][kept], rtol=_SAME, atol=0
            )
        ),
        "other",
    )
    if found in RIGHT_PLACEMENTS:
        return EpsPlacement(found, (dialect(f"eps enters {RIGHT_PLACEMENTS[found]}: {found}"),))
    if found.startswith("max"):
        return EpsPlacement(found, (dialect(f"eps is a lower bound of the denominator: {found}"),))
    right = without[-1] * (_root(own.vhat) / PLACEMENTS["sqrt(v) + eps"](own))[-1]
    sentence = (
        "eps is accepted and ignored: at eps = 0.25 the steps are those of eps = 0"
        if found == "ignored"
        else f"eps enters under the root, {found}, instead of beside it"
        if found != "other"
        else "eps enters in no known way"
    )
    shown = replace(large, tracks=(Track.of(gradients[:, :2]),))
    text = script(candidate, shown, {0: right[:2]}, sentence)
    return EpsPlacement(found, (fault(sentence, text),))
