"""The parts of the recovery against slow, obvious twins."""

from math import exp, fsum

import numpy as np
import pytest
import torch
from textbook import Textbook

from varlab.numerics import rectification
from varlab.optim.conformance.averages import averages
from varlab.optim.conformance.factor import view_of
from varlab.optim.conformance.gradients import known_gradients
from varlab.optim.conformance.hyper import probe
from varlab.optim.conformance.precision import factor_error
from varlab.optim.conformance.recover import Phase, classify, recover
from varlab.optim.conformance.reference import reference
from varlab.optim.conformance.scenario import Scenario, StepError, Track
from varlab.optim.conformance.suspects import RIGHT, SUSPECTS


@pytest.mark.parametrize("beta2", [0.0, 0.61, 0.999, 0.9999])
def test_averages_are_the_weighted_sums(beta2):
    g = known_gradients(40, 3, seed=0)
    own = averages(g, 0.9, beta2)
    for t in (1, 2, 17, 40):
        for j in range(3):
            weights = [beta2 ** (t - i) for i in range(1, t + 1)]
            v = fsum(w * g[i, j] ** 2 for i, w in enumerate(weights)) / fsum(weights)
            assert own.vhat[t - 1, j] == pytest.approx(v, rel=1e-13)  # 40 roundings
            m = fsum(0.9 ** (t - 1 - i) * g[i, j] for i in range(t))
            m /= fsum(0.9**i for i in range(t))
            assert own.mhat[t - 1, j] == pytest.approx(m, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("beta2", [0.61, 0.9, 0.999, 0.9999])
def test_the_reference_is_the_stable_rectification(beta2):
    # numerics has no cancellation; the reference cancels at 50 digits
    t = np.arange(1, 301)
    expected = rectification(t, beta2)
    np.testing.assert_allclose(reference(beta2, 300).r, expected, rtol=1e-13)


def test_gradients_are_exact_in_short_formats_and_never_one():
    g = known_gradients(300, 16, seed=3)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        for scale in (1.0, 4.0):
            there = torch.tensor(scale * g).to(dtype).to(torch.float64).numpy()
            np.testing.assert_array_equal(there, scale * g)
    assert np.all(np.abs(g) != 1)


@pytest.mark.parametrize("beta2", [0.7, 0.9, 0.999, 0.9999])
def test_the_recovered_factor_is_r_within_the_rounding_of_the_textbook_formula(beta2):
    found = recover(probe(Textbook, "textbook"), beta2, seed=0)
    adaptive = found.where(Phase.ADAPTIVE)
    r = reference(beta2, found.steps).r
    off = np.abs(found.factor / r - 1)[adaptive]
    allowed = factor_error(reference(beta2, found.steps), found.steps, "float64", "float64")
    assert np.all(off <= allowed[adaptive])
    assert np.nanmax(found.spread) < 1e-12  # the form is r mhat/sqrt(vhat) to rounding


def test_float64_error_at_the_largest_beta2_is_a_billionth():
    allowed = factor_error(reference(0.9999, 50), 50, "float64", "float64")
    assert 1e-10 < allowed[5] < 1e-8
    single = factor_error(reference(0.999, 50), 50, "float32", "float32")
    assert 6e-3 < single[5] < 0.25


def test_phases():
    g = known_gradients(4, 5, seed=0)
    moves = np.stack([g[0], g[1], 0 * g[2], np.full(5, np.nan)])
    scaled = np.stack([g[0], 4 * g[1], 0 * g[2], g[3]])
    found = classify(g, moves, scaled, 0.9, 0.999)
    assert [str(p) for p in found.phases] == ["adaptive", "momentum", "none", "nan"]
    half_way = classify(g, moves, 2 * scaled, 0.9, 0.999)
    assert str(half_way.phases[0]) == "other"


def test_a_raising_step_is_entered_and_the_run_goes_on():
    class Third(Textbook):
        def factor(self, t, rho, beta1, beta2):
            if t == 6:
                raise ArithmeticError("six")
            return super().factor(t, rho, beta1, beta2)

    found = recover(probe(Third, "third"), 0.9, seed=0)
    assert found.raised == {6: "ArithmeticError: six"}
    assert str(found.phases[5]) == "raised"
    assert str(found.phases[8]) == "adaptive"
    scenario = Scenario({"betas": (0.9, 0.9)}, (Track(((2.0,),) * 8),))
    with pytest.raises(StepError, match="step 6 raises ArithmeticError: six"):
        scenario.run(probe(Third, "third"))


def test_suspects_differ_from_the_right_factor_and_from_each_other():
    # each must be distinguishable somewhere on the grid, or its name would be a guess
    views = [view_of(recover(probe(Textbook, ""), b, seed=0)) for b in (0.8, 0.9, 0.999)]
    with np.errstate(all="ignore"):
        curves = [np.concatenate([s.factor(v) for v in views]) for s in (RIGHT, *SUSPECTS)]
    for i, a in enumerate(curves):
        for b in curves[:i]:
            with np.errstate(all="ignore"):
                differ = (np.isnan(a) != np.isnan(b)) | (np.abs(a / b - 1) > 1e-3)
            assert np.any(differ)


def test_the_untuned_warm_ups_are_named():
    class Exponential(Textbook):
        threshold = -1e9

        def factor(self, t, rho, beta1, beta2):
            return 1 - exp(-(1 - beta2) * t)

    from varlab.optim.conformance import conform

    result = conform(Exponential)
    assert result.verdict == "not-radam"
    assert "untuned exponential warm-up" in str(result)
