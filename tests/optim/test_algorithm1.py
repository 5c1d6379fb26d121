"""Every optimiser against its pair (phi_t, psi_t), summed literally over all gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from varlab import optim
from varlab.core import DomainError
from varlab.optim import Algorithm1, pairs

# A recursion against a direct sum in float64: rounding of at most some 1e2 steps, 1/(1-beta2) <= 1e3
# of it in the bias corrections.
ROUNDING = 1e-11

METHODS = {
    "SGD": (optim.SGD, {}, pairs.sgd()),
    "momentum SGD": (optim.SGD, {"momentum": 0.9}, pairs.sgd(0.9)),
    "Adagrad": (optim.Adagrad, {}, pairs.adagrad()),
    "RMSprop": (optim.RMSprop, {"alpha": 0.9}, pairs.rmsprop(0.9)),
    "Adam": (optim.Adam, {}, pairs.adam()),
    "AdamW": (optim.AdamW, {"weight_decay": 0.0}, pairs.adam()),
    "AdamEps": (optim.AdamEps, {"eps": 0.1}, pairs.adam_eps(eps=0.1)),
    "Adam2k": (optim.Adam2k, {"frozen_steps": 4}, pairs.adam_2k(frozen_steps=4)),
    "RAdam": (optim.RAdam, {}, pairs.radam(eps=1e-8)),
    "RAdam threshold 5": (optim.RAdam, {"threshold": 5.0}, pairs.radam(eps=1e-8, threshold=5.0)),
    "LAMB": (optim.LAMB, {}, pairs.lamb()),
}
WITH_L2 = [n for n in METHODS if n not in ("AdamW", "LAMB")]
DECOUPLED = {
    "AdamW": "AdamW",
    "LAMB": "LAMB",
    "RAdam": "RAdam",
    "AdamEps": "AdamEps",
}

SEQUENCES = st.tuples(st.integers(1, 30), st.integers(0, 2**32 - 1), st.floats(-6, 6))


def gradients(steps, seed, scale):
    """Normal gradients of scale 10**scale, every seventh of them zero."""
    drawn = np.random.default_rng(seed).normal(size=(steps, 2, 3)) * 10.0**scale
    drawn[6::7] = 0
    return torch.tensor(drawn)


def walk(build, sequence):
    theta = torch.linspace(-1, 2, 6, dtype=torch.float64).reshape(2, 3).requires_grad_()
    optimizer = build([theta])
    for gradient in sequence:
        theta.grad = gradient.clone()
        optimizer.step()
    return theta.detach()


def assert_same_path(method, options, pair, sequence, literal_options):
    fast = walk(lambda p: method(p, lr=0.01, **options), sequence)
    literal = walk(lambda p: Algorithm1(p, pair, lr=0.01, **literal_options), sequence)
    scale = max(1.0, literal.abs().max().item())
    torch.testing.assert_close(fast, literal, rtol=ROUNDING, atol=ROUNDING * scale)


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=25, deadline=None)
@given(drawn=SEQUENCES)
def test_optimiser_is_its_pair(name, drawn):
    assert_same_path(*METHODS[name], gradients(*drawn), {})


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("name", WITH_L2)
def test_l2_decay_is_part_of_the_gradient(name, maximize):
    method, options, pair = METHODS[name]
    # torch negates the gradient before it adds the decay, and so does the twin.
    both = {"weight_decay": 0.3, "maximize": maximize}
    assert_same_path(method, {**options, **both}, pair, gradients(20, 0, 0.0), both)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("name", DECOUPLED)
def test_decoupled_decay_stands_beside_the_step(name, maximize):
    method, options, pair = METHODS[name]
    both = {"weight_decay": 0.3, "maximize": maximize}
    own = {} if name in ("AdamW", "LAMB") else {"decoupled_weight_decay": True}
    assert_same_path(
        method,
        {**options, **both, **own},
        pair,
        gradients(20, 0, 0.0),
        {**both, "decoupled_weight_decay": True},
    )


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("momentum SGD", pairs.sgd(0.89)),
        ("Adagrad", pairs.rmsprop(0.99)),
        ("RMSprop", pairs.adam(0.0, 0.9)),
        ("Adam", pairs.adam_eps(eps=1e-3)),
        ("AdamEps", pairs.adam(eps=0.1)),
        ("Adam2k", pairs.adam_2k(frozen_steps=5)),
        ("RAdam", pairs.radam(eps=1e-8, threshold=5.0)),
        ("LAMB", pairs.adam(eps=1e-6)),
    ],
)
def test_a_wrong_pair_is_told_apart(name, wrong):
    method, options, _ = METHODS[name]
    with pytest.raises(AssertionError):
        assert_same_path(method, options, wrong, gradients(12, 0, -2.0), {})


@pytest.mark.parametrize("name", ["Adam", "RAdam", "Adam2k", "LAMB"])
@settings(max_examples=20, deadline=None)
@given(drawn=SEQUENCES, power=st.integers(-8, 8))
def test_adaptive_steps_do_not_know_the_gradients_scale(name, drawn, power):
    method, options, _ = METHODS[name]
    options = {**options, "eps": 0.0}
    sequence = gradients(*drawn)
    if name == "RAdam":  # only its adaptive steps
        options["early"] = "none"
    scaled = walk(lambda p: method(p, lr=0.01, **options), sequence * 2.0**power)
    plain = walk(lambda p: method(p, lr=0.01, **options), sequence)
    # Powers of two scale without rounding, square roots of their squares as well.
    torch.testing.assert_close(scaled, plain, rtol=ROUNDING, atol=ROUNDING)


def test_literal_optimiser_keeps_the_conventions():
    theta = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    optimizer = Algorithm1([theta], pairs.adam(), lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = theta.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 5.0
    optimizer.step(closure)
    twin = theta.detach().clone().requires_grad_()
    resumed = Algorithm1([twin], pairs.adam(), lr=0.7)
    resumed.load_state_dict(optimizer.state_dict())
    for p, o in ((theta, optimizer), (twin, resumed)):
        p.grad = torch.ones_like(p)
        o.step()
    assert torch.equal(theta, twin)


def test_algorithm1_wants_a_pair():
    with pytest.raises(
        DomainError, match=r"pair must be a Pair; got 'adam'; see varlab\.optim\.pairs"
    ):
        Algorithm1([torch.zeros(1, requires_grad=True)], "adam")
