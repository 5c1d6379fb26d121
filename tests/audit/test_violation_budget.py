"""The violation budget is an identity, and each planted violation lands in its own share."""

import numpy as np
import pytest
from departures import arch1, shared_mean

from varlab.audit.cost import violation_budget
from varlab.audit.cost.second_moment import step_weights
from varlab.audit.cost.violation_budget import SHARES, coordinate_shares, within_dependence
from varlab.audit.processes import Shape, ar1, iid_normal, mean, scale_drift, student_t
from varlab.numerics import degrees_of_freedom

STEPS = np.arange(1, 21)


def slow_total(x, weights):
    """The double sum over steps, term by term, for one coordinate."""
    squares = x**2
    means = squares.mean(axis=0)
    m = sum(w * e for w, e in zip(weights, means, strict=True))
    total = diagonal = 0.0
    for i, w in enumerate(weights):
        for j, v in enumerate(weights):
            a, b = squares[:, i] - means[i], squares[:, j] - means[j]
            term = w * v * float(a @ b) / (len(x) - 1) / m**2
            total += term
            diagonal += term if i == j else 0.0
    return total, diagonal


@pytest.mark.parametrize("process", [iid_normal, ar1(0.5), scale_drift(1.5), arch1(0.5)])
@pytest.mark.parametrize("beta2", [0.9, 0.999])
def test_the_five_shares_add_up_to_the_measured_value(process, beta2):
    x = process(Shape(30, 20, 6), np.random.default_rng(0)) + 0.3
    weights = step_weights(STEPS, beta2)
    shares = coordinate_shares(x, weights)
    vhat = np.einsum("t,rtc->rc", weights, x**2)
    # Plug-in mean, divisor R - 1: rounding only, 1e-13 for sums of 600 terms.
    measured = vhat.var(axis=0, ddof=1) / vhat.mean(axis=0) ** 2
    np.testing.assert_allclose(sum(shares[s] for s in SHARES), measured, rtol=1e-13)
    total, diagonal = slow_total(x[:, :, 2], weights)
    assert shares["total"][2] == pytest.approx(total, rel=1e-12)
    assert shares["dependence"][2] == pytest.approx(total - diagonal, rel=1e-9)


def test_the_theory_share_is_two_over_the_degrees_of_freedom():
    weights = step_weights(STEPS, 0.99)
    shares = coordinate_shares(iid_normal(Shape(30, 20, 2), np.random.default_rng(1)), weights)
    expected = 2 / degrees_of_freedom(20, 0.99, kind="kish")
    np.testing.assert_allclose(shares["normal-iid"], expected, rtol=1e-12)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize(
    ("process", "share", "least"),
    [
        (ar1(0.5), "dependence", 0.3),
        (student_t(4), "kurtosis", 0.5),
        (scale_drift(1.5), "drift", 0.4),
        (shared_mean(0.5), "dependence", 2.0),
        (arch1(0.5), "dependence", 1.0),
    ],
)
def test_the_excess_lands_in_the_right_share(process, share, least, correlation):
    """64 replicas, 20 steps, 64 coordinates: the planted share exceeds ``least`` times the theory's
    (half of its expectation or less), and no foreign share exceeds a quarter of it.

    ARCH also has kurtosis, by nature; only the other shares are foreign to it.
    """
    x = process(Shape(64, 20, 64, correlation), np.random.default_rng(2))
    budget = violation_budget.ensemble(x, STEPS, 0.999, 0.05)
    normal = budget.shares["normal-iid"]
    planted = budget.shares[share] / normal
    assert planted > least
    own = {"normal-iid", share} | (
        {"kurtosis"} if process.__qualname__.startswith("arch1") else set()
    )
    for other in set(SHARES) - own:
        assert abs(budget.shares[other]) / normal < planted / 4
    assert budget.ratio_ci[0] > 1


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_the_null_has_the_variance_of_the_theory(correlation):
    """100 recordings: the mean ratio is 1 within 5 standard errors, and 95% intervals cover >= 85%.

    False-fail rate below 1e-4; a bias of the ratio by 5% would be seen.
    """
    rng = np.random.default_rng(3)
    shape = Shape(48, 12, 16, correlation)
    budgets = [
        violation_budget.ensemble(iid_normal(shape, rng), STEPS[:12], 0.999, 0.05)
        for _ in range(100)
    ]
    ratios = np.array([b.ratio for b in budgets])
    # The ratio of moments is biased by O(1/R): at most 1/48.
    assert ratios.mean() == pytest.approx(1.0, abs=5 * ratios.std() / 10 + 1 / 48)
    assert sum(b.ratio_ci[0] <= 1 <= b.ratio_ci[1] for b in budgets) >= 85


def test_a_mean_lowers_the_variance_by_what_the_formula_says():
    x = mean(1.0)(Shape(400, 10, 64), np.random.default_rng(4))
    budget = violation_budget.ensemble(x, STEPS[:10], 0.999, 0.05)
    normal = budget.shares["normal-iid"]
    # mu = s = 1: -2 mu^4/m^2 against 2, m = 2; sampling error of 64 coordinates x 400 replicas.
    assert budget.shares["mean"] / normal == pytest.approx(-0.25, abs=0.01)
    assert abs(budget.shares["kurtosis"]) / normal < 0.02


def test_a_wrong_weight_is_seen():
    """The budget at uniform weights of a drifting scale is not that at the EMA's."""
    x = scale_drift(1.5)(Shape(64, 20, 8), np.random.default_rng(5))
    right = coordinate_shares(x, step_weights(STEPS, 0.8))["total"].mean()
    wrong = coordinate_shares(x, np.full(20, 1 / 20))["total"].mean()
    assert abs(right - wrong) > 0.1 * right


@pytest.mark.parametrize(("source", "expected"), [("init", 0.8), ("order", 0.0)])
def test_dependence_is_split_by_the_law_of_total_covariance(source, expected):
    """An offset shared by all replicas of one initialisation, or by none.

    40 initialisations of 4 orders; the initialisation's share of the dependence is 1 or 0 in
    expectation, with a standard error near 0.05 over 64 coordinates.
    """
    rng = np.random.default_rng(6)
    inits = np.repeat(np.arange(40), 4)
    groups = inits if source == "init" else np.arange(160)
    offset = rng.standard_normal((160, 1, 64))[groups]
    x = offset + rng.standard_normal((160, 12, 64))
    budget = violation_budget.ensemble(x, STEPS[:12], 0.999, 0.05, inits)
    share = budget.split["initialisation"] / budget.shares["dependence"]
    assert share == pytest.approx(expected, abs=0.25) if source == "order" else share > expected
    assert sum(budget.split.values()) == pytest.approx(budget.shares["dependence"])


def test_within_dependence_against_loops():
    x = np.random.default_rng(7).standard_normal((6, 3, 1))
    labels, weights = np.array([0, 0, 0, 1, 1, 1]), np.array([0.2, 0.3, 0.5])
    squares = x[:, :, 0] ** 2
    m = float(weights @ squares.mean(axis=0))
    expected = 0.0
    for i in range(3):
        for j in range(3):
            if i != j:
                inner = sum(
                    float(np.cov(squares[labels == k, i], squares[labels == k, j], ddof=1)[0, 1])
                    * 2
                    for k in (0, 1)
                )
                expected += weights[i] * weights[j] * inner / 4 / m**2
    assert within_dependence(x, weights, labels)[0] == pytest.approx(expected)


def test_frozen_draws_have_neither_drift_nor_dependence():
    x = student_t(5)(Shape(1, 4000, 32), np.random.default_rng(8))[0]
    budget = violation_budget.frozen(x, 0.999, 0.05)
    assert budget.shares["drift"] == budget.shares["dependence"] == 0.0
    # Student t(5): Var(g^2)/(2 E[g^2]^2) = (kurtosis 9 - 1)/2 = 4; its estimate is biased low.
    assert 2.0 < budget.ratio < 6.0
    assert sum(budget.shares.values()) == pytest.approx(budget.total)
