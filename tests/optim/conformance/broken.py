"""Deliberately broken RAdams, one mistake each, with the finding that must name it."""

import math

import torch
from textbook import Textbook


class ShiftedStep(Textbook):
    """r_(t+1) for r_t."""

    def rho(self, t, beta2):
        return super().rho(t + 1, beta2)


class CounterStartsAtTwo(Textbook):
    """The whole step is one ahead, bias corrections too."""

    def count(self, state, group):
        state["step"] = state.get("step", 1) + 1
        return state["step"]


class HalfRhoInf(Textbook):
    def rho_inf(self, beta2):
        return 1 / (1 - beta2)


class RhoInfWithoutMinusOne(Textbook):
    def rho_inf(self, beta2):
        return 2 / (1 - beta2)


class MissingRoot(Textbook):
    def factor(self, t, rho, beta1, beta2):
        return super().factor(t, rho, beta1, beta2) ** 2


class InverseFactor(Textbook):
    def factor(self, t, rho, beta1, beta2):
        return 1 / super().factor(t, rho, beta1, beta2)


class ThresholdThree(Textbook):
    """The root of a negative number where 3 < rho_t <= 4."""

    threshold = 3.0

    def factor(self, t, rho, beta1, beta2):
        return super().factor(t, rho, beta1, beta2) if rho > 4 else math.nan


class ThresholdThreeRaises(Textbook):
    threshold = 3.0


class ThresholdEight(Textbook):
    threshold = 8.0


class RhoInFloat32(Textbook):
    """conforms-float32: not a fault, but told apart."""

    def rho(self, t, beta2):
        b = torch.tensor(beta2, dtype=torch.float32)
        return float(2 / (1 - b) - 1 - 2 * t * b**t / (1 - b**t))


class SharedCache(Textbook):
    """r_t cached by the step alone, over all groups."""

    def __init__(self, *args, **hyper):
        self.cache = {}
        super().__init__(*args, **hyper)

    def factor(self, t, rho, beta1, beta2):
        if t not in self.cache:
            self.cache[t] = super().factor(t, rho, beta1, beta2)
        return self.cache[t]


class FirstGroupsRate(Textbook):
    """Every group is stepped with the first group's lr."""

    def step_one(self, p, group):
        super().step_one(p, {**group, "lr": self.param_groups[0]["lr"]})


class StepPerGroup(Textbook):
    """Steps counted by the group's first parameter."""

    def count(self, state, group):
        if state is self.state[group["params"][0]]:
            group["step"] = group.get("step", 0) + 1
        return group["step"]


class RateFromConstruction(Textbook):
    """lr is read once; schedulers change nothing."""

    def __init__(self, *args, **hyper):
        super().__init__(*args, **hyper)
        self.rates = [group["lr"] for group in self.param_groups]

    def step_one(self, p, group):
        index = next(i for i, g in enumerate(self.param_groups) if g is group)
        rate = self.rates[index] if index < len(self.rates) else group["lr"]
        super().step_one(p, {**group, "lr": rate})


class EpsUnderRoot(Textbook):
    def denominator(self, v, t, beta2, eps):
        return ((v + eps) / (1 - beta2**t)).sqrt()


class EpsIgnored(Textbook):
    def denominator(self, v, t, beta2, eps):
        return super().denominator(v, t, beta2, 1e-30)


class NoCorrectionOfM(Textbook):
    def corrected(self, m, t, beta1):
        return m


class NoCorrectionOfV(Textbook):
    def denominator(self, v, t, beta2, eps):
        return v.sqrt() + eps


class DecayDoesNothing(Textbook):
    def decay(self, p, g, group):
        return g


class DecayTimesFactor(Textbook):
    def step_one(self, p, group):
        before = p.clone()
        super().step_one(p, {**group, "weight_decay": 0.0})
        t, (beta1, beta2) = self.state[p]["step"], group["betas"]
        rho = self.rho(t, beta2)
        rate = self.factor(t, rho, beta1, beta2) if self.adaptive(rho) else 1.0
        p.sub_(group["lr"] * group["weight_decay"] * rate * before)


class DecayGrowsWeights(Textbook):
    def decay(self, p, g, group):
        p.mul_(1 + group["lr"] * group["weight_decay"])
        return g


class FactorInEarlyPhase(Textbook):
    """r_t is applied to the momentum step too, the sign under its root dropped."""

    def early(self, m, v, g, t, group):
        beta1, beta2 = group["betas"]
        rho = self.rho(t, beta2)
        top = (rho - 4) * (rho - 2) * self.rho_inf(beta2)
        bottom = (self.rho_inf(beta2) - 4) * (self.rho_inf(beta2) - 2) * rho
        return math.sqrt(abs(top / bottom)) * self.corrected(m, t, beta1)


class FactorFoldedIntoMomentum(Textbook):
    """m is multiplied by r_t in place, so that it remembers."""

    def step_one(self, p, group):
        super().step_one(p, group)
        t, (beta1, beta2) = self.state[p]["step"], group["betas"]
        rho = self.rho(t, beta2)
        if self.adaptive(rho):
            self.state[p]["m"] = self.state[p]["m"] * self.factor(t, rho, beta1, beta2)


class AdamEarly(Textbook):
    """An unrectified adaptive step before the threshold."""

    def early(self, m, v, g, t, group):
        beta1, beta2 = group["betas"]
        return self.corrected(m, t, beta1) / self.denominator(v, t, beta2, group["eps"])


class PlainGradientEarly(Textbook):
    def early(self, m, v, g, t, group):
        return g


class MaximizeIgnored(Textbook):
    def step_one(self, p, group):
        super().step_one(p, {**group, "maximize": False})


class StateDictLosesStep(Textbook):
    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for state in self.state.values():
            state["step"] = 0


class ThreeForFour(Textbook):
    def factor(self, t, rho, beta1, beta2):
        top = (rho - 3) * (rho - 2) * self.rho_inf(beta2)
        bottom = (self.rho_inf(beta2) - 3) * (self.rho_inf(beta2) - 2) * rho
        return math.sqrt(top / bottom)


class BetasSwapped(Textbook):
    def averages(self, state, g, beta1, beta2):
        return super().averages(state, g, beta2, beta1)

    def corrected(self, m, t, beta1):
        return m

    def denominator(self, v, t, beta2, eps):
        return v.sqrt() + eps


class SwappedThroughout(Textbook):
    """beta1 and beta2 are swapped in the averages and in their corrections, not in r_t."""

    def step_one(self, p, group):
        beta1, beta2 = group["betas"]
        self.right = beta2
        super().step_one(p, {**group, "betas": (beta2, beta1)})

    def rho(self, t, beta2):
        return super().rho(t, self.right)

    def factor(self, t, rho, beta1, beta2):
        return super().factor(t, rho, beta1, self.right)


class Centred(Textbook):
    """v averages (g - m)^2."""

    def averages(self, state, g, beta1, beta2):
        m, _ = super().averages(state, g, beta1, beta2)
        spread = state.get("s", torch.zeros_like(g))
        state["s"] = beta2 * spread + (1 - beta2) * (g - m) ** 2
        return m, state["s"]


class Lookahead(Textbook):
    """RAdam inside Lookahead: every fifth step goes half-way back to the slow weights."""

    def step_one(self, p, group):
        super().step_one(p, group)
        state = self.state[p]
        slow = state.setdefault("slow", torch.zeros_like(p))
        if state["step"] % 5 == 0:
            slow += 0.5 * (p - slow)
            p.copy_(slow)


class RaisesAlways(Textbook):
    def step_one(self, p, group):
        raise RuntimeError("not today")


class NoDivisionByZero(Textbook):
    """Computes the constant of r_t beforehand: rho_inf - 4 = 0 at beta2 = 0.6."""

    def rho(self, t, beta2):
        1 / (self.rho_inf(beta2) - 4)
        return super().rho(t, beta2)


# class -> verdict, and what one of its faults (notes, for conforms-float32) must say
BROKEN = {
    ShiftedStep: ("differs", r"r_\(t\+1\), shifted by \+1"),
    CounterStartsAtTwo: ("differs", r"step counter is off: .* t\+1"),
    HalfRhoInf: ("differs", r"rho_inf is 1/\(1-beta2\) instead"),
    RhoInfWithoutMinusOne: ("differs", r"rho_inf is 2/\(1-beta2\) instead"),
    MissingRoot: ("differs", r"r_t\^2: the root is missing"),
    InverseFactor: ("differs", r"it is 1/r_t"),
    ThresholdThree: ("differs", r"opens at rho_t > c with c between (2\.9|3)"),
    ThresholdThreeRaises: ("differs", r"step \d raises ZeroDivisionError"),
    ThresholdEight: ("differs", r"opens at rho_t > c with c between \d"),
    RhoInFloat32: ("conforms-float32", r"rho_t is computed in float32"),
    SharedCache: ("differs", r"next to a group with other betas"),
    FirstGroupsRate: ("differs", r"second group with another lr"),
    StepPerGroup: ("differs", r"counted per group, not per parameter"),
    RateFromConstruction: ("differs", r"a new lr in param_groups .* not followed"),
    EpsUnderRoot: ("differs", r"eps enters under the root, sqrt\(v \+ eps\)"),
    EpsIgnored: ("differs", r"eps is accepted and ignored"),
    NoCorrectionOfM: ("differs", r"the bias correction of m is missing"),
    NoCorrectionOfV: ("differs", r"the bias correction of v is missing"),
    DecayDoesNothing: ("differs", r"weight decay is accepted and does nothing"),
    DecayTimesFactor: ("differs", r"weight decay is decoupled but multiplied by r_t"),
    DecayGrowsWeights: ("differs", r"wrong sign: it makes weights grow"),
    FactorInEarlyPhase: ("differs", r"r_t lr mhat: .* applied where rho_t <= 4"),
    FactorFoldedIntoMomentum: ("differs", r"m itself is multiplied by r_t"),
    AdamEarly: ("differs", r"before rho_t > 4 the step is Adam's, unrectified"),
    PlainGradientEarly: ("differs", r"the step is lr g, the plain gradient"),
    MaximizeIgnored: ("differs", r"maximize=True is not the step of the negative gradient"),
    StateDictLosesStep: ("differs", r"state_dict loses state"),
    ThreeForFour: ("differs", r"rho - 3 stands for rho - 4"),
    BetasSwapped: ("differs", r"no multiple of mhat/sqrt\(vhat\)"),
    SwappedThroughout: ("differs", r"beta1 and beta2 are swapped"),
    Centred: ("differs", r"AdaBelief"),
    Lookahead: ("differs", r"the factor is not r_t|no multiple of mhat"),
    NoDivisionByZero: ("differs", r"beta2 = 0.6 step 1 raises ZeroDivisionError"),
    RaisesAlways: ("error", r"step 1 raises RuntimeError: not today"),
    torch.optim.Adam: ("not-radam", r"this is Adam"),
    torch.optim.SGD: ("not-radam", r"no step is adaptive"),
    torch.optim.RMSprop: ("not-radam", r"not RAdam"),
    torch.optim.NAdam: ("not-radam", r"not RAdam"),
    torch.optim.Rprop: ("not-radam", r"not RAdam"),
}
