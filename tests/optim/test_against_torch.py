"""Held against torch.optim on real and random problems, in float64."""

import pytest
import torch

from varlab import optim
from varlab.numerics import first_adaptive_step

# float64 sums in another order; r_t of torch.optim.RAdam cancels: 1/(1-beta2) * 2^-52 at 0.999.
ROUNDING = 1e-12
CANCELLATION = 1e-9


def digits():
    """Softmax regression on 100 bundled images of digits: a real, if small, problem."""
    datasets = pytest.importorskip("sklearn.datasets")
    images, labels = datasets.load_digits(return_X_y=True)
    x = torch.tensor(images[:100] / 16.0)
    y = torch.tensor(labels[:100])
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 8, dtype=torch.float64),
        torch.nn.Tanh(),
        torch.nn.Linear(8, 10, dtype=torch.float64),
    )
    return list(model.parameters()), lambda: torch.nn.functional.cross_entropy(model(x), y)


def rosenbrock():
    theta = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    return [theta], lambda: (1 - theta[0]) ** 2 + 100 * (theta[1] - theta[0] ** 2) ** 2


def random_quadratic():
    generator = torch.Generator().manual_seed(1)
    root = torch.randn(6, 6, dtype=torch.float64, generator=generator)
    theta = torch.randn(6, dtype=torch.float64, generator=generator).requires_grad_()
    return [theta], lambda: (root @ theta).square().sum()


PROBLEMS = [digits, rosenbrock, random_quadratic]


def run(method, problem, steps=40, **options):
    params, loss = problem()
    optimizer = method(params, **options)
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in params])


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.__name__)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 1e-4}),
        ("SGD", {"lr": 1e-4, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
        ("RMSprop", {"lr": 1e-2, "momentum": 0.5, "centered": True}),
        ("Adam", {"lr": 1e-2, "amsgrad": True}),
        ("AdamW", {"lr": 1e-2, "weight_decay": 0.1}),
    ],
)
def test_torchs_own_to_the_last_bit(name, options, problem):
    ours = run(getattr(optim, name), problem, **options)
    assert torch.equal(ours, run(getattr(torch.optim, name), problem, **options))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize(
    "decay",
    [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    ids=["plain", "l2", "decoupled"],
)
def test_radam_with_torchs_threshold(problem, maximize, decay):
    # Neither eps matters at 1e-30, so that its two placements agree. Ascent on these problems grows
    # without bound and would only amplify rounding: few steps.
    options = {"lr": 1e-2, "eps": 1e-30, "maximize": maximize, **decay}
    steps = 12 if maximize else 40
    ours = run(optim.RAdam, problem, steps, threshold=5.0, **options)
    torchs = run(torch.optim.RAdam, problem, steps, **options)
    torch.testing.assert_close(ours, torchs, rtol=CANCELLATION, atol=CANCELLATION)


def test_radam_eps_differs_from_torchs_placement_and_how():
    # torch.optim.RAdam: eps beside the uncorrected root, i.e. eps/sqrt(1 - beta2^t) for Adam's place.
    beta2, eps, g, t = 0.9, 0.5, 2.0, 40
    theta = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    ours = optim.RAdam([theta], lr=1.0, betas=(0.9, beta2), eps=eps)
    other = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    torchs = torch.optim.RAdam([other], lr=1.0, betas=(0.9, beta2), eps=eps)
    for _ in range(t):
        for p, optimizer in ((theta, ours), (other, torchs)):
            p.data.zero_()
            p.grad = torch.full_like(p, g)
            optimizer.step()
    ratio = (g + eps) / (g + eps / (1 - beta2**t) ** 0.5)
    assert (other / theta).item() == pytest.approx(ratio, rel=ROUNDING)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("kernel", [{"fused": False}, {"foreach": True}, {"fused": True}])
def test_controls_without_their_difference_are_adam(problem, kernel):
    options = {"lr": 1e-2, "weight_decay": 0.1, "decoupled_weight_decay": True}
    adam = run(torch.optim.Adam, problem, **options)
    frozen = run(optim.Adam2k, problem, frozen_steps=0, **options, **kernel)
    torch.testing.assert_close(frozen, adam, rtol=ROUNDING, atol=ROUNDING)
    tiny = run(optim.AdamEps, problem, **{**options, "eps": 1e-30}, **kernel)
    adam = run(torch.optim.Adam, problem, **{**options, "eps": 1e-30})
    torch.testing.assert_close(tiny, adam, rtol=ROUNDING, atol=ROUNDING)


def test_a_run_under_torchs_radam_is_taken_over():
    params, loss = digits()
    copies, other_loss = digits()
    first = torch.optim.RAdam(params, lr=1e-2, eps=1e-30)
    throughout = optim.RAdam(copies, lr=1e-2, eps=1e-30, threshold=5.0)
    second = optim.RAdam(params, threshold=5.0)
    switch = first_adaptive_step(0.999, threshold=5.0) + 3
    for t in range(1, 20):
        if t == switch:
            second.load_state_dict(first.state_dict())
        for optimizer, evaluate in (
            (second if t >= switch else first, loss),
            (throughout, other_loss),
        ):
            optimizer.zero_grad()
            evaluate().backward()
            optimizer.step()
    for p, q in zip(params, copies, strict=True):
        torch.testing.assert_close(p, q, rtol=CANCELLATION, atol=CANCELLATION)
