"""Right RAdams that differ in the ways known implementations do."""

from textbook import Textbook


class Algorithm2(Textbook):
    """Threshold 4, momentum early, L2."""


class ThresholdFive(Textbook):
    threshold = 5.0


class AtLeastFive(Textbook):
    def adaptive(self, rho):
        return rho >= 5


class NoStepEarly(AtLeastFive):
    def early(self, m, v, g, t, group):
        return None


class Decoupled(Textbook):
    def decay(self, p, g, group):
        p.mul_(1 - group["lr"] * group["weight_decay"])
        return g


class EpsInsideCorrection(Textbook):
    def denominator(self, v, t, beta2, eps):
        return (v / (1 - beta2**t)).sqrt() + eps


class NoDecay(Textbook):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr=lr, betas=betas, eps=eps)
        self.forget("weight_decay")

    def decay(self, p, g, group):
        return g


class DecayWithoutRate(Textbook):
    def decay(self, p, g, group):
        p.mul_(1 - group["weight_decay"])
        return g


class FixedEps(Textbook):
    """eps cannot be set; the betas are two arguments."""

    def __init__(self, params, learning_rate=1e-3, beta1=0.9, beta2=0.999):
        super().__init__(params, lr=learning_rate, betas=(beta1, beta2))
        self.forget("eps")

    def denominator(self, v, t, beta2, eps):
        return super().denominator(v, t, beta2, 1e-6)


# class -> what must be seen: attributes of the result, and pieces of its sentences
DIALECTS = {
    Algorithm2: ({"threshold": 4, "early_phase": "momentum", "weight_decay": "l2"}, "rho_t > 4"),
    ThresholdFive: ({"threshold": 5}, "rho_t > 5"),
    AtLeastFive: ({"threshold": 5}, "or >= 5"),
    NoStepEarly: ({"threshold": 5, "early_phase": "none"}, "no step before the first adaptive"),
    Decoupled: ({"weight_decay": "decoupled"}, "weight decay is decoupled by default"),
    EpsInsideCorrection: ({"eps_placement": "sqrt(vhat) + eps"}, "inside the bias correction"),
    NoDecay: ({"weight_decay": "none"}, "no weight decay"),
    DecayWithoutRate: ({"weight_decay": "other"}, "not multiplied by the learning rate"),
    FixedEps: ({"eps_placement": "fixed"}, "eps cannot be set"),
}
