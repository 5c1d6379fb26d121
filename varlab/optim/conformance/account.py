"""From judgements to findings: the sentences on factor, threshold and early phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varlab.optim.conformance.averages import averages
from varlab.optim.conformance.early import EarlyPhase, judge_early
from varlab.optim.conformance.factor import FactorJudgement, judge_factor
from varlab.optim.conformance.finding import Finding, dialect, fault, note
from varlab.optim.conformance.gradients import known_gradients
from varlab.optim.conformance.hyper import Candidate
from varlab.optim.conformance.precision import Arithmetic
from varlab.optim.conformance.recover import Phase, Recovery, plain_hyper
from varlab.optim.conformance.reference import reference
from varlab.optim.conformance.reproduction import script
from varlab.optim.conformance.scenario import FloatArray, Scenario, StepError, Track
from varlab.optim.conformance.suspects import RIGHT
from varlab.optim.conformance.threshold import Threshold, find_threshold


@dataclass(frozen=True)
class Account:
    """All that the recoveries of one target say.

    Attributes
    ----------
    candidate : Candidate
    recoveries : tuple of Recovery
    factor, threshold, early
        The judgements; no threshold where there is none to judge, since every step is adaptive
        or rho_t is unknown.
    seed : int
    dtype, device : str
        Of the parameters.
    """

    candidate: Candidate
    recoveries: tuple[Recovery, ...]
    factor: FactorJudgement
    threshold: Threshold | None
    early: EarlyPhase
    seed: int
    dtype: str
    device: str

    @property
    def is_radam(self) -> bool:
        """Whether anything rectified was seen, right or wrong."""
        if self.factor.suspect is not None:
            return self.factor.suspect.radam
        firsts = [r.first_adaptive for r in self.recoveries]
        opens = [t for t in firsts if t is not None]
        # adaptive from the very first step at every beta2, even where rho_t never passes 4
        return bool(opens) and not all(t == 1 for t in firsts)

    @property
    def known_threshold(self) -> int | None:
        """4, 5 or None."""
        return self.threshold.known if self.threshold else None

    @property
    def adaptive_setting(self) -> tuple[float, int] | None:
        """(beta2, t) of an adaptive step some way after the first; 0.9 if that has one."""
        by_preference = sorted(self.recoveries, key=lambda r: abs(r.beta2 - 0.9))
        for recovery in by_preference:
            first = recovery.first_adaptive
            later = (first or 0) + 8
            if first and later <= recovery.steps and recovery.phases[later - 1] is Phase.ADAPTIVE:
                return recovery.beta2, later
        return None

    @property
    def form_is_known(self) -> bool:
        """Whether every adaptive step is a multiple of mhat/sqrt(vhat)."""
        return self.factor.suspect is not None and self.factor.form is None

    @property
    def raises(self) -> bool:
        """Whether steps raise where RAdam is adaptive sooner or later."""
        return any(r.beta2 > 0.6 and Phase.RAISED in r.phases for r in self.recoveries)

    @property
    def steps_in_float32(self) -> bool:
        """Whether the adaptive moves are float32 numbers throughout."""
        adaptive = [r for r in self.recoveries if r.first_adaptive is not None]
        return bool(adaptive) and all(r.float32 for r in adaptive)

    def findings(self) -> list[Finding]:
        """Dialects, notes and faults of the recovered steps."""
        if not self.is_radam:
            return [self._not_radam()]
        found = self._broken_steps()
        found += self._factor()
        found += self._threshold()
        found += self._early()
        return found

    def _not_radam(self) -> Finding:
        judged = self.factor
        where = judged.worst or (self.recoveries[-1].beta2, 1)
        if judged.suspect is not None:
            sentence = f"not RAdam: the factor is not r_t: {judged.suspect.sentence}"
        elif judged.worst is None:
            sentence = "not RAdam: no step is adaptive at any beta2"
            where = (self.recoveries[-1].beta2, 6)
        else:
            sentence = "not RAdam: adaptive from the first step on, and no factor like r_t"
        return fault(sentence, self._reproduce(*where, sentence))

    def _broken_steps(self) -> list[Finding]:
        """Steps that are NaN or raise."""
        for recovery in self.recoveries:
            bad = [i for i, p in enumerate(recovery.phases) if p in (Phase.NAN, Phase.RAISED)]
            if bad:
                t = bad[0] + 1
                rho = reference(recovery.beta2, recovery.steps, 3).window(0, recovery.steps)[0]
                raised = recovery.raised.get(t)
                what = f"step {t} raises {raised}" if raised else f"step {t} is NaN"
                sentence = f"at beta2 = {recovery.beta2:g} {what} (rho_t = {rho[t - 1]:.4g})"
                return [fault(sentence, self._reproduce(recovery.beta2, t, sentence))]
        return []

    def _factor(self) -> list[Finding]:
        judged = self.factor
        if judged.worst is None:
            return []
        beta2, t = judged.worst
        if judged.suspect is RIGHT and judged.form is None:
            if judged.arithmetic is not Arithmetic.FLOAT32:
                return []
            worst = {b: e for b, e in judged.errors.items() if e is not None and b >= 0.99}
            shown = ", ".join(f"{_percent(e)} at {b:g}" for b, e in worst.items())
            sentence = f"rho_t is computed in float32: r_t is off by up to {shown}"
            for recovery in self.recoveries:
                four = reference(recovery.beta2, recovery.steps, 3).first_step_above(4)
                first = recovery.first_adaptive
                if first is not None and four is not None and first < four:
                    sentence += (
                        f"; at beta2 = {recovery.beta2:g} it is wrong outright: adaptive at t = "
                        f"{first}, where rho_t <= 4"
                    )
            return [note(sentence, self._reproduce(beta2, t, sentence))]
        if judged.form is not None:
            sentence = f"the step is no multiple of mhat/sqrt(vhat): {judged.form.sentence}"
        elif judged.suspect is not None:
            sentence = f"the factor is not r_t: {judged.suspect.sentence}{self._figures(beta2, t)}"
        elif self._spread() > 1e-3:
            sentence = (
                f"the step is no multiple of mhat/sqrt(vhat): between coordinates its factor "
                f"differs by up to {100 * self._spread():.3g}%, and no known mistake explains it"
            )
        else:
            sentence = "the factor is not r_t, nor r_t with any known mistake" + self._figures(
                beta2, t
            )
        return [fault(sentence, self._reproduce(beta2, t, sentence))]

    def _figures(self, beta2: float, t: int) -> str:
        recovery = next(r for r in self.recoveries if r.beta2 == beta2)
        right = reference(beta2, recovery.steps, 3).window(0, recovery.steps)[1][t - 1]
        derived = "r_t is undefined" if np.isnan(right) else f"the derivation gives {right:.6g}"
        return f"; at beta2 = {beta2:g}, t = {t} it is {recovery.factor[t - 1]:.6g} where {derived}"

    def _spread(self) -> float:
        spreads = [r.spread[r.where(Phase.ADAPTIVE)] for r in self.recoveries]
        return float(max((s.max() for s in spreads if s.size), default=0.0))

    def _threshold(self) -> list[Finding]:
        found = self.threshold
        if found is None:
            return []
        if found.known == 4:
            return [dialect("adaptive where rho_t > 4, as in Algorithm 2")]
        if found.known == 5:
            text = "adaptive where rho_t > 5 (or >= 5: no float beta2 tells them apart)"
            return [dialect(f"{text}, as in the authors' code")]
        beta2, t = self._threshold_shows()
        if found.explains:
            sentence = (
                f"the adaptive branch opens at rho_t > c with c between {found.low:.4g} and "
                f"{found.high:.4g}, neither 4 nor 5"
            )
        else:
            sentence = "no threshold on rho_t explains the first adaptive steps"
        sentence += f": first seen at beta2 = {beta2:g}, t = {t}"
        return [fault(sentence, self._reproduce(beta2, t, sentence))]

    def _threshold_shows(self) -> tuple[float, int]:
        """(beta2, t) of a step that is adaptive too early or not adaptive too late."""
        for recovery in self.recoveries:
            found = reference(recovery.beta2, recovery.steps, 3)
            opened = recovery.opened
            four, five = found.first_step_above(4), found.first_step_above(5)
            if opened is not None and (four is None or opened < four):
                return recovery.beta2, opened
            if five is not None and five <= recovery.steps and (opened is None or opened > five):
                return recovery.beta2, five
        last = self.recoveries[-1]
        return last.beta2, last.opened or 1

    def _early(self) -> list[Finding]:
        early = self.early
        if early.kind == "none":
            return [dialect("no step before the first adaptive one, as in the authors' code")]
        if early.kind == "other" and early.sentence:
            where = early.where or (self.recoveries[-1].beta2, 1)
            return [fault(early.sentence, self._reproduce(*where, early.sentence, early=True))]
        return []

    def _reproduce(self, beta2: float, t: int, sentence: str, *, early: bool = False) -> str:
        """A script at (beta2, t): a constant gradient if that shows it, the known gradients if not."""
        scenario, right, off = self._constant(beta2, t, early)
        if off < 1e-12:  # nothing but rounding: a constant gradient hides mistakes in the averages
            scenario, right, off = self._known(beta2, t, early)
        tolerance = min(1e-4, max(off / 4, 1e-12)) if off > 0 else 1e-4
        return script(self.candidate, scenario, {0: right}, sentence, tolerance=tolerance)

    def _constant(self, beta2: float, t: int, early: bool) -> tuple[Scenario, FloatArray, float]:
        # mhat/sqrt(vhat) = 1 and mhat = 2, so that the move is -r_t or -2; not 1, for which a root
        # or a square would not show
        return self._compare(np.full((t, 1), 2.0), beta2, early)

    def _known(self, beta2: float, t: int, early: bool) -> tuple[Scenario, FloatArray, float]:
        return self._compare(known_gradients(t, 2, seed=self.seed, stream="recover"), beta2, early)

    def _compare(
        self, gradients: FloatArray, beta2: float, early: bool
    ) -> tuple[Scenario, FloatArray, float]:
        """The scenario, the right last move, and the relative deviation from it."""
        beta1 = self.recoveries[0].beta1
        hyper = plain_hyper(self.candidate, beta1=beta1, beta2=beta2)
        scenario = Scenario(hyper, (Track.of(gradients),), dtype=self.dtype, device=self.device)
        right = self._right_move(gradients, beta1, beta2, early)
        try:
            got = scenario.run(self.candidate)[0][-1]
        except StepError:
            return scenario, right, np.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            off = float(np.abs(got / right - 1).max()) if right.any() else float(np.abs(got).max())
        return scenario, right, np.inf if np.isnan(off) else off

    def _right_move(
        self, gradients: FloatArray, beta1: float, beta2: float, early: bool
    ) -> FloatArray:
        own = averages(gradients, beta1, beta2)
        steps = len(gradients)
        rho, r = (row[-1] for row in reference(beta2, steps).window(0, steps))
        # where 4 < rho_t <= 5 both branches are right; the script shows the one the target takes
        if rho > 5 or (rho > 4 and not early and self.known_threshold == 4):
            return np.asarray(-r * own.adam[-1])
        if rho > 4 and not early and self._adaptive_at(beta2, steps):
            return np.asarray(-r * own.adam[-1])
        return np.asarray(-own.mhat[-1] if self.early.kind != "none" else 0 * own.mhat[-1])

    def _adaptive_at(self, beta2: float, t: int) -> bool:
        recovery = next((r for r in self.recoveries if r.beta2 == beta2), None)
        return recovery is not None and recovery.phases[t - 1] is Phase.ADAPTIVE


def _percent(part: float) -> str:
    return f"{100 * part:.0f}%" if part > 0.1 else f"{100 * part:.2g}%"


def account(
    candidate: Candidate, recoveries: Sequence[Recovery], *, seed: int, dtype: str, device: str
) -> Account:
    """Judge the recoveries of one target."""
    factor = judge_factor(recoveries)
    suspect = factor.suspect
    gated = suspect is None or suspect.gated
    threshold = find_threshold(recoveries, suspect, factor.arithmetic) if gated else None
    if suspect is None and threshold is not None and threshold.known is None:
        threshold = None  # without a rho_t to go by the first adaptive step says no more
    early = judge_early(recoveries, factor.arithmetic)
    return Account(candidate, tuple(recoveries), factor, threshold, early, seed, dtype, device)
