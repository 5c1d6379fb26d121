"""The parts of the tests against other systems and against their definitions."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.tsa.stattools import acf

from varlab.audit.assumptions.independence import _adjacent, _all_pairs
from varlab.audit.assumptions.l_moments import l_kurtosis
from varlab.audit.assumptions.null import autocorrelations, ratio_null, run_null, run_scores
from varlab.audit.assumptions.ranks import moment_form, rank_scores, shape
from varlab.audit.assumptions.scale_path import change_points, cosines, log_size, standardise


def test_autocorrelations_against_statsmodels():
    x = np.random.default_rng(0).standard_normal((50, 3))
    ours = autocorrelations(x, 7)
    for j in range(3):
        np.testing.assert_allclose(ours[:, j], acf(x[:, j], nlags=7, fft=False)[1:], atol=1e-13)


def test_the_portmanteau_agrees_with_ljung_box_in_long_series():
    """Simulated moments against chi-square at 1000 steps.

    Each of five simulated means is off by 0.013 standard errors or so (6000 draws), which moves
    p-values by up to 0.05; 0.08 would still catch a wrong lag or divisor.
    """
    z = np.random.default_rng(1).standard_normal((1000, 20))
    sign, _ = run_scores(standardise(z).residual)
    ours = run_null(1000).signs.pvalues(autocorrelations(sign, 5))
    theirs = [acorr_ljungbox(sign[:, j], lags=[5])["lb_pvalue"].iloc[0] for j in range(20)]
    np.testing.assert_allclose(ours, theirs, atol=0.08)


def test_l_kurtosis_of_a_known_law():
    # Hosking (1990), table 1: normal 0.1226, uniform 0.
    grid = (np.arange(20000) + 0.5) / 20000
    assert l_kurtosis(stats.norm.ppf(grid)[:, None])[0] == pytest.approx(0.1226, abs=1e-3)
    assert l_kurtosis(grid[:, None])[0] == pytest.approx(0.0, abs=1e-3)
    assert ratio_null(200, 200).kurtosis == pytest.approx(0.1226, abs=2e-3)


def test_rank_scores_give_spearman():
    x = np.random.default_rng(2).standard_normal((2, 30))
    ours = float(np.sum(rank_scores(x[0][:, None]) * rank_scores(x[1][:, None])))
    assert ours == pytest.approx(stats.spearmanr(x[0], x[1]).statistic)


@pytest.mark.parametrize("order", [2, 4, 6])
def test_moments_of_spearman_by_enumeration(order):
    """All 5040 permutations of seven, without and with ties."""
    from itertools import permutations

    u = rank_scores(np.array([[0, 0], [0, 1], [0, 2], [0, 3], [1, 4], [1, 5], [5, 6]], float))
    r = np.array([u[:, 0] @ u[list(p), 1] for p in permutations(range(7))])
    expected = shape(u)[0] @ moment_form(order, 7) @ shape(u)[1]
    assert expected == pytest.approx(np.mean(r**order), rel=1e-12)


@pytest.mark.parametrize("n", [24, 64])
def test_the_fourth_moment_without_ties_is_the_known_one(n):
    """Kendall & Gibbons (1990), equation 5.31."""
    ranks = shape(rank_scores(np.arange(float(n))[:, None]))[0]
    top = 3 * (25 * n**3 - 38 * n**2 - 35 * n + 72)
    known = top / (25 * n * (n + 1) * (n - 1) ** 3)
    assert ranks @ moment_form(4, n) @ ranks == pytest.approx(known, rel=1e-12)


def test_sums_of_squared_correlations_against_loops():
    u = rank_scores(np.random.default_rng(3).standard_normal((20, 6, 2)))
    _, effects, effect = _all_pairs(u, "e", 0.1)
    for j in range(2):
        r = [float(u[:, s, j] @ u[:, t, j]) for s in range(6) for t in range(s)]
        expected = np.sqrt(max(np.mean(np.square(r)) - 1 / 19, 0))
        assert effects[j] == pytest.approx(expected)
    _, _, near = _adjacent(u, "e", 0.1)
    r = [float(u[:, t, j] @ u[:, t + 1, j]) for t in range(5) for j in range(2)]
    assert near.estimate == pytest.approx(np.mean(np.square(r)) - 1 / 19)
    assert effect.estimate != near.estimate


@pytest.mark.parametrize(("replicas", "steps"), [(24, 12), (64, 20)])
def test_tails_of_the_rank_sums(replicas, steps):
    """12000 null coordinates: shares of p below 0.05 and 0.001 within 5 standard errors, tails
    allowed a third more (what the fewest replicas were chosen for).
    """
    rng = np.random.default_rng(4)
    u = [rank_scores(rng.standard_normal((replicas, steps, 3000))) for _ in range(4)]
    for test in (_adjacent, _all_pairs):
        p = np.concatenate([test(part, "e", 0.1)[0] for part in u])
        assert np.mean(p < 0.05) == pytest.approx(0.05, abs=5 * 0.002)
        assert np.mean(p < 0.001) < 0.001 * 4 / 3 + 5 * 0.00029


@pytest.mark.parametrize("zeros", [0.5, 0.9, 0.97])
def test_ties_keep_the_level_of_the_rank_sums(zeros):
    """12000 null coordinates of 64 replicas over 20 steps, most of them exact zeros.

    At most 6% below 0.05 (5 standard errors above it) and 0.4% below 0.001. A law that takes ranks
    for distinct gives 12% and more from 90% zeros on.
    """
    rng = np.random.default_rng(7)
    for test in (_adjacent, _all_pairs):
        p = []
        for _ in range(4):
            x = rng.standard_normal((64, 20, 3000)) * (rng.random((64, 20, 3000)) >= zeros)
            p.append(test(rank_scores(np.abs(x)), "e", 0.1)[0])
        assert 0.03 < np.nanmean(np.concatenate(p) < 0.05) < 0.06
        assert np.nanmean(np.concatenate(p) < 0.001) < 0.004


def test_standardising_removes_drift_and_mean():
    rng = np.random.default_rng(5)
    path = np.exp(-1.5 * np.linspace(0, 1, 1000))[:, None]
    z = rng.standard_normal((1000, 200))
    found = standardise(7.0 * path * (z + 1.0))
    np.testing.assert_allclose(found.residual.std(axis=0), 1.0, rtol=1e-12)
    assert np.mean(found.z) == pytest.approx(1.0, abs=0.03)
    # Estimating eight cosines per coordinate leaves 1 - 8/1000 of the variance in place.
    assert np.corrcoef(found.residual.ravel(), z.ravel())[0, 1] > 0.98


def test_cosines_are_orthonormal():
    a = cosines(np.eye(16))
    np.testing.assert_allclose(a @ a.T, np.eye(16), atol=1e-12)
    assert cosines(np.ones((16, 1)))[0, 0] == pytest.approx(4.0)


def test_log_size_survives_exact_zeros():
    x = np.array([[0.0], [1e-3], [-2.0]])
    np.testing.assert_allclose(log_size(x)[:, 0], np.log([1e-3, 1e-3, 2.0]))
    assert np.isfinite(log_size(np.zeros((4, 1)))).all()


def test_change_points_are_found_where_they_are_and_nowhere_else():
    """A jump of two noise deviations at 60 of 200; no jump in 200 null series but a few percent."""
    rng = np.random.default_rng(6)
    series = rng.standard_normal(200) + 2.0 * (np.arange(200) >= 60)
    found = change_points(series)
    assert len(found) == 1
    assert abs(found[0] - 60) <= 3
    assert change_points(np.zeros(50)) == ()
    false = [bool(change_points(rng.standard_normal(200))) for _ in range(200)]
    assert np.mean(false) < 0.1
