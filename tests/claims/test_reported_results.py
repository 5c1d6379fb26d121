"""Reported figures: z-scores, and which standard deviations five scores can have."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from varlab.claims import reported_results as rr
from varlab.core import Verdict


def test_z_score_against_a_table_of_counts():
    comparison = rr.Comparison("any", 0.6, 0.5, 100)
    # Pooled p = 0.55: sqrt(2 * 0.55 * 0.45 / 100).
    assert comparison.z(100) == pytest.approx(0.1 / math.sqrt(0.00495))


def test_z_scores_have_the_stated_size_under_the_null():
    rng = np.random.default_rng(0)
    counts = rng.binomial(1000, 0.6, size=(4000, 2)) / 1000
    beyond = np.mean([abs(rr.Comparison("", a, b, 1000).z(1000)) > rr.TWO_SIDED for a, b in counts])
    # Standard error 0.0034: five of them, false-fail rate 6e-7; a level of 0.10 is caught.
    assert beyond == pytest.approx(rr.LEVEL, abs=0.017)


def test_a_difference_without_direction_counts_either_way():
    claim = next(c for c in rr.CLAIMS if c.id == "blog1.lenet-decay")
    (falls,) = (c for c in rr.LENET.comparisons if c.worse > c.better)
    assert rr.LENET.z(falls) == -rr.smallest_z(falls) > 0
    large = replace(falls, images=100_000)
    statement = rr.BeyondNoise((large,), directed=False)
    assert replace(claim, formula=statement).decide().verdict is Verdict.HOLDS
    directed = replace(claim, formula=replace(statement, directed=True)).decide()
    assert [e.agrees for e in directed.evidence] == [False, False]


def test_the_simulated_chance_is_two_sided():
    claim = next(c for c in rr.CLAIMS if c.id == "blog1.lenet-decay")
    chance = claim.decide().evidence[1].finding.counterexample["chance"]
    (falls,) = (c for c in rr.LENET.comparisons if c.worse > c.better)
    # The normal tail and the binomial one differ by half a count in 70 at most.
    assert chance == pytest.approx(2 * stats.norm.sf(rr.LENET.z(falls)), abs=0.01)


def test_spreads_against_brute_force_over_all_ordered_scores():
    offsets = [o for o in product(range(-3, 4), repeat=3) if 2 * abs(sum(o)) <= 3]
    expected = {round(float(np.std(o, ddof=1)) / 100, 12) for o in offsets}
    found = {round(v, 12) for v in rr.possible_spreads(3)["standard deviation, ddof 1"]}
    assert expected <= found


def test_the_smallest_spread_is_one_score_off_by_one_hundredth():
    scores = [34.76] * 4 + [34.77]
    smallest = min(v for v in rr.possible_spreads(5)["standard deviation, ddof 1"] if v > 0)
    # Differences of printed scores lose 1e-14 of 1e-2.
    assert smallest == pytest.approx(np.std(scores, ddof=1), rel=1e-10)


def test_a_possible_deviation_is_not_refuted():
    possible = (rr.ReportedSpread("any", "34.66", "0.014"),)
    claim = next(c for c in rr.CLAIMS if c.id == "radam.table2")
    assert claim.checks[0].run(possible, None).agrees is True
    assert claim.decide().verdict is Verdict.FAILS


@pytest.mark.parametrize(
    ("value", "printed", "same"), [(0.0025, "0.003", True), (0.004, "0.003", False)]
)
def test_printing(value, printed, same):
    assert rr.prints_as(value, printed) is same
