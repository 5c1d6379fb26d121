"""Fig. 9: verdicts at five seeds, what the evidence says, and planted errors in the simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from varlab.claims import estimability, figure9, figure9_levels, figure9_paths
from varlab.claims.figure9_levels import Plotted
from varlab.claims.sampling import Power
from varlab.core import Context, EvidenceKind, Verdict, generator
from varlab.numerics import rectification
from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.simulate import Normal, simulate

CLAIMS = {claim.id: claim for claim in figure9.CLAIMS}
VERDICTS = {
    "radam.fig9.early-larger": Verdict.HOLDS,
    "radam.fig9.rectified-consistent": Verdict.HOLDS_WITHIN,
    "radam.fig9.quantity": Verdict.FAILS,
    "repo.large-mean": Verdict.HOLDS_WITHIN,
    "radam.fig9.estimable": Verdict.HOLDS_WITHIN,
}


def sampled(claim_id, formula=None, seed=0):
    """What the claim's Monte-Carlo check says."""
    claim = CLAIMS[claim_id]
    check = next(c for c in claim.checks if c.kind is EvidenceKind.MONTE_CARLO)
    context = Context(seed, claim_id, claim.tolerance)
    return check.run(claim.formula if formula is None else formula, context)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("claim_id", VERDICTS)
def test_the_verdict_at_any_seed(claim_id, seed):
    # Each Monte-Carlo check speaks falsely with a chance of 1e-6: 2.5e-5 over these 25.
    ruling = CLAIMS[claim_id].decide(seed=seed)
    assert ruling.verdict is VERDICTS[claim_id]
    assert [e.agrees for e in ruling.evidence] == [ruling.verdict is not Verdict.FAILS] * 2


@pytest.mark.parametrize(
    ("claim_id", "label"), [(name, label) for name, c in CLAIMS.items() for label in c.mutants]
)
def test_no_sample_supports_a_mutant(claim_id, label):
    ruling = CLAIMS[claim_id].mutant(label).decide()
    assert ruling.verdict is Verdict.FAILS
    assert not any(e.agrees for e in ruling.evidence)


def test_the_figure_shows_the_rate_itself():
    claim = CLAIMS["radam.fig9.quantity"]
    right = replace(claim, formula=Plotted(1)).decide()
    assert right.verdict is Verdict.HOLDS_WITHIN
    # The figure's level for mu = 1, one digit, is the farthest.
    assert right.error == pytest.approx(1e-4 / AdaptiveRate(6000, 0.999, 1.0).var() - 1, rel=1e-12)


def test_levels_to_first_order_in_the_weights():
    # 1/(2 rho) and 2/rho for mu = 0, mu^-4/rho for a large mean; corrections of order 4/rho and mu^-2.
    law, shifted = AdaptiveRate(math.inf, 0.999), AdaptiveRate(math.inf, 0.999, 10.0)
    assert Power(law, 1).var() == pytest.approx(1 / (2 * 1999), rel=4 / 1999)
    assert Power(law, 2).var() == pytest.approx(2 / 1999, rel=20 / 1999)
    assert Power(shifted, 1).var() == pytest.approx(1e-4 / 1999, rel=0.03)


def test_a_standard_error_begins_where_the_figure_does():
    estimator = estimability.Estimator()
    assert estimability.relative_error(estimator, 4) == math.inf
    assert 0 < estimability.relative_error(estimator, 5) < 0.10
    squares = estimability.Estimator(power=2)
    assert estimability.relative_error(squares, 8) == math.inf
    assert math.isfinite(estimability.relative_error(squares, 9))


def test_the_stated_error_is_that_of_samples():
    estimator = estimability.Estimator()
    rng = generator(11, "tests", "estimability")
    found = estimability.sample_variances(estimator, (12,), rng)[12][0]
    errors = found / AdaptiveRate(12, 0.999).var() - 1
    # 200 replicas: a standard deviation is known to 5%, six of them 0.3 (false-fail rate 1e-7 or so;
    # a factor of 2 is found with certainty).
    assert errors.std() == pytest.approx(estimability.relative_error(estimator, 12), rel=0.3)


def test_the_paths_are_the_exact_ones():
    for mean in (0.0, 10.0):
        path = figure9_paths.exact_variances(mean)
        for step in (5, 77, 6000):
            # Two routes of varlab.numerics, each good to 1e-11.
            exact = AdaptiveRate(step, 0.999, mean).var()
            assert path[step - 5] == pytest.approx(exact, rel=1e-10)


# --- Planted errors: the simulation as somebody might have got it wrong.


def plant(monkeypatch, change):
    wrong = change(figure9_paths.simulated(0).copy(deep=True))
    monkeypatch.setattr(figure9_paths, "simulated", lambda _: wrong)


def without_bias_correction(data):
    """psi_t = 1/sqrt(v_t): larger by 1/sqrt(1 - b2^t), 4.5 at t = 50."""
    root = xr.DataArray(np.sqrt(1 - 0.999 ** data["step"].values), dims="step")
    for name in ("psi_mean", "psi_mean_stderr"):
        data[name] = data[name] / root
    for name in ("psi_variance", "psi_variance_stderr"):
        data[name] = data[name] / root**2
    return data


def test_a_missing_bias_correction_is_caught(monkeypatch):
    plant(monkeypatch, without_bias_correction)
    assert sampled("radam.fig9.early-larger").agrees is False


@pytest.mark.parametrize("beta2", [0.998, 0.9992])
def test_another_beta2_is_caught(monkeypatch, beta2):
    # The late variance is doubled or 20% smaller; a standard error is 2% of it.
    def rerun(_):
        run = simulate(
            [Normal(mu=mean) for mean in figure9_paths.MEANS],
            beta2=beta2,
            steps=6000,
            trajectories=5000,
            seed=3,
            device="cpu",
            statistics=("psi", "inverse_v"),
        )
        return run.dataset.assign_coords(setting=list(figure9_paths.MEANS))

    plant(monkeypatch, rerun)
    assert sampled("radam.fig9.early-larger").agrees is False


def test_a_wrong_rectifier_is_caught():
    wrong = figure9.Rectifier(lambda t: np.sqrt(np.minimum(t / 6000, 1)) ** 3)
    assert sampled("radam.fig9.rectified-consistent", wrong).agrees is False
    right = figure9.Rectifier(lambda t: np.asarray(rectification(t, 0.999)))
    assert sampled("radam.fig9.rectified-consistent", right).agrees is True


def test_a_small_mean_is_not_called_large():
    assert figure9_levels.relative_deviation(1.0, np.array([5.0]))[0] > 0.3
    assert sampled("repo.large-mean", 1.0).agrees is False
    assert sampled("repo.large-mean", 7.0).agrees is None  # not among the simulated means
