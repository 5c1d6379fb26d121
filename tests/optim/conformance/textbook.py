"""A textbook RAdam in small hooks; the broken ones and the dialects each override one."""

import math

import torch


class Textbook(torch.optim.Optimizer):
    """Algorithm 2 with eps beside the uncorrected root, L2 decay, a step count per parameter."""

    threshold = 4.0

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, maximize=False
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def forget(self, hyper):
        """Take a hyper-parameter out of the groups, as if this optimiser did not know it."""
        del self.defaults[hyper]
        for group in self.param_groups:
            del group[hyper]

    def rho_inf(self, beta2):
        return 2 / (1 - beta2) - 1

    def rho(self, t, beta2):
        return self.rho_inf(beta2) - 2 * t * beta2**t / (1 - beta2**t)

    def adaptive(self, rho):
        return rho > self.threshold

    def factor(self, t, rho, beta1, beta2):
        top = (rho - 4) * (rho - 2) * self.rho_inf(beta2)
        bottom = (self.rho_inf(beta2) - 4) * (self.rho_inf(beta2) - 2) * rho
        return math.sqrt(top / bottom)

    def denominator(self, v, t, beta2, eps):
        return (v.sqrt() + eps) / math.sqrt(1 - beta2**t)

    def corrected(self, m, t, beta1):
        return m / (1 - beta1**t)

    def early(self, m, v, g, t, group):
        return self.corrected(m, t, group["betas"][0])

    def decay(self, p, g, group):
        """The gradient to go on with."""
        return g + group["weight_decay"] * p

    def count(self, state, group):
        state["step"] = state.get("step", 0) + 1
        return state["step"]

    def averages(self, state, g, beta1, beta2):
        state["m"] = beta1 * state.get("m", torch.zeros_like(g)) + (1 - beta1) * g
        state["v"] = beta2 * state.get("v", torch.zeros_like(g)) + (1 - beta2) * g * g
        return state["m"], state["v"]

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.step_one(p, group)

    def step_one(self, p, group):
        beta1, beta2 = group["betas"]
        g = -p.grad if group["maximize"] else p.grad
        g = self.decay(p, g, group)
        state = self.state[p]
        t = self.count(state, group)
        m, v = self.averages(state, g, beta1, beta2)
        rho = self.rho(t, beta2)
        if self.adaptive(rho):
            step = self.factor(t, rho, beta1, beta2) * self.corrected(m, t, beta1)
            p.sub_(group["lr"] * step / self.denominator(v, t, beta2, group.get("eps")))
        else:
            early = self.early(m, v, g, t, group)
            if early is not None:
                p.sub_(group["lr"] * early)
