"""Helpers behind the claims on steps: exact law, recursions, adaptation times, and planted errors."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from varlab.claims import (
    accumulators,
    adam_step_bound,
    controls,
    optimiser_blogs,
    recursions,
    update_law,
)
from varlab.claims.controls import closed_variance, psi_eps_variance
from varlab.claims.warmup_schedules import RULES, summed_period
from varlab.core import Context, DomainError, Verdict
from varlab.numerics.bounds import step_bound
from varlab.numerics.warmup import effective_warmup_period


def decide(module, claim_id):
    return next(c for c in module.CLAIMS if c.id == claim_id).decide()


@pytest.mark.parametrize("t", [2, 3, 10])
@pytest.mark.parametrize("c", [0.2, 0.7, 1.0])
def test_exceedance_against_the_equal_weights_law(t, c):
    # At beta2 = 1 - 1e-9 the weights are equal to 1e-8; Beta law in closed form.
    from scipy import stats

    squares = float(np.sum(update_law.ema_weights(t, 0.9) ** 2))
    expected = stats.beta.sf(c**2 / (t * squares), 0.5, (t - 1) / 2)
    assert update_law.exceedance(c, t, 0.9, 1 - 1e-9) == pytest.approx(expected, abs=1e-6)


def test_exceedance_against_a_sample():
    rng = np.random.default_rng(1)
    sizes = update_law.sample_sizes(6, 0.9, 0.6, 40_000, rng)
    # Standard error below 0.0025; five of them: false-fail rate 6e-7; a shift of 0.025 is caught
    # with certainty.
    for c in (0.2, 0.5, 0.9):
        assert np.mean(sizes > c) == pytest.approx(
            update_law.exceedance(c, 6, 0.9, 0.6), abs=0.0125
        )


def test_the_law_refuses_the_first_step():
    with pytest.raises(DomainError, match="t must be at least 2"):
        update_law.exceedance(0.5, 1, 0.9, 0.999)


@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.5, 0.9), (0.9, 0.7)])
def test_moments_are_weighted_sums(beta1, beta2):
    gradients = np.random.default_rng(2).standard_normal(30)
    mhat, vhat = recursions.adam_moments(gradients, beta1, beta2)
    # Rounding of 30 additions.
    assert mhat[-1] == pytest.approx(update_law.ema_weights(30, beta1) @ gradients, rel=1e-12)
    assert vhat[-1] == pytest.approx(update_law.ema_weights(30, beta2) @ gradients**2, rel=1e-12)


@pytest.mark.parametrize("t", [1, 5, 300])
def test_recursion_attains_the_bound(t):
    # The recursion adds t positive terms.
    assert adam_step_bound.attained(0.9, 0.999, t) == pytest.approx(
        float(step_bound(t, 0.9, 0.999)), rel=1e-12
    )


def test_sign_sequences_do_not_exceed_the_sharp_bound():
    bound = float(step_bound(8, 0.9, 0.99))
    for signs in itertools.product((-1.0, 0.1, 1.0), repeat=7):
        step = recursions.adam_updates(np.array([*signs, 1.0]), 0.9, 0.99)[-1]
        assert abs(step) <= bound * (1 + 1e-12)


def test_the_pairs_lie_in_the_stated_regions():
    beta1, beta2 = (float(x) for x in adam_step_bound.DEFAULTS)
    assert 1 - beta1 > math.sqrt(1 - beta2)
    beta1, beta2 = (float(x) for x in adam_step_bound.DENSE_PAIR)
    assert 1 - beta1 <= math.sqrt(1 - beta2)


@pytest.mark.parametrize("claim_id", ["adam.bound.sparse", "adam.bound.dense"])
def test_the_right_bound_is_not_refuted(claim_id):
    from varlab.theory.step_bound import bound_limit
    from varlab.theory.symbols import b1, b2

    claim = next(c for c in adam_step_bound.CLAIMS if c.id == claim_id)
    # The last check runs the recursion on the worst sequence: it finds no violation of the limit.
    assert claim.checks[-1].run(bound_limit(b1, b2).args[0][0], None).agrees is True


@pytest.mark.parametrize("epsilon", [1e-8, 1e-4, 1e-2, 1.0])
def test_psi_eps_variance_by_two_routes(epsilon):
    # Adaptive quadrature at relative tolerance 1e-12, and the subtraction of the squared mean.
    assert psi_eps_variance(epsilon, 0.999, 1.0) == pytest.approx(
        closed_variance(epsilon, 0.999, 1.0), rel=1e-8
    )


def test_adam_2k_changes_more_than_the_variance():
    claim = next(c for c in controls.CLAIMS if c.id == "radam.s31.adam-2k-isolates-variance")
    context = Context(seed=0, claim=claim.id, tolerance=claim.tolerance)
    mean = controls.check_2k_mean(claim.formula, context)
    assert mean.counterexample["Adam: E[psi_1]"] == "infinite"
    assert mean.counterexample["Adam-2k: E[psi]"] == pytest.approx(1, abs=1e-3)  # 1/s, up to 1/rho
    sampled = controls.check_2k_sampled(claim.formula, context).counterexample
    assert sampled["Adam: rank correlation of |m| and psi"] == pytest.approx(-1)
    # Standard error 0.032, exact value about -0.03: six of them leave 0.2 unreached.
    assert abs(sampled["Adam-2k: rank correlation of |m| and psi"]) < 0.25


def test_median_size_settles_at_the_half_normal_limit():
    limit = update_law.equal_weights_median(math.inf, 0.9)
    # The Beta law's median approaches it like 1/t.
    assert update_law.equal_weights_median(10**6, 0.9) == pytest.approx(limit, rel=1e-5)
    assert update_law.median_size(600, 0.9, 0.999) == pytest.approx(limit, rel=2e-3)


@pytest.mark.parametrize("rule", list(RULES))
def test_periods_by_summing(rule):
    assert summed_period(0.99, rule) == pytest.approx(effective_warmup_period(0.99, rule), rel=1e-9)


def test_adaptation_times_are_those_of_the_runs():
    # Counting whole steps: at most one off.
    assert accumulators._runs_agree() <= 1


def test_rmsprop_is_the_sooner_one_after_long_training_only():
    early, late = (accumulators.adagrad_time(10.0, change) for change in (10, 1000))
    assert early < accumulators.rmsprop_time(10.0, 0.99) < late
    claim = next(c for c in optimiser_blogs.CLAIMS if c.id == "blog3.rmsprop-faster")
    assert claim.decide().verdict is Verdict.FAILS
    long = replace(optimiser_blogs.ADAPTATION, changes=(1000, 3000))
    assert replace(claim, formula=long).decide().evidence[0].agrees is True
    for wrong in (
        replace(long, decays=(0.99999,)),
        replace(long, sooner="adagrad", later="rmsprop"),
    ):
        assert replace(claim, formula=wrong).decide().verdict is Verdict.FAILS


def test_l2_and_decoupled_decay_coincide_for_sgd_and_differ_for_adam():
    from varlab.theory.symbols import x

    claim = next(c for c in optimiser_blogs.CLAIMS if c.id == "blog2.adamw")
    differ = replace(optimiser_blogs.DECAY, loses=False)
    assert replace(claim, formula=differ).decide().verdict is Verdict.HOLDS
    for wrong in (replace(differ, power=0), replace(differ, sgd=x), replace(differ, power=2)):
        assert replace(claim, formula=wrong).decide().verdict is Verdict.FAILS
    for evidence in claim.decide().evidence:  # each of them sees small gradients pull harder
        assert evidence.agrees is False


def test_adagrad_of_a_constant_gradient():
    denominators = recursions.adagrad_denominators(np.full(9, 2.0))
    assert denominators[-1] == pytest.approx(6.0)
    assert accumulators.root_mean_square(np.full(9, 2.0))[-1] == pytest.approx(2.0)


def test_lamb_leaves_a_zero_norm_to_the_ratio_one():
    step = recursions.lamb_step(np.zeros(3), np.ones((1, 3)), 0.1)
    # Adam's first step is the learning rate in each coordinate, up to eps = 1e-6.
    assert np.allclose(step, -0.1, rtol=2e-6)
    still = recursions.lamb_step(np.ones(3), np.zeros((1, 3)), 0.1)
    assert np.array_equal(still, np.zeros(3))


def test_verdicts_follow_from_the_evidence():
    assert decide(optimiser_blogs, "blog3.adagrad-rms").verdict is Verdict.FAILS
    assert decide(optimiser_blogs, "blog1.decay-equivalence").verdict is Verdict.HOLDS
