"""Monte-Carlo assertions keep the rates they state, find what they say they find, and refuse the rest."""

import math

import numpy as np
import pytest

from varlab.core import DomainError
from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.simulate import agrees, mean_agrees, variance_agrees
from varlab.simulate.inference import truncated_variance_radius

RNG_SEED = 3


def test_the_false_fail_rate_is_kept():
    rng = np.random.default_rng(RNG_SEED)
    runs, points = 4000, 25
    z = rng.standard_normal((runs, points))
    fails = sum(agrees(row, 0.0, 1.0, n=1, false_fail_rate=0.05).verdict == "differs" for row in z)
    # Independent points: the rate is just below 0.05; six standard errors of 4000 coins is 0.021.
    assert 0.029 < fails / runs < 0.071


def test_the_detectable_discrepancy_is_detected():
    rng = np.random.default_rng(RNG_SEED)
    detectable = agrees(0.0, 0.0, 1.0, n=1, false_fail_rate=1e-3).detectable
    found = [
        agrees(detectable + x, 0.0, 1.0, n=1, false_fail_rate=1e-3).verdict == "differs"
        for x in rng.standard_normal(2000)
    ]
    # power 0.99: six standard errors of 2000 such coins is 0.0134
    assert np.mean(found) > 0.99 - 0.0134


def test_the_needed_sample_reaches_the_discrepancy():
    asked = {"expected": 2.0, "fourth_central": 12.0, "false_fail_rate": 1e-3}
    first = variance_agrees(2.0, n=1000, discrepancy=0.05, **asked)
    again = variance_agrees(2.0, n=first.needed, **asked)
    # the standard error's (n - 3)/(n - 1) moves the fourth digit
    assert float(again.detectable) == pytest.approx(0.05, rel=1e-3)


def test_a_planted_discrepancy_differs():
    rng = np.random.default_rng(RNG_SEED)
    x = rng.standard_normal(10_000)
    n = len(x)
    assert mean_agrees(x.mean(), 0.0, variance=1.0, n=n).verdict == "agrees"
    assert mean_agrees(x.mean() + 0.06, 0.0, variance=1.0, n=n).verdict == "differs"
    s2 = x.var(ddof=1)
    assert variance_agrees(s2, 1.0, fourth_central=3.0, n=n).verdict == "agrees"
    assert variance_agrees(1.1 * s2, 1.0, fourth_central=3.0, n=n).verdict == "differs"


@pytest.mark.parametrize("fourth", [math.nan, math.inf])
def test_without_moments_it_refuses(fourth):
    result = variance_agrees(1.0, 5.0, fourth_central=fourth, n=100)
    assert result.verdict == "refused"
    assert str(result).startswith("refused: none of 1 points has the moments")


def test_points_without_moments_are_counted_not_passed():
    result = agrees([0.0, 9.0], [0.0, 0.0], [1.0, math.nan], n=10)
    assert (result.verdict, result.judged, result.refused) == ("agrees", 1, 1)
    assert "1 points refused" in str(result)


def test_an_estimate_that_is_no_number_differs():
    result = agrees(math.nan, 0.0, 1.0, n=10)
    assert result.verdict == "differs"
    assert "largest deviation inf of its radius (nan for 0 +- " in str(result)


def test_an_estimate_without_error_agrees_only_with_itself():
    exact, off = (agrees(x, 1.0, 0.0, n=10) for x in (1.0, 1.1))
    assert exact.verdict == "agrees"
    assert "largest deviation 0.00" in str(exact)
    assert off.verdict == "differs"


def test_a_rate_outside_its_domain():
    with pytest.raises(DomainError, match=r"false_fail_rate must lie in \(0, 1\); got 0"):
        agrees(0.0, 0.0, 1.0, n=1, false_fail_rate=0)


@pytest.mark.parametrize("t", [5, 8, 16])
def test_the_rigorous_radius_covers_heavy_tails(t):
    """At a stated rate of 0.1, 400 sample variances of 500 draws: more than 80 misses has chance 1e-9."""
    law = AdaptiveRate(t, 0.999)
    moments = {k: float(law.moment(k)) for k in range(1, t)}
    radius = truncated_variance_radius(
        moments, float(law.mean()), float(law.var()), n=500, false_fail_rate=0.1
    )
    rng = np.random.default_rng(RNG_SEED)
    g2 = rng.standard_normal((400, 500, t)) ** 2
    weights = 0.999 ** np.arange(t)[::-1]
    psi = 1 / np.sqrt(g2 @ (weights / weights.sum()))
    missed = np.abs(psi.var(axis=1, ddof=1) - law.var()) > radius
    assert missed.sum() <= 80


def test_no_radius_without_a_fourth_moment():
    law = AdaptiveRate(4, 0.999)
    moments = {k: float(law.moment(k)) for k in (1, 2, 3)}
    radius = truncated_variance_radius(
        moments, float(law.mean()), float(law.var()), n=500, false_fail_rate=0.1
    )
    assert math.isnan(radius)
