"""Recovering the effective rectification factor of a target from its steps alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from varlab.optim.conformance.averages import Averages, averages
from varlab.optim.conformance.gradients import known_gradients
from varlab.optim.conformance.hyper import Candidate
from varlab.optim.conformance.scenario import FloatArray, Scenario, Track

COORDINATES = 16
SCALING = 4.0
BETA1 = 0.9
TINY_EPS = 1e-30

# An adaptive step does not change under 4 times the gradient, momentum grows 4 times: what is
# not within a thousandth of either is neither. float32 needs about 1e-6 of it.
_SAME = 1e-3
# Where abs(m) is below this part of the average of abs(g) it has cancelled and lost its digits.
_CANCELLED = 0.25
# Where eps cannot be set, gradients this much larger make any default (1e-4 at most in the wild)
# invisible in float64, and the recovered factor does not depend on their scale.
_SCALE_WITHOUT_EPS = 2.0**40


class Phase(StrEnum):
    """What a step is, by its answer to 4 times the gradient."""

    ADAPTIVE = "adaptive"
    MOMENTUM = "momentum"
    NONE = "none"
    NAN = "nan"
    OTHER = "other"
    RAISED = "raised"


OPEN = (Phase.ADAPTIVE, Phase.NAN, Phase.RAISED)


@dataclass(frozen=True)
class Recovery:
    """What a target did with the known gradients at one beta2.

    Attributes
    ----------
    beta1, beta2 : float
    gradients : ndarray, shape (steps, coordinates)
    moves : ndarray, shape (steps, coordinates)
        Its updates at lr = 1, from 0.
    phases : tuple of Phase
        One per step.
    factor : ndarray, shape (steps,)
        Adaptive steps: the recovered r_t, median over the coordinates of -move / (mhat/sqrt(vhat)).
        Momentum steps: the median of -move / mhat. NaN elsewhere.
    spread : ndarray, shape (steps,)
        The largest relative deviation of a coordinate from that median.
    raised : mapping of int to str
        Step -> what it raised.
    """

    beta1: float
    beta2: float
    gradients: FloatArray
    moves: FloatArray
    phases: tuple[Phase, ...]
    factor: FloatArray
    spread: FloatArray
    raised: Mapping[int, str] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.phases)

    def where(self, phase: Phase) -> NDArray[np.bool_]:
        """Mask of the steps in ``phase``."""
        return np.array([p is phase for p in self.phases], dtype=np.bool_)

    @property
    def first_adaptive(self) -> int | None:
        """The first adaptive step, from 1; None if there was none."""
        return next((i + 1 for i, p in enumerate(self.phases) if p is Phase.ADAPTIVE), None)

    @property
    def opened(self) -> int | None:
        """The first step that is adaptive, NaN or raises, from 1: where the branch was entered."""
        return next((i + 1 for i, p in enumerate(self.phases) if p in OPEN), None)

    @property
    def adaptive_factor(self) -> FloatArray:
        """The factor where adaptive, NaN elsewhere."""
        return np.where(self.where(Phase.ADAPTIVE), self.factor, np.nan)

    @property
    def float32(self) -> bool:
        """Whether every move is a float32 number though the parameters are float64."""
        seen = self.moves[np.isfinite(self.moves) & (self.moves != 0)]
        with np.errstate(over="ignore"):
            return bool(seen.size and np.all(seen == seen.astype(np.float32)))


def steps_for(beta2: float) -> int:
    """Steps that show the transition at ``beta2``: three memories, between 24 and 300.

    The first steps are the ones in which rounding, shifts and wrong constants show most.
    """
    return int(np.clip(3 / (1 - beta2), 24, 300))


def recover(
    candidate: Candidate,
    beta2: float,
    *,
    seed: int,
    steps: int | None = None,
    dtype: str = "float64",
    device: str = "cpu",
) -> Recovery:
    """Run two fresh instances, the second on 4 times the gradients, and classify every step."""
    length = steps or steps_for(beta2)
    scale = 1.0 if candidate.takes("eps") else _SCALE_WITHOUT_EPS
    gradients = known_gradients(length, COORDINATES, seed=seed, stream="recover", scale=scale)
    beta1 = BETA1 if candidate.takes("betas") else (candidate.fixed_betas or (BETA1, beta2))[0]
    hyper = plain_hyper(candidate, beta1=beta1, beta2=beta2)
    raised: dict[int, str] = {}
    runs = [
        Scenario(hyper, (Track.of(scale * gradients),), dtype=dtype, device=device).run(
            candidate, raised=raised
        )[0]
        for scale in (1.0, SCALING)
    ]
    return classify(gradients, runs[0], runs[1], beta1, beta2, raised)


def plain_hyper(candidate: Candidate, *, beta1: float, beta2: float) -> dict[str, object]:
    """Learning rate 1, the betas, eps too small to matter, no weight decay: what of these can be set."""
    wanted: dict[str, object] = {"lr": 1.0, "betas": (beta1, beta2), "eps": TINY_EPS}
    wanted["weight_decay"] = 0.0
    return {key: value for key, value in wanted.items() if candidate.takes(key)}


def classify(
    gradients: FloatArray,
    moves: FloatArray,
    moves_scaled: FloatArray,
    beta1: float,
    beta2: float,
    raised: Mapping[int, str] | None = None,
) -> Recovery:
    """Tell each step's phase and recover its factor.

    Parameters
    ----------
    gradients, moves, moves_scaled : ndarray, shape (steps, coordinates)
        The sequence, the moves on it, and the moves on 4 times it, all at lr = 1.
    """
    own = averages(gradients, beta1, beta2)
    raising = dict(raised or {})
    phases = tuple(
        Phase.RAISED if t in raising else _phase(move, scaled)
        for t, (move, scaled) in enumerate(zip(moves, moves_scaled, strict=True), start=1)
    )
    factor = np.full(len(moves), np.nan)
    spread = np.full(len(moves), np.nan)
    for t, phase in enumerate(phases):
        if phase in (Phase.ADAPTIVE, Phase.MOMENTUM):
            form = own.adam if phase is Phase.ADAPTIVE else own.mhat
            factor[t], spread[t] = _ratio(moves[t], form[t], own, t)
    return Recovery(beta1, beta2, gradients, moves, phases, factor, spread, raising)


def _phase(move: FloatArray, scaled: FloatArray) -> Phase:
    if not (np.isfinite(move).all() and np.isfinite(scaled).all()):
        return Phase.NAN
    size, size_scaled = np.abs(move).max(), np.abs(scaled).max()
    if size == size_scaled == 0:
        return Phase.NONE
    if np.abs(scaled - move).max() <= _SAME * size:
        return Phase.ADAPTIVE
    if np.abs(scaled - SCALING * move).max() <= _SAME * size_scaled:
        return Phase.MOMENTUM
    return Phase.OTHER


def _ratio(move: FloatArray, form: FloatArray, own: Averages, t: int) -> tuple[float, float]:
    kept = own.cancellation[t] > _CANCELLED
    ratios = -move[kept] / form[kept]
    median = float(np.median(ratios))
    if median == 0:
        return median, float(np.abs(ratios).max())
    return median, float(np.abs(ratios / median - 1).max())
