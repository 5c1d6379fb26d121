"""Step time of RAdam beside its rivals: interleaved, medians, ratios. ``make benchmark``."""

import statistics
import time

import pytest
import torch

from varlab.optim import RAdam

TENSORS, SIZE = 100, 100_000
ROUNDS = 25
WARM = 8  # beyond the early phase and every lazy allocation

RIVALS = {
    "varlab.optim.RAdam": RAdam,
    "torch.optim.RAdam": torch.optim.RAdam,
    "torch.optim.RAdam foreach": lambda p: torch.optim.RAdam(p, foreach=True),
    "torch.optim.Adam": torch.optim.Adam,
    "torch.optim.Adam fused": lambda p: torch.optim.Adam(p, fused=True),
}


def loaded(build):
    generator = torch.Generator().manual_seed(0)
    params = [torch.randn(SIZE, generator=generator).requires_grad_() for _ in range(TENSORS)]
    for p in params:
        p.grad = torch.randn(SIZE, generator=generator)
    return build(params)


@pytest.fixture(scope="module")
def medians():
    """Median seconds of step() by name, the rivals taking turns in every round."""
    optimizers = {name: loaded(build) for name, build in RIVALS.items()}
    for optimizer in optimizers.values():
        for _ in range(WARM):
            optimizer.step()
    seconds = {name: [] for name in RIVALS}
    for _ in range(ROUNDS):
        for name, optimizer in optimizers.items():
            start = time.perf_counter()
            optimizer.step()
            seconds[name].append(time.perf_counter() - start)
    found = {name: statistics.median(s) for name, s in seconds.items()}
    ours = found["varlab.optim.RAdam"]
    print(f"\nstep() on {TENSORS} x {SIZE} float32, CPU, {torch.get_num_threads()} threads")
    for name, median in found.items():
        print(f"  {name:26} {1e3 * median:8.2f} ms   varlab / it = {ours / median:.2f}")
    return found


LIMIT = "memory traffic: one pass over parameters, gradients and both moments"


def row(medians, rival):
    ours, theirs = (1e3 * medians[name] for name in ("varlab.optim.RAdam", rival))
    size = f"RAdam.step(), {TENSORS * SIZE / 1e6:.0f} M parameters"
    return size, f"{ours:.1f} ms", f"{rival}, {theirs:.1f} ms", ours / theirs


@pytest.mark.benchmark
@pytest.mark.parametrize("rival", ["torch.optim.RAdam", "torch.optim.RAdam foreach"])
def test_radam_takes_at_most_half_of_torchs(medians, rival, measured):
    measured(*row(medians, rival), at_most=0.5, limit=LIMIT)
    assert medians["varlab.optim.RAdam"] <= 0.5 * medians[rival]


@pytest.mark.benchmark
def test_radam_is_close_to_fused_adam(medians, measured):
    measured(*row(medians, "torch.optim.Adam fused"), at_most=1.25, limit=LIMIT)
    # Same kernel; 25 % leaves room for the noise of a shared machine, not for another pass over memory.
    assert medians["varlab.optim.RAdam"] <= 1.25 * medians["torch.optim.Adam fused"]
