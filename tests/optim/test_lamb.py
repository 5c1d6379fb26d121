"""LAMB: against the recursion as printed, its peers, and the properties its name promises."""

import numpy as np
import pytest
import torch

from varlab.optim import LAMB
from varlab.optim.lamb import trust_ratio


def printed(theta, gradients, lr, beta1, beta2, eps, decay, phi):
    """You et al., Algorithm 2, line by line."""
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        r = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
        update = r + decay * theta
        theta = theta - lr * phi(np.linalg.norm(theta)) / np.linalg.norm(update) * update
    return theta


def walk(theta, gradients, **options):
    p = torch.tensor(theta, requires_grad=True)
    optimizer = LAMB([p], **options)
    for g in gradients:
        p.grad = torch.tensor(g)
        optimizer.step()
    return p.detach().numpy()


@pytest.mark.parametrize("clip", [None, (0.0, 10.0), (0.5, 1.5)])
@pytest.mark.parametrize("decay", [0.0, 0.05])
def test_is_the_printed_recursion(clip, decay):
    rng = np.random.default_rng(3)
    theta, gradients = rng.normal(size=(4, 3)), rng.normal(size=(50, 4, 3))
    ours = walk(theta, gradients, lr=0.02, betas=(0.8, 0.95), weight_decay=decay, clip=clip)

    def phi(norm):
        return norm if clip is None else np.clip(norm, *clip)

    expected = printed(theta, gradients, 0.02, 0.8, 0.95, 1e-6, decay, phi)
    # 50 steps of float64 rounding, 1/(1-beta2) = 20 of it in the bias correction.
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_layer_step_has_norm_lr_times_weight_norm(scale):
    rng = np.random.default_rng(4)
    theta = rng.normal(size=(6, 2))
    moved = walk(theta, scale * rng.normal(size=(1, 6, 2)), lr=0.1, eps=0.0)
    assert np.linalg.norm(moved - theta) == pytest.approx(0.1 * np.linalg.norm(theta), rel=1e-13)


@pytest.mark.parametrize(("theta", "update"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_ratio_is_one_where_a_norm_is_zero(theta, update):
    ratio = trust_ratio(torch.full((3,), theta), torch.full((3,), update), (0.5, 10.0))
    assert ratio.item() == 1.0


def test_norms_of_bfloat16_layers_are_summed_in_float32():
    ones = torch.ones(100_000, dtype=torch.bfloat16)
    assert trust_ratio(ones, ones * 2).item() == pytest.approx(0.5, rel=1e-6)
    assert trust_ratio(ones, ones * 2).dtype == torch.float32


def test_excluded_names_do_not_decay():
    weight = torch.ones(2, dtype=torch.float64, requires_grad=True)
    bias = torch.ones(2, dtype=torch.float64, requires_grad=True)
    optimizer = LAMB(
        [{"params": [weight]}, {"params": [bias], "weight_decay": 0.0}], lr=0.1, weight_decay=0.5
    )
    for p in (weight, bias):
        p.grad = torch.zeros_like(p)
    optimizer.step()
    # A zero gradient leaves the decay alone, scaled to the weights' norm; the bias does not move.
    assert weight.tolist() == pytest.approx([0.9, 0.9], rel=1e-13)
    assert bias.tolist() == [1.0, 1.0]


def beside(peer_of, **options):
    """End points of a peer and of ours on the same random gradients."""
    rng = np.random.default_rng(5)
    theta, gradients = rng.normal(size=(4, 3)), rng.normal(size=(30, 4, 3))
    p = torch.tensor(theta, requires_grad=True)
    peer = peer_of([p])
    for g in gradients:
        p.grad = torch.tensor(g)
        peer.step()
    return p.detach().numpy(), walk(theta, gradients, lr=0.02, **options)


@pytest.mark.peers
def test_is_timms_lamb():
    timm = pytest.importorskip("timm.optim.lamb", exc_type=ImportError)
    options = {"weight_decay": 0.05, "eps": 1e-6}
    peer, ours = beside(lambda p: timm.Lamb(p, lr=0.02, max_grad_norm=None, **options), **options)
    np.testing.assert_allclose(peer, ours, rtol=1e-12)


@pytest.mark.peers
def test_is_torch_optimizers_lamb_where_its_missing_bias_corrections_cancel():
    # It leaves out both bias corrections, as an early version of You et al.: without eps and decay
    # these scale the whole layer, and the trust ratio takes them out again. phi clips at 10.
    peers = pytest.importorskip("torch_optimizer", exc_type=ImportError)
    peer, ours = beside(lambda p: peers.Lamb(p, lr=0.02, eps=1e-30), eps=1e-30, clip=(0.0, 10.0))
    np.testing.assert_allclose(peer, ours, rtol=1e-12)
