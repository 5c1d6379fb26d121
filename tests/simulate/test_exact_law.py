"""Simulations against the exact law, and planted errors that this must catch.

Every comparison runs at a false-fail rate of 1e-4 over all its points, seeded; what it detects is
asserted beside it.
"""

from dataclasses import replace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from varlab.core import InputError
from varlab.simulate import (
    AR1,
    Drift,
    Laplace,
    Normal,
    Rademacher,
    ScaleMixture,
    SharedMean,
    Simulation,
    corrections,
    results,
    simulate,
)

ALPHA = 1e-4
REQUEST = {"beta2": 0.999, "steps": 3000, "trajectories": 4000, "statistics": ["psi", "log_psi"]}


@pytest.fixture(scope="module")
def sound():
    return simulate([Normal(), Normal(1.0)], **REQUEST)


def test_a_sound_simulation_agrees_at_every_step(sound):
    comparison = sound.compare(false_fail_rate=ALPHA)
    assert comparison.agrees, str(comparison)
    assert set(comparison.table["quantity"]) == {
        "psi_variance",
        "rectified_psi_variance",
        "log_psi_mean",
        "log_psi_variance",
    }
    # power: from step 60 on a third of Var[psi_t] is detected, so the planted errors below are within reach
    late = comparison.table.query("step >= 60 and quantity == 'psi_variance'")
    assert (late["detectable"] / late["expected"]).max() < 1 / 3
    assert len(late) == 2 * 2941


@pytest.mark.parametrize(("trajectories", "runs"), [(2, 20), (30, 60), (100, 60), (1000, 20)])
def test_the_stated_rate_is_kept_at_every_number_of_trajectories(trajectories, runs):
    """At a false-fail rate of 1e-3 one of these 160 runs fails by chance with probability 0.15 at most.

    Normal quantiles times plug-in errors fail 9, 3 and 1 runs in 10 at 2, 30 and 100 trajectories: the
    chance that none of these runs shows it is below 1e-20.
    """
    asked = {"beta2": 0.999, "steps": 20, "trajectories": trajectories}
    for seed in range(runs):
        comparison = simulate(Normal(), **asked, seed=seed, statistics=["psi", "log_psi"]).compare()
        assert comparison.agrees, f"seed {seed}: {comparison}"
        assert comparison.assertion.judged == 62  # none refused


def test_a_law_without_spread_agrees_up_to_rounding():
    """Signs, in float32: psi_t is 1/sigma, and what is left is rounding."""
    result = simulate(Rademacher(sigma=0.3), beta2=0.999, steps=200, trajectories=1000)
    comparison = result.compare()
    assert comparison.agrees, str(comparison)
    # power: a relative error of 1e-5 in psi is found
    means = comparison.table.query("quantity == 'log_psi_mean'")
    assert means["detectable"].max() < 1e-5


def test_where_a_sample_variance_says_nothing_the_stated_error_says_so(sound):
    table = sound.compare(false_fail_rate=ALPHA).table
    first = table.query("step == 5 and quantity == 'psi_variance'")
    assert (first["radius"] > first["expected"]).all()
    assert sound.compare(first_step=1).table.query("step < 5")["radius"].isna().sum() > 0


def test_the_picture_tells_settings_and_quantities_apart(sound):
    matplotlib.use("agg")
    comparison = sound.compare(false_fail_rate=ALPHA)
    ax = comparison.plot()
    drawn = [line for line in ax.lines if len(line.get_xdata()) > 0]
    looks = {(line.get_color(), line.get_marker()) for line in drawn}
    assert len(looks) == len(drawn) == 2 * 4
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    table = comparison.table
    assert names == [*table["setting"].unique(), *table["quantity"].unique()]
    plt.close(ax.figure)


def test_a_wrong_bias_correction_is_caught(monkeypatch):
    def late_by_one(steps, beta):
        return 1 - beta ** (np.asarray(steps) + 1.0)

    monkeypatch.setattr(corrections, "bias_correction", late_by_one)
    comparison = simulate(Normal(), **REQUEST).compare(false_fail_rate=ALPHA)
    assert not comparison.agrees
    # at t = 1 psi is off by sqrt(1 + b2): log psi by 0.35, twenty standard errors
    assert {"log_psi_mean"} <= set(comparison.outside["quantity"])
    assert comparison.outside["step"].min() == 1


def test_beta2_off_by_a_thousandth_is_caught():
    wrong = simulate(Normal(), **(REQUEST | {"beta2": 0.998}))
    label = simulate(Normal(), **(REQUEST | {"trajectories": 2})).dataset
    disguised = wrong.dataset.assign_coords(setting=label["setting"], beta2=label["beta2"])
    disguised.attrs["request"] = disguised.attrs["request"].replace("0.998", "0.999")
    comparison = Simulation(disguised).compare(false_fail_rate=ALPHA)
    assert not comparison.agrees
    assert set(comparison.outside["quantity"]) >= {"psi_variance", "log_psi_variance"}


def test_a_wrong_rectification_is_caught(monkeypatch):
    def three_for_four(t, beta2, kind):
        """R's r_t with rho - 3 in place of rho - 4."""
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * t * beta2**t / (1 - beta2**t)
        with np.errstate(invalid="ignore"):
            return np.sqrt((rho - 3) * (rho - 2) * limit / ((limit - 3) * (limit - 2) * rho))

    monkeypatch.setattr(results, "rectification", three_for_four)
    wrong = simulate(Normal(), **(REQUEST | {"steps": 60, "trajectories": 200_000}))
    comparison = wrong.compare(false_fail_rate=ALPHA)
    assert set(comparison.outside["quantity"]) == {"rectified_psi_variance"}


def test_the_rectified_variance_follows_the_printed_formula(sound):
    """R section 4.2 typed as printed, in float64: rounding error 1e-9 at b2 = 0.999."""
    t = np.arange(5, 3001)
    limit = 2 / 0.001 - 1
    rho = limit - 2 * t * 0.999**t / (1 - 0.999**t)
    squared = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
    data = sound.dataset.isel(setting=0).sel(step=slice(5, None))
    np.testing.assert_allclose(
        data["rectified_psi_variance"], squared * data["psi_variance"], rtol=1e-6
    )


def test_figure_9_lies_within_its_stated_errors():
    """R Fig. 9 as printed: six means, 5000 trajectories, 6000 steps, every t >= 5."""
    laws = [Normal(mu) for mu in (0.0, 0.001, 0.01, 0.1, 1.0, 10.0)]
    request = {"steps": 6000, "trajectories": 5000, "statistics": ["psi", "log_psi"]}
    comparison = simulate(laws, beta2=0.999, **request).compare(false_fail_rate=1e-3)
    assert comparison.agrees, str(comparison)
    assert comparison.assertion.judged >= 2 * 6 * 5996
    # what it is worth: late in the run a quarter of each variance would be noticed
    late = comparison.table.query("step >= 1000 and quantity == 'psi_variance'")
    assert (late["detectable"] / late["expected"]).median() < 1 / 4


OTHER_LAWS = [AR1(0.6, mu=0.2), SharedMean(0.5), Drift(0.02), ScaleMixture(), Rademacher(sigma=2.0)]


@pytest.mark.parametrize("law", OTHER_LAWS, ids=lambda law: law.name)
def test_departures_agree_with_their_exact_laws(law):
    result = simulate(law, beta2=0.98, steps=60, trajectories=30_000, statistics=["psi", "log_psi"])
    comparison = result.compare(false_fail_rate=ALPHA, first_step=30)
    assert comparison.agrees, str(comparison)
    late = comparison.table.query("quantity == 'log_psi_variance' and step >= 10")
    if law.name != "rademacher":  # which has no spread to detect a share of
        assert (late["detectable"] / late["expected"]).max() < 0.15


@pytest.mark.timeout(20)
@pytest.mark.parametrize("tau", [1e2, 1e10, 1e30])
def test_a_large_spread_of_means_is_compared_in_seconds(tau):
    asked = {"beta2": 0.999, "steps": 20, "trajectories": 100, "dtype": "float64"}
    comparison = simulate(SharedMean(tau), **asked).compare(false_fail_rate=ALPHA)
    assert comparison.agrees, str(comparison)
    # psi is 1/(tau abs(m)) but for the noise: a wrong factor of e^2.5 on it is found by a hundred values
    late = comparison.table.query("quantity == 'log_psi_mean' and step >= 5")
    assert late["detectable"].max() < 2.5


@pytest.mark.parametrize(("law", "gap"), [(Normal(), 2.0**-53), (ScaleMixture((1e-8, 1.0)), 0.5)])
def test_small_averages_are_no_zeros(law, gap, engine):
    """v without its bias correction is of size s^2 (1-b2): far below the square of a smallest normal.

    Counted as that square, E[log psi_1] is off by 1 and more, some ten radii.
    """
    asked = {"beta2": 1 - gap, "steps": 20, "trajectories": 3000, "dtype": "float64"}
    comparison = simulate(law, **asked, engine=engine).compare(false_fail_rate=ALPHA)
    assert comparison.agrees, str(comparison)
    first = comparison.table.query("quantity == 'log_psi_mean' and step == 1")
    assert first["detectable"].max() < 2.5


def test_a_departure_is_told_from_its_absence():
    """The exact law of phi = 0.6 does not fit phi = 0.5: the comparison has power."""
    result = simulate(AR1(0.5), beta2=0.98, steps=60, trajectories=30_000)
    disguised = result.dataset.assign_attrs(
        request=result.dataset.attrs["request"].replace('"phi": 0.5', '"phi": 0.6')
    )
    label = replace(result.request.settings[0], law=AR1(0.6)).label
    disguised = disguised.assign_coords(setting=np.array([label], dtype=object))
    assert not Simulation(disguised).compare(false_fail_rate=ALPHA, first_step=30).agrees


def test_laws_without_an_exact_one_say_so():
    both = simulate([Normal(), Laplace()], beta2=0.9, steps=30, trajectories=500)
    assert both.compare().without_law == ("laplace, beta2=0.9",)
    with pytest.raises(InputError, match="of a law with an exact one"):
        simulate(Laplace(), beta2=0.9, steps=30, trajectories=500).compare()


def test_standard_errors_exist_only_where_their_moments_do(sound):
    data = sound.dataset.isel(setting=0)
    defined = np.isfinite(data["psi_variance_stderr"].values)
    assert not defined[:8].any()  # E[psi^8] is infinite up to t = 8
    assert defined[9:].all()
    assert np.isfinite(data["log_psi_variance_stderr"].values).all()
    assert np.isnan(data["rectified_psi_variance"].values[:4]).all()  # rho_t <= 4


def test_a_simulation_prints_tabulates_and_draws_itself(sound):
    import matplotlib

    matplotlib.use("Agg")
    assert "psi_variance" in str(sound)
    frame = sound.to_frame()
    assert len(frame) == 2 * 3000
    axes = sound.plot()
    assert axes.get_yscale() == "log"
    assert len(axes.lines) == 4
    assert sound.compare().plot().has_data()
