"""Normality: L-ratios and their units against slow twins; laws whose departures cancel or are skew."""

import numpy as np
import pytest
from scipy import stats

from varlab.audit.assumptions import normality
from varlab.audit.assumptions.l_moments import (
    NORMAL_L_KURTOSIS,
    contributions,
    group_means,
    l_ratio_units,
    l_ratios,
)
from varlab.audit.assumptions.normality import KURTOSIS_LEVEL
from varlab.audit.assumptions.null import ratio_null
from varlab.audit.verdicts import AuditVerdict, Bands, decide
from varlab.core import generator


def skewed(shape):
    return lambda rng, size: rng.gamma(shape, size=size)


def opposite_tails(rng, size):
    """Five coordinates in eight heavy-tailed, the others light: their mean L-kurtosis is a normal's."""
    heavy = size[-1] * 5 // 8
    t = rng.standard_t(5, (*size[:-1], heavy))
    return np.concatenate([t, rng.uniform(-1, 1, (*size[:-1], size[-1] - heavy))], axis=-1)


PROTOCOLS = {
    "ensemble": (normality.ensemble, (64, 20, 64)),
    "run": (normality.run, (500, 64)),
    "frozen": (normality.frozen, (500, 64)),
}


def test_l_ratios_against_scipy():
    x = np.random.default_rng(0).gamma(2, size=(24, 6))
    third, fourth = stats.lmoment(x, order=[3, 4], axis=0)
    skewness, kurtosis = l_ratios(x)
    np.testing.assert_allclose(skewness, third, rtol=1e-12)
    np.testing.assert_allclose(kurtosis, fourth, rtol=1e-12)


def test_constants_of_the_normal():
    grid = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)[:, None]
    skewness, kurtosis = l_ratios(grid)
    assert skewness[0] == pytest.approx(0.0, abs=1e-9)
    assert kurtosis[0] == pytest.approx(NORMAL_L_KURTOSIS, abs=1e-5)


@pytest.mark.parametrize(
    ("band", "law", "ratio"),
    [("normality", stats.t(10), 1), ("skewness", stats.gamma(6), 0)],
)
def test_the_bands_are_what_raises_the_variance_of_squares_by_half(band, law, ratio):
    grid = law.ppf((np.arange(1_000_000) + 0.5) / 1_000_000)[:, None]
    distance = l_ratios(grid)[ratio][0] - (0.0, NORMAL_L_KURTOSIS)[ratio]
    assert distance == pytest.approx(getattr(Bands(), band), rel=0.08)
    # Var(z^2) = kurtosis + 2 for unit variance, against the normal's 2.
    assert float(law.stats("k")) == pytest.approx(1.0)


def test_contributions_are_those_of_leaving_one_out():
    x = np.random.default_rng(1).standard_t(3, (17, 4))

    def moments(v):
        return np.array(stats.lmoment(v, order=[2, 3, 4], axis=0, standardize=False))

    whole, count = moments(x), len(x)
    pseudo = np.array(
        [count * whole - (count - 1) * moments(np.delete(x, i, axis=0)) for i in range(count)]
    )
    for found, ratio, order in zip(contributions(x), l_ratios(x), (1, 2), strict=True):
        expected = (pseudo[:, order] - ratio * pseudo[:, 0]) / whole[0]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_units_average_to_the_ratios_and_a_column_without_spread_has_none(monkeypatch):
    x = np.random.default_rng(2).standard_normal((48, 5))
    x[:, 3] = 2.0
    whole = l_ratio_units(x, 16)
    for units, ratio in zip(whole, l_ratios(x), strict=True):
        assert units.shape == (16, 5)
        np.testing.assert_allclose(units.mean(axis=0), ratio, rtol=1e-10)
        assert np.isnan(units[:, 3]).all()
    monkeypatch.setattr("varlab.audit.assumptions.l_moments.AT_ONCE", 50)
    for pieces, units in zip(l_ratio_units(x, 16), whole, strict=True):
        np.testing.assert_allclose(pieces, units, atol=1e-12)


def test_squares_of_normal_samples_are_unbiased_once_the_null_is_taken_off():
    """20000 columns of 24: the jackknife alone is off by a third of the band's square, 3e-4.

    A mean square's standard error is 5e-5; false-fail rate at 4 of them below 1e-4, seeded.
    """
    x = generator(0, "tests", "normality", "bias").standard_normal((24, 20_000))
    null = ratio_null(24, 24)
    skewness, kurtosis = l_ratio_units(x, 24)
    for units, bias in (
        (skewness, null.skewness_square),
        (kurtosis - null.kurtosis, null.kurtosis_square),
    ):
        products = (units.sum(axis=0) ** 2 - np.sum(units**2, axis=0)) / (24 * 23)
        assert products.mean() - bias == pytest.approx(0.0, abs=4 * products.std() / 20_000**0.5)
    assert null.kurtosis_square < -2e-4


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
@pytest.mark.parametrize(
    ("law", "effect"),
    [(skewed(3), "L-skewness"), (skewed(2), "L-skewness"), (opposite_tails, "L-kurtosis")],
    ids=["gamma(3)", "gamma(2)", "opposite tails"],
)
def test_skewness_and_opposite_tails_are_violations(protocol, law, effect):
    """Power above 0.999: these effects are 1.4 to 3 bands, squared standard errors a tenth of that."""
    test, size = PROTOCOLS[protocol]
    found = test(law(generator(0, "tests", "normality", protocol), size), Bands())
    decision = decide(found.effects, 0.05)
    assert decision.verdict is AuditVerdict.VIOLATED
    assert decision.effect.name == effect


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_normals_hold_and_laws_at_the_bands_do_not(protocol):
    """20 recordings each: normals hold; Student t(10) and gamma(6), at a band, at most twice.

    Each side of an interval errs in 1.25% at most, so more than 2 of 20 come with probability 2e-3;
    intervals as wide as their own small estimate would hold in a fifth of samples, 2 or fewer in 21%.
    """
    test, size = PROTOCOLS[protocol]

    def holds(law):
        rng = generator(0, "tests", "normality", "edge", protocol)
        decisions = [decide(test(law(rng, size), Bands()).effects, 0.05) for _ in range(20)]
        return sum(d.verdict is AuditVerdict.HOLDS for d in decisions)

    assert holds(lambda rng, size: rng.standard_normal(size)) == 20
    assert holds(lambda rng, size: rng.standard_t(10, size)) <= 2
    assert holds(skewed(6)) <= 2


def test_the_interval_of_the_moment_kurtosis_covers_it():
    """200 samples of 400 normals, 8 columns: 95% intervals cover 0 at least 170 times.

    Coverage 90% or more would give fewer with probability below 1%; half as wide ones cover 67%.
    """
    rng = generator(0, "tests", "normality", "kurtosis")
    assert KURTOSIS_LEVEL == 0.05
    hits = 0
    for _ in range(200):
        details = normality.frozen(rng.standard_normal((400, 8)), Bands()).details
        hits += details["excess_kurtosis_low"] <= 0 <= details["excess_kurtosis_high"]
    assert 170 <= hits <= 199


def test_the_excess_kurtosis_is_scipys_unbiased_one():
    x = np.random.default_rng(3).standard_t(6, (30, 4))
    found = normality.frozen(x, Bands()).details["excess_kurtosis"]
    assert found == pytest.approx(stats.kurtosis(x, bias=False, axis=0).mean())


def test_means_of_groups():
    np.testing.assert_array_equal(group_means(np.arange(6.0)[:, None], 3)[:, 0], [0.5, 2.5, 4.5])
