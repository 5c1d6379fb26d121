"""How weight decay enters: gradient 0 and parameter 1 at an adaptive step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from varlab.optim.conformance.averages import averages
from varlab.optim.conformance.finding import Finding, dialect, fault, note
from varlab.optim.conformance.gradients import known_gradients
from varlab.optim.conformance.recover import BETA1, plain_hyper
from varlab.optim.conformance.reproduction import script
from varlab.optim.conformance.scenario import FloatArray, Scenario, Track
from varlab.optim.conformance.state import Bench

_LR = 0.5
_DECAY = 0.125
_COORDINATES = 4
# Readings below differ by a factor of two or more; float32 steps from 1 lose digits to 1e-7 of 1,
# about 1e-6 of the move.
_SAME = 1e-4


@dataclass(frozen=True)
class WeightDecay:
    """How decay enters by default ("l2", "decoupled", "none" or "other") and what to say of it."""

    kind: str
    findings: tuple[Finding, ...]


def find_decay(bench: Bench, beta2: float, steps: int) -> WeightDecay:
    """Tell how weight decay enters an adaptive step, the last of ``steps``.

    By default, and with either value of the option that decouples it if there is one.
    """
    candidate = bench.candidate
    if not candidate.takes("weight_decay"):
        return WeightDecay("none", (note("no weight decay"),))
    experiment = _Experiment(bench, beta2, steps)
    kind, reading = experiment.read({})
    findings = list(_say(experiment, kind, reading, {}))
    if candidate.takes("decoupled"):
        option = candidate.names.get("decoupled") or candidate.held["decoupled"]
        for value, wanted in ((True, "decoupled"), (False, "l2")):
            got, text = experiment.read({"decoupled": value})
            if got == wanted:
                if wanted != kind:
                    findings.append(
                        dialect(f"{option}={value} makes weight decay {_NAMES[wanted]}")
                    )
                continue
            sentence = f"with {option}={value} weight decay {text}"
            findings.append(
                fault(sentence, experiment.script({"decoupled": value}, (wanted,), sentence))
            )
    return WeightDecay(kind, tuple(findings))


_NAMES = {
    "l2": "L2 (added to the gradient)",
    "decoupled": "decoupled (the weight shrinks by lr times it)",
}


def _say(
    experiment: _Experiment, kind: str, reading: str, hyper: dict[str, object]
) -> list[Finding]:
    early = experiment.early(hyper)
    found: list[Finding] = []
    if kind == "l2":
        found.append(note("weight decay is L2 by default, added to the gradient"))
    elif kind == "decoupled":
        found.append(dialect(f"weight decay is decoupled by default{early}"))
    elif reading == _UNSCALED:
        found.append(dialect(f"weight decay {reading}"))
    else:
        sentence = f"weight decay {reading}"
        found.append(fault(sentence, experiment.script(hyper, ("decoupled", "l2"), sentence)))
    return found


_UNSCALED = "is decoupled and not multiplied by the learning rate"


class _Experiment:
    """The same steps with and without weight decay; the difference is what it does."""

    def __init__(self, bench: Bench, beta2: float, steps: int) -> None:
        self.candidate, self.beta2 = bench.candidate, beta2
        gradients = known_gradients(steps, _COORDINATES, seed=bench.seed, stream="decay")
        gradients[-1] = 0.0
        self.gradients = gradients
        hyper = plain_hyper(self.candidate, beta1=BETA1, beta2=beta2) | {"lr": _LR}
        track = Track.of(gradients, starts={steps: 1.0})
        self.plain = bench.scenario(track, hyper=hyper)

    def with_decay(self, hyper: dict[str, object]) -> Scenario:
        return replace(self.plain, hyper={**self.plain.hyper, "weight_decay": _DECAY, **hyper})

    def moves(self, hyper: dict[str, object]) -> tuple[FloatArray, FloatArray]:
        """Last moves without and with decay."""
        plain = replace(self.plain, hyper={**self.plain.hyper, **hyper})
        decayed = self.with_decay(hyper)
        return plain.run(self.candidate)[0][-1], decayed.run(self.candidate)[0][-1]

    def readings(self, plain: FloatArray) -> dict[str, tuple[str, FloatArray]]:
        """Reading -> (kind, the move it predicts), by the move without decay."""
        own = averages(self.gradients, BETA1, self.beta2)
        shifted = self.gradients.copy()
        shifted[-1] += _DECAY
        other = averages(shifted, BETA1, self.beta2)
        factor = float(np.median(-plain / (_LR * own.adam[-1])))
        in_m = other.mhat[-1] / np.sqrt(own.vhat[-1])
        return {
            "is decoupled": ("decoupled", plain - _LR * _DECAY),
            "is L2": ("l2", -_LR * factor * other.adam[-1]),
            "is accepted and does nothing": ("none", plain),
            _UNSCALED: ("other", plain - _DECAY),
            "is multiplied by lr^2": ("other", plain - _LR**2 * _DECAY),
            "is decoupled but multiplied by r_t": ("other", plain - factor * _LR * _DECAY),
            "has the wrong sign: it makes weights grow": ("other", plain + _LR * _DECAY),
            "is added to m but not to v": ("other", -_LR * factor * in_m),
            "is divided by sqrt(vhat), as if it were part of mhat": (
                "other",
                plain - _LR * factor * _DECAY / np.sqrt(own.vhat[-1]),
            ),
            "is divided by sqrt(vhat)": ("other", plain - _LR * _DECAY / np.sqrt(own.vhat[-1])),
        }

    def read(self, hyper: dict[str, object]) -> tuple[str, str]:
        """(kind, reading in words)."""
        plain, decayed = self.moves(hyper)
        for text, (kind, move) in self.readings(plain).items():
            if np.allclose(decayed, move, rtol=_SAME, atol=1e-6):
                return kind, text
        return "other", "enters in no known way"

    def early(self, hyper: dict[str, object]) -> str:
        """What decoupled decay does at the first step, from 1 with gradient 0."""
        start = Track.of(np.zeros((1, 1)), starts={1: 1.0})
        scenario = replace(self.with_decay(hyper), tracks=(start,))
        move = float(scenario.run(self.candidate)[0][0, 0])
        return ", and does not act before the first adaptive step" if abs(move) < 1e-6 else ""

    def script(self, hyper: dict[str, object], wanted: tuple[str, ...], sentence: str) -> str:
        """A reproduction in which any of the ``wanted`` kinds is right."""
        plain, _ = self.moves(hyper)
        right = tuple(move for kind, move in self.readings(plain).values() if kind in wanted)
        shown = self.with_decay(hyper)
        return script(self.candidate, shown, {0: right}, sentence)
