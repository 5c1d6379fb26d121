"""The ecosystem's conventions, for every optimiser whose step depends on the step number."""

import copy
import io

import numpy as np
import pytest
import torch

from varlab.core import InputError
from varlab.optim import LAMB, Adam2k, AdamEps, LinearWarmupLR, MultiplierLR, RAdam
from varlab.optim.moves import Bucket
from varlab.optim.stepwise import StepwiseAdam

METHODS = {
    "RAdam": lambda p, **o: RAdam(p, lr=0.1, **o),
    "RAdam exact": lambda p, **o: RAdam(p, lr=0.1, rectify="exact", **o),
    "LAMB": lambda p, **o: LAMB(p, lr=0.1, **o),
    "Adam2k": lambda p, **o: Adam2k(p, lr=0.1, frozen_steps=3, **o),
    "AdamEps": lambda p, **o: AdamEps(p, lr=0.1, **o),
}
methods = pytest.mark.parametrize("build", METHODS.values(), ids=list(METHODS))
KERNELS = [{"fused": True}, {"foreach": True}, {"fused": False, "foreach": False}, {}]
# Kernels order a few float64 operations differently.
ROUNDING = 1e-13


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def feed(optimizer, params, steps, first=0):
    for t in range(first, first + steps):
        for k, p in enumerate(params):
            p.grad = noise(*p.shape, seed=100 * t + k, dtype=p.dtype)
        optimizer.step()


def fresh(dtype=torch.float64):
    return [
        noise(3, 4, seed=7, dtype=dtype).requires_grad_(),
        noise(5, seed=8, dtype=dtype).requires_grad_(),
    ]


@methods
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_all_kernels_agree(build, decay):
    ends = []
    for kernel in KERNELS:
        params = fresh()
        feed(build(params, weight_decay=decay, **kernel), params, 12)
        ends.append(params)
    for params in ends[1:]:
        for p, q in zip(ends[0], params, strict=True):
            torch.testing.assert_close(p, q, rtol=ROUNDING, atol=ROUNDING)


@methods
def test_state_dict_round_trip(build):
    params = fresh()
    optimizer = build(params)
    feed(optimizer, params, 4)
    stored = io.BytesIO()
    torch.save(optimizer.state_dict(), stored)
    stored.seek(0)
    copies = [p.detach().clone().requires_grad_() for p in params]
    resumed = build(copies)
    resumed.load_state_dict(torch.load(stored, weights_only=True))
    feed(optimizer, params, 6, first=4)
    feed(resumed, copies, 6, first=4)
    for p, q in zip(params, copies, strict=True):
        assert torch.equal(p, q)


@methods
def test_copies_are_independent_and_take_further_groups(build):
    params = fresh()
    optimizer = build(params)
    feed(optimizer, params, 2)
    twin = copy.deepcopy(optimizer)
    before = [p.detach().clone() for p in params]
    late = noise(2, seed=9).requires_grad_()
    twin.add_param_group({"params": [late], "lr": 0.5})
    owned = [p for group in twin.param_groups for p in group["params"]]
    feed(twin, owned, 6)
    assert all(torch.equal(p, b) for p, b in zip(params, before, strict=True))
    assert not torch.equal(late, noise(2, seed=9))
    assert twin.param_groups[1].keys() == twin.param_groups[0].keys()


@methods
def test_closure_runs_with_gradients_and_its_loss_comes_back(build):
    theta = torch.ones(2, dtype=torch.float64, requires_grad=True)
    optimizer = build([theta])

    def closure():
        optimizer.zero_grad()
        loss = theta.square().sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(12)]
    assert losses[0] == 2.0
    assert losses[-1] < 2.0


@methods
def test_maximize_is_descent_on_the_negative(build):
    up, down = fresh(), fresh()
    ascent, descent = build(up, maximize=True), build(down)
    for t in range(8):
        for k, (p, q) in enumerate(zip(up, down, strict=True)):
            q.grad = noise(*p.shape, seed=100 * t + k)
            p.grad = -q.grad
        ascent.step()
        descent.step()
    for p, q in zip(up, down, strict=True):
        assert torch.equal(p, q)


@methods
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_zero_gradients_with_eps_zero_make_no_step_and_no_nan(build, dtype):
    theta = torch.ones(4, dtype=dtype, requires_grad=True)
    optimizer = build([theta], eps=0.0)
    for _ in range(8):
        theta.grad = torch.zeros_like(theta)
        optimizer.step()
    assert torch.equal(theta, torch.ones_like(theta))


@methods
def test_parameters_without_gradient_stay_and_keep_no_state(build):
    params = fresh()
    optimizer = build(params)
    params[0].grad = noise(3, 4)
    optimizer.step()
    assert params[1] not in optimizer.state
    assert torch.equal(params[1], fresh()[1])


def transposed():
    return noise(4, 3, seed=7).t().requires_grad_()


def strided():
    return noise(6, 8, seed=7)[::2, ::2].requires_grad_()


def plain():
    return noise(3, 4, seed=7).requires_grad_()


@methods
@pytest.mark.parametrize("make", [plain, transposed, strided], ids=lambda f: f.__name__)
@pytest.mark.parametrize("gradient", ["plain", "transposed"])
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_memory_layout_does_not_matter(build, make, gradient, kernel):
    # torch's fused CPU kernel ignores strides and would pair up the wrong elements.
    ends = []
    for param, options in ((make(), kernel), (make().detach().contiguous().requires_grad_(), {})):
        optimizer = build([param], **options)
        for t in range(8):
            param.grad = noise(*param.shape, seed=t)
            if gradient == "transposed" and options is kernel:
                param.grad = param.grad.t().contiguous().t()
            optimizer.step()
        ends.append(param.detach())
    torch.testing.assert_close(ends[0], ends[1], rtol=ROUNDING, atol=ROUNDING)


def test_layouts_that_differ_are_seen():
    def bucket(param, grad):
        filled = Bucket()
        moments = {"exp_avg": torch.zeros_like(param), "exp_avg_sq": torch.zeros_like(param)}
        filled.add(param, grad, {**moments, "step": torch.tensor(0.0)})
        return filled

    assert bucket(plain(), noise(3, 4)).same_layout()
    assert bucket(transposed(), noise(4, 3).t()).same_layout()
    assert not bucket(plain(), noise(4, 3).t()).same_layout()
    assert not bucket(transposed(), noise(3, 4)).same_layout()
    assert not bucket(strided(), noise(3, 4)).same_layout()


@methods
def test_complex_parameters_are_pairs_of_real_ones(build):
    z = torch.complex(noise(5, seed=1), noise(5, seed=2)).requires_grad_()
    x = torch.view_as_real(z.detach()).clone().requires_grad_()
    complex_one, real_one = build([z]), build([x])
    for t in range(8):
        x.grad = noise(5, 2, seed=t)
        z.grad = torch.view_as_complex(x.grad.clone())
        complex_one.step()
        real_one.step()
    torch.testing.assert_close(torch.view_as_real(z.detach()), x.detach(), rtol=1e-12, atol=1e-12)


def test_fused_is_refused_where_torch_has_none():
    z = torch.zeros(2, dtype=torch.complex64, requires_grad=True)
    optimizer = AdamEps([z], fused=True)
    z.grad = torch.ones_like(z)
    with pytest.raises(ValueError, match=r"needs floating-point parameters .*leave fused=None"):
        optimizer.step()


@methods
def test_several_dtypes_in_one_group(build):
    params = [
        torch.ones(3, dtype=d, requires_grad=True)
        for d in (torch.float32, torch.float64, torch.bfloat16)
    ]
    optimizer = build(params)
    for _ in range(8):
        for p in params:
            p.grad = torch.full_like(p, 0.5)
        optimizer.step()
    # bfloat16 keeps 8 bits of each of 8 steps.
    for p, rtol in zip(params, (1e-5, 1e-12, 8 * 2**-8), strict=True):
        torch.testing.assert_close(p.double(), params[1], rtol=rtol, atol=rtol)
        assert optimizer.state[p]["exp_avg"].dtype == p.dtype


@methods
def test_tensor_learning_rate(build):
    params, others = fresh(), fresh()
    optimizer, plain_one = build(params), build(others)
    optimizer.param_groups[0]["lr"] = torch.tensor(0.1, dtype=torch.float64)
    feed(optimizer, params, 8)
    feed(plain_one, others, 8)
    for p, q in zip(params, others, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-12)


def test_grad_scaler_skips_steps_that_overflow():
    theta = torch.ones(2, requires_grad=True)
    optimizer = RAdam([theta], fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for factor in (1.0, float("inf"), 1.0):
        optimizer.zero_grad()
        scaler.scale((theta * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
    assert optimizer.state[theta]["step"].item() == 2
    assert theta.isfinite().all()


@pytest.mark.parametrize("base", [StepwiseAdam, MultiplierLR])
def test_base_classes_name_what_a_subclass_must_give(base):
    with pytest.raises(TypeError, match="abstract"):
        base(torch.optim.SGD([plain()]))


def test_numpy_numbers_are_numbers():
    """What the library computes, such as a threshold, comes as NumPy's numbers."""
    optimizer = RAdam([plain()], lr=np.float32(1e-3), threshold=np.float64(5))
    assert optimizer.defaults["threshold"] == 5
    Adam2k([plain()], frozen_steps=np.int64(5))
    LinearWarmupLR(optimizer, np.int64(100))
    with pytest.raises(InputError, match="frozen_steps must be an integer >= 0"):
        Adam2k([plain()], frozen_steps=np.float64(5))


@methods
def test_torchs_plateau_and_clipping_work_as_they_are(build):
    params = fresh()
    optimizer = build(params)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    for p in params:
        p.grad = 100 * torch.ones_like(p)
    norm = torch.nn.utils.clip_grad_norm_(params, 1.0)
    assert norm > 100
    for _ in range(8):
        optimizer.step()
        plateau.step(1.0)
    assert optimizer.param_groups[0]["lr"] < 0.1
    assert all(p.isfinite().all() for p in params)
