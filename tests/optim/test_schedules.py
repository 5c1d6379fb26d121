"""Schedules: their formulas at each step, torch's conventions, and Adam under r_t being RAdam."""

import math
from itertools import islice

import pytest
import torch

from varlab.core import DomainError
from varlab.optim import (
    Adam,
    ExponentialDecayLR,
    LinearWarmupDecayLR,
    LinearWarmupLR,
    NaturalExponentialDecayLR,
    NoamLR,
    RAdam,
    RectificationLR,
    UntunedExponentialLR,
    UntunedLinearLR,
)

BETA2 = 0.98
# The early steps update the moments by other kernels, which round differently; m may cancel.
ROUNDING = 1e-12


def optimiser(lr=0.5, betas=(0.9, BETA2)):
    return Adam([torch.zeros(1, requires_grad=True)], lr=lr, betas=betas)


def rates(optimizer, scheduler):
    """The learning rates with which steps 1, 2, ... are made."""
    while True:
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


# (name, how to build it, the multiplier of step t as the source prints it)
SCHEDULES = [
    ("linear warm-up", lambda o: LinearWarmupLR(o, 8), lambda t: min(t, 8) / 8),
    ("untuned linear", UntunedLinearLR, lambda t: min(1, (1 - BETA2) * t / 2)),
    ("untuned exponential", UntunedExponentialLR, lambda t: 1 - math.exp(-(1 - BETA2) * t)),
    ("Noam", lambda o: NoamLR(o, 512, 8), lambda t: 512**-0.5 * min(t**-0.5, t * 8**-1.5)),
    (
        "warm-up and linear decay",
        lambda o: LinearWarmupDecayLR(o, 5, 20),
        lambda t: t / 5 if t <= 5 else max(0, (21 - t) / 16),
    ),
    ("exponential", lambda o: ExponentialDecayLR(o, 0.5, 10), lambda t: 0.5 ** ((t - 1) / 10)),
    (
        "natural exponential",
        lambda o: NaturalExponentialDecayLR(o, 0.5, 10),
        lambda t: math.exp(-0.5 * (t - 1) / 10),
    ),
]
schedules = pytest.mark.parametrize(
    ("build", "printed"), [s[1:] for s in SCHEDULES], ids=[s[0] for s in SCHEDULES]
)


@schedules
def test_rate_of_every_step_is_the_printed_one(build, printed):
    optimizer = optimiser()
    seen = list(islice(rates(optimizer, build(optimizer)), 200))
    expected = [0.5 * printed(t) for t in range(1, 201)]
    # The printed 1 - exp(-x) cancels: x >= 1e-2 here costs two of sixteen digits.
    assert seen == pytest.approx(expected, rel=1e-13, abs=0)


@schedules
def test_a_shift_by_one_step_is_seen(build, printed):
    optimizer = optimiser()
    seen = list(islice(rates(optimizer, build(optimizer)), 40))
    for shift in (-1, 1):
        shifted = [0.5 * printed(max(t + shift, 0.1)) for t in range(1, 41)]
        assert seen != pytest.approx(shifted, rel=1e-6)


@schedules
def test_state_dict_round_trip(build, printed):
    optimizer = optimiser()
    scheduler = build(optimizer)
    list(islice(rates(optimizer, scheduler), 6))
    other = optimiser()
    resumed = build(other)
    resumed.load_state_dict(scheduler.state_dict())
    other.load_state_dict(optimizer.state_dict())
    assert list(islice(rates(other, resumed), 20)) == list(islice(rates(optimizer, scheduler), 20))


def test_groups_follow_their_own_beta2_and_base_rate():
    groups = [
        {"params": [torch.zeros(1, requires_grad=True)], "betas": (0.9, 0.9), "lr": 1.0},
        {"params": [torch.zeros(1, requires_grad=True)], "betas": (0.9, 0.99), "lr": 2.0},
    ]
    optimizer = Adam(groups)
    UntunedLinearLR(optimizer)
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.05, 0.01])


def test_warm_up_and_decay_joins_its_lines_and_uses_every_step():
    optimizer = optimiser(lr=1.0)
    seen = list(islice(rates(optimizer, LinearWarmupDecayLR(optimizer, 4, 10)), 12))
    assert seen.index(max(seen)) == 3
    assert max(seen) == 1.0
    assert all(rate > 0 for rate in seen[:10])
    assert seen[10:] == [0.0, 0.0]


def steps_under_same_gradients(optimizer, scheduler, param, steps=60):
    moves = []
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        param.data.zero_()
        param.grad = torch.randn(5, generator=generator, dtype=torch.float64)
        optimizer.step()
        if scheduler:
            scheduler.step()
        moves.append(param.detach().clone())
    return torch.stack(moves)


@pytest.mark.parametrize("options", [{}, {"threshold": 5.0}, {"rectify": "exact"}], ids=str)
@pytest.mark.parametrize("beta2", [0.7, 0.99, 0.999])
def test_adam_under_r_t_is_radam(options, beta2):
    def fresh():
        return torch.zeros(5, dtype=torch.float64, requires_grad=True)

    p, q, s = fresh(), fresh(), fresh()
    adam = Adam([p], lr=0.1, betas=(0.9, beta2), fused=True)
    scheduled = steps_under_same_gradients(adam, RectificationLR(adam, **options), p)
    silent = RAdam([q], lr=0.1, betas=(0.9, beta2), early="none", **options)
    expected = steps_under_same_gradients(silent, None, q)
    torch.testing.assert_close(scheduled, expected, rtol=ROUNDING, atol=0)
    radam = RAdam([s], lr=0.1, betas=(0.9, beta2), **options)
    rectified = steps_under_same_gradients(radam, None, s)
    early = int((scheduled == 0).all(1).sum())
    assert early >= 2
    torch.testing.assert_close(scheduled[early:], rectified[early:], rtol=ROUNDING, atol=0)
    assert not (rectified[:early] == 0).any()


def test_multiplier_of_the_early_phase_can_be_chosen():
    optimizer = optimiser(lr=1.0, betas=(0.9, 0.999))
    seen = list(islice(rates(optimizer, RectificationLR(optimizer, early=0.25)), 6))
    assert seen[:4] == [0.25] * 4
    assert 0 < seen[4] < 0.25


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda o: LinearWarmupLR(o, 0),
            "warmup_steps must be a finite number > 0; got 0; 1 means no warm-up",
        ),
        (
            lambda o: LinearWarmupDecayLR(o, 30, 20),
            "warmup_steps must lie in [1, total_steps = 20]; got 30",
        ),
        (
            lambda o: NoamLR(o, 512, float("nan")),
            "warmup_steps must be a finite number > 0; got nan; 4000 is the usual choice",
        ),
        (
            lambda o: ExponentialDecayLR(o, -1.0, 10),
            "rate must be a finite number > 0; got -1.0; 0.96 is a usual choice",
        ),
        (
            lambda o: NaturalExponentialDecayLR(o, 1.0, 0),
            "steps must be a finite number > 0; got 0",
        ),
        (
            lambda o: RectificationLR(o, early=-1.0),
            "early must be a finite number >= 0; got -1.0; 0 makes no step",
        ),
        (
            lambda o: RectificationLR(o, rectify="kish"),
            "rectify must be 'radam' or 'exact'; got 'kish'",
        ),
    ],
)
def test_bad_input(build, message):
    with pytest.raises(DomainError) as caught:
        build(optimiser())
    assert str(caught.value) == message


@pytest.mark.parametrize("schedule", [UntunedLinearLR, UntunedExponentialLR, RectificationLR])
def test_an_optimiser_without_beta2_is_refused(schedule):
    sgd = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    with pytest.raises(
        DomainError, match="betas must be a pair in every parameter group; got None"
    ):
        schedule(sgd)
