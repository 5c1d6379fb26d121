"""Faults of state: what one parameter does must not depend on the others, nor on a reload.

Every check compares a parameter among others with the same parameter under an optimiser of its own:
the target is held against itself, so that a wrong factor is not reported again here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from varlab.optim.conformance.finding import Finding, fault
from varlab.optim.conformance.gradients import known_gradients
from varlab.optim.conformance.hyper import Candidate
from varlab.optim.conformance.recover import plain_hyper
from varlab.optim.conformance.reproduction import script
from varlab.optim.conformance.scenario import FloatArray, Scenario, StepError, Track

BETAS = (0.9, 0.99)
OTHER_BETAS = (0.5, 0.8)  # its first adaptive step and its factor differ at every t
STEPS = 16
LATE = 5  # earlier than the first adaptive step, so that the phases differ as well
_COORDINATES = 2
# The same code on the same numbers: only the order of sums may differ (foreach kernels).
AGREEMENT = {"float64": 1e-12, "float32": 1e-5}


@dataclass(frozen=True)
class Bench:
    """A target with what the checks share."""

    candidate: Candidate
    seed: int
    dtype: str
    device: str
    state: str

    @property
    def hyper(self) -> dict[str, object]:
        """The plain hyper-parameters."""
        return plain_hyper(self.candidate, beta1=BETAS[0], beta2=BETAS[1])

    def gradients(self, name: str) -> FloatArray:
        """A sequence of STEPS steps by name."""
        return known_gradients(STEPS, _COORDINATES, seed=self.seed, stream=f"state {name}")

    def scenario(
        self,
        *tracks: Track,
        hyper: Mapping[str, object] | None = None,
        reload_before: int | None = None,
        lr_change: tuple[int, float] | None = None,
    ) -> Scenario:
        """A scenario with the plain hyper-parameters unless others are given."""
        chosen = self.hyper if hyper is None else hyper
        return Scenario(chosen, tracks, reload_before, lr_change, self.dtype, self.device)

    def compare(
        self, together: Scenario, expected: dict[int, FloatArray], sentence: str
    ) -> Finding | None:
        """A fault if the parameters of ``together`` do not move as ``expected``, step by step."""
        try:
            moves = together.run(self.candidate)
        except StepError as error:
            last = {i: rows[-1] for i, rows in expected.items()}
            text = f"{sentence}: {error}"
            return fault(text, script(self.candidate, together, last, text))
        for index, right in expected.items():
            got = moves[index][-len(right) :]
            wrong = _first_difference(got, right, AGREEMENT[self.state])
            if wrong is None:
                continue
            skipped = len(moves[index]) - len(right)
            shown = together.cut(wrong + skipped + 1)
            text = (
                f"{sentence}: at step {wrong + skipped + 1} it moves by {got[wrong][0]:.6g} "
                f"instead of {right[wrong][0]:.6g}"
            )
            return fault(text, script(self.candidate, shown, {index: right[wrong]}, text))
        return None


def _first_difference(got: FloatArray, right: FloatArray, agreement: float) -> int | None:
    same = np.isclose(got, right, rtol=agreement, atol=0, equal_nan=True).all(axis=1)
    return None if same.all() else int(np.flatnonzero(~same)[0])


def _alone(bench: Bench, scenario: Scenario) -> dict[int, FloatArray]:
    return {i: scenario.alone(i).run(bench.candidate)[0] for i in range(len(scenario.tracks))}


def groups_with_two_rates(bench: Bench) -> Finding | None:
    """Two parameter groups with different lr."""
    if not bench.candidate.per_group("lr"):
        return None
    together = bench.scenario(
        Track.of(bench.gradients("a"), overrides={"lr": 1.0}),
        Track.of(bench.gradients("b"), overrides={"lr": 0.25}),
    )
    sentence = (
        "state is shared between groups: in a second group with another lr a parameter is off"
    )
    return bench.compare(together, _alone(bench, together), sentence)


def groups_with_two_betas(bench: Bench) -> Finding | None:
    """Two parameter groups with different betas."""
    if not bench.candidate.per_group("betas"):
        return None
    together = bench.scenario(
        Track.of(bench.gradients("a"), overrides={"betas": BETAS}),
        Track.of(bench.gradients("b"), overrides={"betas": OTHER_BETAS}),
    )
    sentence = "state is shared between groups: next to a group with other betas a parameter is off"
    return bench.compare(together, _alone(bench, together), sentence)


def added_group(bench: Bench) -> Finding | None:
    """A group that ``add_param_group`` adds later."""
    late = bench.gradients("b")
    rows = (None,) * (LATE - 1) + Track.of(late[LATE - 1 :]).gradients
    overrides = {"betas": OTHER_BETAS} if bench.candidate.per_group("betas") else {"lr": 0.25}
    together = bench.scenario(
        Track.of(bench.gradients("a")), Track(rows, overrides=overrides, joins=LATE)
    )
    sentence = f"after add_param_group before step {LATE} a parameter is off"
    return bench.compare(together, _alone(bench, together), sentence)


def late_parameter(bench: Bench) -> Finding | None:
    """A parameter of the first group whose first gradient comes late."""
    late = bench.gradients("b")
    rows = (None,) * (LATE - 1) + Track.of(late[LATE - 1 :]).gradients
    together = bench.scenario(Track.of(bench.gradients("a")), Track(rows))
    sentence = (
        f"steps are counted per group, not per parameter: one whose first gradient comes at step "
        f"{LATE} is off"
    )
    return bench.compare(together, _alone(bench, together), sentence)


def round_trip(bench: Bench) -> Finding | None:
    """``state_dict`` into a fresh optimiser in the middle of a run."""
    track = Track.of(bench.gradients("a"))
    uninterrupted = bench.scenario(track).run(bench.candidate)[0]
    reloaded = bench.scenario(track, reload_before=LATE + 3)
    optimizer = bench.candidate.build([([torch.zeros(1, requires_grad=True)], {})], **bench.hyper)
    if not hasattr(optimizer, "load_state_dict"):
        return None
    sentence = f"state_dict loses state: after a reload before step {LATE + 3} a parameter is off"
    return bench.compare(reloaded, {0: uninterrupted}, sentence)


def changed_rate(bench: Bench) -> Finding | None:
    """The group's lr is changed in the middle of a run, as schedulers do."""
    if not bench.candidate.per_group("lr"):
        return None
    track = Track.of(bench.gradients("a"))
    right = bench.scenario(track).run(bench.candidate)[0].copy()
    right[LATE + 2 :] *= 0.25
    changed = bench.scenario(track, lr_change=(LATE + 3, 0.25))
    sentence = f"a new lr in param_groups before step {LATE + 3} is not followed"
    return bench.compare(changed, {0: right}, sentence)


CHECKS: tuple[Callable[[Bench], Finding | None], ...] = (
    groups_with_two_rates,
    groups_with_two_betas,
    added_group,
    late_parameter,
    round_trip,
    changed_rate,
)


def find_state_faults(bench: Bench) -> tuple[Finding, ...]:
    """All faults of state."""
    return tuple(found for check in CHECKS if (found := check(bench)) is not None)
