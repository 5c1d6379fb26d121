"""Three-valued verdicts, multiplicity, and the estimators of unsigned effects against slow twins."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from varlab.audit.assumptions.multiplicity import discoveries, holm, simes
from varlab.audit.assumptions.quadratic import (
    against_noise,
    jackknife_variance,
    leave_one_out_variances,
    log_interval,
    off_diagonal,
)
from varlab.audit.verdicts import AuditVerdict, Bands, Effect, decide, root, square
from varlab.core import DomainError


@pytest.mark.parametrize(
    ("estimate", "se", "verdict"),
    [
        (0.0, 0.01, AuditVerdict.HOLDS),
        (0.09, 0.01, AuditVerdict.UNDECIDED),
        (0.0, 0.2, AuditVerdict.UNDECIDED),  # not rejected is not "holds"
        (0.2, 0.01, AuditVerdict.VIOLATED),
        (-0.2, 0.01, AuditVerdict.VIOLATED),
        (math.nan, 0.01, AuditVerdict.UNDECIDED),
    ],
)
def test_verdict_of_interval_against_band(estimate, se, verdict):
    assert Effect("e", estimate, se, 30, (-0.1, 0.1)).verdict(0.05) is verdict


@pytest.mark.parametrize("estimate", np.linspace(-0.3, 0.3, 25))
def test_the_p_value_outside_agrees_with_the_verdict(estimate):
    effect = Effect("e", float(estimate), 0.05, 12, (-0.1, 0.1))
    violated = effect.verdict(0.05) is AuditVerdict.VIOLATED
    assert violated == (effect.pvalue_outside() <= 0.025)


def test_the_minimum_detectable_effect_is_detected_with_the_power_it_promises():
    """4000 normal estimates at that effect: power 0.8 within 5 standard errors of 0.0063."""
    known = Effect("e", 0.0, 0.05, 1e9, (-0.1, 0.1))
    truth = known.minimum_detectable(0.05)
    draws = np.random.default_rng(0).normal(truth, 0.05, 4000)
    found = [
        Effect("e", float(d), 0.05, 1e9, (-0.1, 0.1)).verdict(0.05) is AuditVerdict.VIOLATED
        for d in draws
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.032)


def test_an_unsigned_effect_is_reported_on_the_scale_of_its_band():
    effect = Effect("e", 0.04, 0.001, 50, (0.0, 0.1), root, square)
    assert effect.value == pytest.approx(0.2)
    assert effect.verdict(0.05) is AuditVerdict.VIOLATED
    below = Effect("e", -0.0001, 0.001, 50, (0.0, 0.1), root, square)
    assert below.ci(0.05)[0] == 0.0
    assert below.verdict(0.05) is AuditVerdict.HOLDS


def test_one_violated_effect_decides_and_all_must_hold():
    inside = Effect("in", 0.0, 0.01, 50, (-0.1, 0.1))
    outside = Effect("out", 0.5, 0.01, 50, (-0.1, 0.1))
    vague = Effect("vague", 0.0, 1.0, 50, (-0.1, 0.1))
    assert decide([inside, outside, vague], 0.05).verdict is AuditVerdict.VIOLATED
    assert decide([inside, outside, vague], 0.05).effect is outside
    assert decide([inside, vague], 0.05).verdict is AuditVerdict.UNDECIDED
    assert decide([inside, inside], 0.05).verdict is AuditVerdict.HOLDS


def test_bands_must_be_fractions():
    with pytest.raises(DomainError, match="band normality must lie in"):
        Bands(normality=0.0)


def test_simes_is_the_smallest_benjamini_hochberg_p_value():
    p = np.random.default_rng(1).uniform(size=(17, 5))
    expected = [multipletests(p[:, j], method="fdr_bh")[1].min() for j in range(5)]
    np.testing.assert_allclose(simes(p), expected, rtol=1e-14)


def test_simes_leaves_out_what_is_unknown():
    assert simes([0.01, np.nan, 0.5]) == pytest.approx(0.02)
    assert np.isnan(simes([np.nan, np.nan]))


def test_holm_against_statsmodels_and_its_definition():
    many = np.random.default_rng(7).uniform(size=40) ** 3
    expected = multipletests(many, method="holm")[1]
    np.testing.assert_allclose(holm(many), expected, rtol=1e-14)
    p = np.array([0.01, np.nan, 0.02, 0.5])
    np.testing.assert_allclose(holm(p), [0.03, np.nan, 0.04, 0.5])
    assert discoveries([0.001, 0.9, np.nan], 0.05).tolist() == [True, False, False]


def test_off_diagonal_mean_and_error_against_loops():
    gram = np.random.default_rng(2).standard_normal((9, 9))
    gram = gram + gram.T
    n = len(gram)
    pairs = list(itertools.permutations(range(n), 2))
    mean = sum(gram[i, j] for i, j in pairs) / len(pairs)
    rows = [sum(gram[i, j] for j in range(n) if j != i) / (n - 1) for i in range(n)]
    rest = sum((gram[i, j] - rows[i] - rows[j] + mean) ** 2 for i, j in pairs) / len(pairs)
    degenerate = 2 * rest / (n * (n - 1))
    variance = max(4 * np.var(rows, ddof=1) / n - 2 * degenerate, 0) + degenerate
    estimate, se = off_diagonal(gram)
    assert estimate == pytest.approx(mean)
    assert se == pytest.approx(math.sqrt(variance))


@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize("mean", [0.0, 0.3])
def test_intervals_of_a_mean_square_cover_it_with_correlated_coordinates(correlation, mean):
    """300 samples of 40 units by 20 coordinates: 95% intervals cover at least 83%.

    Measured: 95% and more, but 87% in the worst case, a mean along the very direction in which the
    coordinates correlate (the square of one effective normal). False-fail rate there 2%, elsewhere
    below 1e-6, and the test is seeded. Intervals that took coordinates for independent at
    correlation 0.5 would cover less than 60%.
    """
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        shared = rng.standard_normal((40, 1))
        own = rng.standard_normal((40, 20))
        x = mean + math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
        estimate, se = off_diagonal(x @ x.T / 20)
        hits += abs(estimate - mean**2) <= stats.t.isf(0.025, 39) * se
    assert hits >= 249


def test_signal_over_noise_is_unbiased_and_covers():
    """400 draws, 3 signal rows of size 0.5 among 20 coordinates correlated at 0.5, 30 noise rows.

    Bias within 5 standard errors; coverage at least 88% (false-fail rate below 1e-6 at 95%).
    """
    rng = np.random.default_rng(4)
    estimates, hits = [], 0
    for _ in range(400):

        def noise(rows):
            shared, own = rng.standard_normal((rows, 1)), rng.standard_normal((rows, 20))
            return math.sqrt(0.5) * (shared + own)

        estimate, se = against_noise(0.5 + noise(3), noise(30))
        estimates.append(estimate)
        hits += abs(estimate - 0.75) <= stats.t.isf(0.025, 30) * se
    error = np.std(estimates) / 20
    assert np.mean(estimates) == pytest.approx(0.75, abs=5 * error)
    assert hits >= 352


def test_jackknife_of_a_mean_is_the_textbook_standard_error():
    x = np.random.default_rng(5).standard_normal(30)
    left = np.array([np.delete(x, i).mean() for i in range(30)])
    assert jackknife_variance(left) == pytest.approx(float(stats.sem(x)) ** 2)


def test_variances_with_a_row_left_out_are_those_of_the_remaining_rows():
    x = np.random.default_rng(6).standard_normal((9, 4)) + 3
    whole, left_out = leave_one_out_variances(x)
    np.testing.assert_allclose(whole, x.var(axis=0, ddof=1), rtol=1e-12)
    expected = [np.delete(x, row, axis=0).var(axis=0, ddof=1) for row in range(9)]
    np.testing.assert_allclose(left_out, expected, rtol=1e-12)


def test_an_interval_on_the_logarithm_needs_positive_estimates():
    left_out = np.exp([0.1, -0.1, 0.0])
    low, high = log_interval(2.0, left_out, 0.05)
    # groups - 1 = 2 degrees of freedom, jackknife variance 2/3 * 0.02
    reach = math.exp(float(stats.t.isf(0.025, 2)) * math.sqrt(2 / 3 * 0.02))
    assert (low, high) == pytest.approx((2 / reach, 2 * reach))
    assert np.all(np.isnan(log_interval(0.0, left_out, 0.05)))
    assert log_interval(2.0, left_out, 1e-300) == (0.0, math.inf)
    assert np.all(np.isnan(log_interval(2.0, np.array([1.0, 0.0, 1.0]), 0.05)))
