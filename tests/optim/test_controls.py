"""Adam-2k and Adam-eps: what is frozen, how steps are counted, where eps stands."""

import pytest
import torch

from varlab.optim import Adam2k, AdamEps


def theta(value=1.0):
    return torch.full((3,), value, dtype=torch.float64, requires_grad=True)


def step(optimizer, param, gradient):
    before = param.detach().clone()
    param.grad = torch.full_like(param, gradient)
    optimizer.step()
    return (param.detach() - before)[0].item()


@pytest.mark.parametrize("decoupled", [False, True])
def test_frozen_iterations_update_v_only(decoupled):
    p = theta()
    optimizer = Adam2k([p], frozen_steps=5, weight_decay=0.1, decoupled_weight_decay=decoupled)
    for _ in range(5):
        assert step(optimizer, p, 2.0) == 0
        assert not optimizer.state[p]["exp_avg"].any()
        assert optimizer.state[p]["exp_avg_sq"].all()
    assert step(optimizer, p, 2.0) != 0


def test_two_thousand_iterations_are_frozen_by_default():
    p = theta()
    optimizer = Adam2k([p])
    assert [t for t in range(1, 2003) if step(optimizer, p, 1.0) != 0] == [2001, 2002]


def test_bias_corrections_count_from_minus_1999():
    # With g = 2 in the frozen steps and g = 3 once after them, m = (1-b1) 3 corrected by 1-b1^1 is 3,
    # and v holds every gradient, corrected by its own 1-b2^(frozen+1).
    frozen, b2, p = 7, 0.9, theta()
    optimizer = Adam2k([p], lr=1.0, betas=(0.9, b2), eps=0.0, frozen_steps=frozen)
    for _ in range(frozen):
        step(optimizer, p, 2.0)
    weights = [(1 - b2) * b2 ** (frozen - i) for i in range(frozen + 1)]
    squares = [4.0] * frozen + [9.0]
    vhat = sum(w * s for w, s in zip(weights, squares, strict=True)) / (1 - b2 ** (frozen + 1))
    assert step(optimizer, p, 3.0) == pytest.approx(-3.0 / vhat**0.5, rel=1e-13)


def test_decoupled_decay_is_by_the_plain_learning_rate():
    # The kernel gets lr times a ratio of bias corrections; the decay must not.
    p = theta(2.0)
    optimizer = Adam2k([p], lr=0.1, weight_decay=0.5, frozen_steps=50, decoupled_weight_decay=True)
    for _ in range(50):
        step(optimizer, p, 0.0)
    assert step(optimizer, p, 0.0) == pytest.approx(-0.1 * 0.5 * 2.0, rel=1e-13)


@pytest.mark.parametrize("t", [1, 2, 10, 1000])
def test_eps_stands_beside_the_uncorrected_root(t):
    # R Sec. 3.1: psi = sqrt(1-b2^t) / (eps + sqrt((1-b2) sum ...)); for constant g the root is
    # abs(g) sqrt(1-b2^t), so that the step is g c/(eps + abs(g) c) with c = sqrt(1-b2^t).
    g, b2, eps, p = 1e-4, 0.999, 1e-4, theta()
    optimizer = AdamEps([p], lr=1.0, betas=(0.9, b2), eps=eps)
    for _ in range(t - 1):
        step(optimizer, p, g)
    c = (1 - b2**t) ** 0.5
    # 1e-9: 1 - 0.999^t loses some digits here and in the kernel, and theta is near 1 while g is 1e-4.
    assert step(optimizer, p, g) == pytest.approx(-g * c / (eps + g * c), rel=1e-9)


def test_eps_of_the_paper_is_its_default():
    assert AdamEps([theta()]).defaults["eps"] == 1e-4
