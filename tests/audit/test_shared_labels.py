"""Replicas that share an initialisation or a data order are not independent, and are not taken for it."""

import itertools

import numpy as np
import pytest

from varlab.audit.assess_recording import assess_recording
from varlab.audit.assumptions.crossing import Crossing
from varlab.audit.cost import log_psi, violation_budget
from varlab.audit.protocol import Assumption
from varlab.audit.recorder.independent import independent_replicas
from varlab.audit.recorder.recording import Recording
from varlab.core import generator


def crossed(inits, orders, name, steps=12, coordinates=16):
    """i.i.d. N(0, 1) over steps; replicas of one initialisation share half of the variance at each."""
    rng = generator(0, "tests", "shared labels", name)
    of_init = rng.standard_normal((inits, 1, steps, coordinates))
    own = rng.standard_normal((inits, orders, steps, coordinates))
    x = np.sqrt(0.5) * (of_init + own)
    return Recording.from_arrays(
        x.reshape(inits * orders, steps, coordinates),
        ["layer"] * coordinates,
        inits=np.repeat(np.arange(inits), orders),
        orders=np.tile(np.arange(orders), inits),
    )


@pytest.mark.parametrize(
    ("inits", "orders", "count"),
    [
        (None, None, 5),
        ([0, 1, 2, 3, 4], None, 5),
        ([7, 7, 7, 8, 8], None, 2),
        ([0, 0, 1, 1, 2], [0, 1, 0, 1, 0], 2),
        ([0, 0, 1, 1, 2], [0, 1, 0, 1, 2], 3),
        ([0, 1, 0, 1, 0], [0, 1, 0, 1, 0], 2),  # the same replica again is no other
    ],
)
def test_as_many_as_share_no_label(inits, orders, count):
    labels = [None if v is None else np.array(v) for v in (inits, orders)]
    chosen = independent_replicas(*labels, 5)
    assert len(chosen) == count
    for one in labels:
        assert one is None or len(set(one[chosen])) == count


def test_no_choice_has_more_than_the_matching():
    """Against all subsets of 8 replicas with random labels."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        inits, orders = rng.integers(0, 4, (2, 8))
        best = max(
            size
            for size in range(1, 5)
            for part in map(list, itertools.combinations(range(8), size))
            if len(set(inits[part])) == len(set(orders[part])) == size
        )
        assert len(independent_replicas(inits, orders, 8)) == best


@pytest.mark.parametrize(("inits", "orders"), [(2, 32), (4, 16), (8, 8)])
def test_too_few_independent_replicas_give_no_verdict(inits, orders):
    """As 64 independent replicas these were called violated in 20 of 20 recordings."""
    found = assess_recording(crossed(inits, orders, "few"))
    (layer,) = found.layers
    assert layer.n == min(inits, orders)
    for result in [*layer.assumptions.values(), *found.model.values()]:
        assert result.verdict.value == "undecided"
        assert result.reason.startswith(
            f"cannot: replicas share initialisations or data orders; {layer.n}"
        )
    assert "a verdict needs 24" in found.answer()
    assert not found.decided
    assert layer.budget is not None
    assert any(f"use the {layer.n} that share neither" in limit for limit in found.limits)


def test_verdicts_of_a_large_crossing_come_from_its_independent_replicas():
    """20 recordings of 32 x 32 under the null: no "violated".

    A wrong one needs an interval that misses by the width of a band: below 1e-3 each. The planted
    mean of 0.5 s, more than six standard errors beyond its band, is found.
    """
    for trial in range(20):
        found = assess_recording(crossed(32, 32, f"many {trial}", 6, 16))
        assert found.layers[0].n == 32
        assert {r.verdict.value for r in found.model.values()} <= {"holds", "undecided"}
    recording = crossed(32, 32, "mean", 6, 16)
    shifted = Recording(recording.dataset.assign(gradients=recording.dataset["gradients"] + 0.5))
    verdict = assess_recording(shifted).model[Assumption.ZERO_MEAN].verdict.value
    assert verdict == "violated"


def test_products_and_variances_of_unlike_replicas_against_loops():
    rng = np.random.default_rng(1)
    inits, orders = np.array([0, 0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 1, 2, 0, 2])
    x = rng.standard_normal((7, 2, 3))
    pairs = [
        (r, s)
        for r, s in itertools.permutations(range(7), 2)
        if inits[r] != inits[s] and orders[r] != orders[s]
    ]
    crossing = Crossing.of(inits, orders)
    expected = sum(x[r] * x[s] for r, s in pairs) / len(pairs)
    np.testing.assert_allclose(crossing.products(x), expected)
    centred = x - x.mean(axis=0)
    unlike = sum(centred[r] * centred[s] for r, s in pairs) / len(pairs)
    np.testing.assert_allclose(crossing.variance(x), np.mean(centred**2, axis=0) - unlike)


def test_without_shared_labels_there_is_no_crossing():
    assert Crossing.of(None, None) is None
    assert Crossing.of(np.arange(5), None) is None
    assert Crossing.of(np.zeros(5, dtype=int), np.arange(5)) is None  # given one initialisation
    alone = Crossing(np.arange(5), np.arange(5))
    x = np.random.default_rng(2).standard_normal((5, 4))
    np.testing.assert_allclose(alone.variance(x), x.var(axis=0, ddof=1))


@pytest.mark.parametrize(("inits", "orders"), [(4, 16), (8, 8), (16, 4)])
def test_budget_and_log_psi_of_a_crossing_are_unbiased_and_cover(inits, orders):
    """60 recordings under the null, a shared half: the mean ratio is 1 within 4 standard errors.

    The plain sample variance gives 0.87 with 4 initialisations, 20 standard errors off. 95% intervals
    cover at least 52 of 60 times: false-fail rate below 1e-2 at 95%, measured 99%, and seeded.
    """
    steps = np.arange(1, 13)
    ratios, hits, log_hits = [], 0, 0
    for trial in range(60):
        recording = crossed(inits, orders, f"budget {trial}")
        x, labels = recording.layer("layer"), (recording.inits, recording.orders)
        budget = violation_budget.ensemble(x, steps, 0.999, 0.05, *labels)
        assert sum(budget.shares.values()) == pytest.approx(budget.total, rel=1e-12)
        assert sum(budget.split.values()) == pytest.approx(budget.shares["dependence"])
        ratios.append(budget.ratio)
        hits += budget.ratio_ci[0] <= 1 <= budget.ratio_ci[1]
        path = log_psi.ensemble(x[:, -1:], steps[-1:], 0.999, 0.05, Crossing.of(*labels))
        log_hits += path.low[0] <= path.theory[0] <= path.high[0]
    # The ratio of moments itself is biased by O(1/min(inits, orders)/steps): below 0.02.
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.std(ratios) / 60**0.5 + 0.02)
    assert hits >= 52
    assert log_hits >= 52


def test_two_initialisations_have_no_interval():
    (layer,) = assess_recording(crossed(2, 32, "two")).layers
    assert np.isnan(layer.budget.ratio_ci).all()
    assert np.isnan(layer.log_psi.low).all()
    assert layer.budget.ratio == pytest.approx(1.0, abs=0.5)
