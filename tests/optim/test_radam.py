"""RAdam: r_t recovered from its steps against 50 digits, in every form in which it may run."""

import mpmath
import pytest
import torch

from varlab.numerics import first_adaptive_step, rectification
from varlab.optim import RAdam
from varlab.optim.rectifier import rectification_at

GRID = (0.0, 0.5, 0.6, 0.61, 0.65, 0.7, 0.8, 0.9, 0.98, 0.99, 0.999, 0.9999)
# With a constant gradient mhat = g and vhat = g^2 exactly; v's own rounding is at most 2^-53 for
# each of the 1/(1-beta2) <= 1e4 steps that it remembers, and 1 - beta2^t loses as much; half of
# either reaches the root.
STATE_ROUNDING = 1e4 * 2.0**-52
G = 4.0  # not 1: a momentum step is -4, an adaptive one -r_t


def derived(t, beta2, threshold=4):
    """R Alg. 2 as printed, with 50 digits, on the exact binary value of beta2; None if early."""
    with mpmath.workdps(50):
        b = mpmath.mpf(beta2)
        limit = 2 / (1 - b) - 1
        rho = limit - 2 * t * b**t / (1 - b**t)
        if rho <= threshold:
            return None
        squared = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
        return float(mpmath.sqrt(squared))


def recovered(optimizer, params):
    """-update/lr of one step under the constant gradient, the parameters being reset to 0 before it."""
    for p in params:
        with torch.no_grad():
            p.zero_()
        p.grad = torch.full_like(p, G)
    optimizer.step()
    return [-p.detach()[0].item() / optimizer.param_groups[0]["lr"] for p in params]


def zeros(count, dtype=torch.float64):
    return [torch.zeros(3, dtype=dtype, requires_grad=True) for _ in range(count)]


def test_every_beta2_to_step_ten_thousand_from_one_optimiser_with_mixed_groups():
    params = zeros(len(GRID))
    groups = [{"params": [p], "betas": (0.9, b)} for p, b in zip(params, GRID, strict=True)]
    optimizer = RAdam(groups, lr=1.0, eps=0.0)
    for t in range(1, 10_001):
        factors = recovered(optimizer, params)
        if t > 300 and t % 97 and t < 9_990:
            continue
        for beta2, r in zip(GRID, factors, strict=True):
            expected = derived(t, beta2)
            if expected is None:
                assert r == pytest.approx(G, rel=1e-12)
            else:
                assert r == pytest.approx(expected, rel=STATE_ROUNDING), (t, beta2)


@pytest.mark.parametrize("beta2", GRID)
@pytest.mark.parametrize("threshold", [4.0, 5.0])
def test_factor_itself_is_the_derivation_to_float64(beta2, threshold):
    for t in (*range(1, 200), 255, 256, 257, 1000, 9999, 10_000, 1_000_000):
        expected = derived(t, beta2, threshold)
        ours = rectification_at(t, beta2, "radam", threshold)
        if expected is None:
            assert ours is None
        else:
            # rho_t - 4 is conditioned like 1e-15/(rho_t - 4), here never below 1e-2.
            assert ours == pytest.approx(expected, rel=1e-12)


def test_a_textbook_factor_would_be_caught():
    # rho_t as torch.optim.RAdam computes it, in float64: its cancellation exceeds the tolerance.
    t, b = 6, 0.9999
    limit = 2 / (1 - b) - 1
    rho = limit - 2 * t * b**t / (1 - b**t)
    textbook = ((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) ** 0.5
    assert textbook != pytest.approx(derived(t, b), rel=STATE_ROUNDING)


def test_exact_factor_is_adaptive_from_step_three():
    p = zeros(1)
    optimizer = RAdam(p, lr=1.0, eps=0.0, betas=(0.9, 0.99), rectify="exact")
    factors = [recovered(optimizer, p)[0] for _ in range(40)]
    assert factors[:2] == pytest.approx([G, G], rel=1e-13)
    expected = rectification(range(3, 41), 0.99, kind="exact")
    assert factors[2:] == pytest.approx(list(expected), rel=STATE_ROUNDING)


@pytest.mark.parametrize(
    ("dtype", "unit"), [(torch.float32, 2.0**-24), (torch.bfloat16, 2.0**-8)], ids=str
)
@pytest.mark.parametrize("beta2", [0.7, 0.9, 0.999, 0.9999])
def test_factor_in_short_dtypes(dtype, unit, beta2):
    p = zeros(1, dtype)
    optimizer = RAdam(p, lr=1.0, eps=0.0, betas=(0.9, beta2))
    for t in range(1, 300):
        # An EMA with 1 - beta2 < 2^-8 stands still in bfloat16. The factor must be right all the
        # same: here the moments are put where they belong before each step.
        if dtype is torch.bfloat16 and t > 1:
            optimizer.state[p[0]]["exp_avg"].fill_(G * (1 - 0.9 ** (t - 1)))
            optimizer.state[p[0]]["exp_avg_sq"].fill_(G**2 * (1 - beta2 ** (t - 1)))
        r = recovered(optimizer, p)[0]
        expected = derived(t, beta2)
        # m, v and the step round six times; in float32 the state keeps two roundings of each step.
        rounding = (6 if dtype is torch.bfloat16 else 6 + 2 * t) * unit
        assert r == pytest.approx(G if expected is None else expected, rel=rounding), t


def test_compiled_step_is_the_eager_one():
    eager, compiled = zeros(2), zeros(2)
    one = RAdam(eager, lr=1.0, eps=0.0)
    two = RAdam(compiled, lr=1.0, eps=0.0)
    step = torch.compile(two.step, backend="eager")
    for t in range(1, 12):
        for p, q in zip(eager, compiled, strict=True):
            p.grad = torch.full_like(p, float(t))
            q.grad = p.grad.clone()
        one.step()
        step()
    assert all(torch.equal(p, q) for p, q in zip(eager, compiled, strict=True))


def test_late_starters_have_their_own_factor():
    first, late = zeros(2)
    optimizer = RAdam([first, late], lr=1.0, eps=0.0, betas=(0.9, 0.99))
    for _ in range(7):
        recovered(optimizer, [first])
        late.grad = None
    for t in range(1, 30):
        both = recovered(optimizer, [first, late])
        expected = [derived(t + 7, 0.99), derived(t, 0.99)]
        assert both == pytest.approx([G if e is None else e for e in expected], rel=1e-12)


def test_groups_with_their_own_rates_thresholds_and_early_phases():
    params = zeros(4)
    groups = [
        {"params": [params[0]], "threshold": 5.0},
        {"params": [params[1]], "early": "none"},
        {"params": [params[2]], "lr": 0.5},
    ]
    optimizer = RAdam(groups, lr=1.0, eps=0.0)
    optimizer.add_param_group({"params": [params[3]], "rectify": "exact"})
    for t in range(1, 10):
        five, none, half, exact = recovered(optimizer, params)
        four = derived(t, 0.999)
        assert five == pytest.approx(derived(t, 0.999, 5) or G, rel=1e-12)
        assert none == pytest.approx(four or 0.0, rel=1e-12)
        assert half == pytest.approx((four or G) / 2, rel=1e-12)
        assert (exact == pytest.approx(G, rel=1e-12)) == (t < 3)


@pytest.mark.parametrize("early", ["momentum", "none"])
def test_decoupled_decay_is_by_lr_and_not_by_r(early):
    theta = torch.full((2,), 3.0, dtype=torch.float64, requires_grad=True)
    optimizer = RAdam([theta], lr=0.1, weight_decay=0.5, decoupled_weight_decay=True, early=early)
    first = first_adaptive_step(0.999)
    for t in range(1, 10):
        before = theta.detach().clone()
        theta.grad = torch.zeros_like(theta)
        optimizer.step()
        frozen = early == "none" and t < first
        torch.testing.assert_close(
            theta.detach(), before * (1 if frozen else 1 - 0.1 * 0.5), rtol=1e-14, atol=0
        )


@pytest.mark.parametrize("early", ["momentum", "none"])
def test_l2_decay_enters_the_moments_in_both_phases(early):
    theta = torch.full((2,), 3.0, dtype=torch.float64, requires_grad=True)
    twin = theta.detach().clone().requires_grad_()
    with_decay = RAdam([theta], lr=0.1, weight_decay=0.5, early=early)
    by_hand = RAdam([twin], lr=0.1, early=early)
    for _ in range(10):
        theta.grad = torch.ones_like(theta)
        with_decay.step()
        twin.grad = 1 + 0.5 * twin.detach()
        by_hand.step()
    torch.testing.assert_close(theta, twin, rtol=1e-13, atol=0)


@pytest.mark.parametrize("beta2", [0.0, 0.3, 0.6])
def test_small_beta2_is_momentum_throughout(beta2):
    # R Sec. 4.2: rho_inf <= 4 for beta2 <= 0.6.
    theta, twin = zeros(2)
    radam = RAdam([theta], lr=0.1, betas=(0.9, beta2))
    for t in range(1, 100):
        theta.grad = torch.full_like(theta, 1.0 + t % 3)
        radam.step()
        mean = sum((1 - 0.9) * 0.9 ** (t - i) * (1.0 + i % 3) for i in range(1, t + 1))
        with torch.no_grad():
            twin -= 0.1 * mean / (1 - 0.9**t)
    torch.testing.assert_close(theta, twin, rtol=1e-12, atol=0)


def test_blocks_of_the_lookup_join():
    for beta2 in (0.9, 0.9999):
        for t in (255, 256, 257, 512, 513, 100_000):
            assert rectification_at(t, beta2) == float(rectification(t, beta2))
