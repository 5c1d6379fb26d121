"""Each gradient process against its law. Kolmogorov-Smirnov: false-fail rate 1e-6 a test, seeded."""

import math

import numpy as np
import pytest
import torch
from every_process import example, text
from scipy import stats

from varlab.core import DomainError, InputError
from varlab.simulate import (
    AR1,
    ARCH,
    LAWS,
    Cauchy,
    Drift,
    Laplace,
    Normal,
    Rademacher,
    ScaleMixture,
    SharedMean,
    StudentT,
    gradients,
    law,
    simulate,
)

ALPHA = 1e-6
N = 20_000  # detects a shift of the distribution function by about 0.02


def draws(process, steps=34):
    return gradients(process, steps=steps, trajectories=N, seed=11)


def mixture_cdf(x):
    return 0.25 * stats.norm.cdf(x) + 0.75 * stats.norm.cdf(x / 3)


MARGINALS = [
    (Normal(0.5, 2.0), stats.norm(0.5, 2.0).cdf),
    (StudentT(1.0), stats.t(1).cdf),
    (StudentT(3.0, mu=-1.0, sigma=0.5), stats.t(3, -1, 0.5).cdf),
    (StudentT(1e6), stats.norm.cdf),
    (Cauchy(), stats.cauchy.cdf),
    (Cauchy(1.0, 2.0), stats.cauchy(1, 2).cdf),
    (Laplace(1.0, 2.0), stats.laplace(1, 2).cdf),
    (AR1(0.7, mu=1.0, sigma=2.0), stats.norm(1, 2).cdf),
    (SharedMean(0.5), stats.norm(0, math.sqrt(1.25)).cdf),
    (ScaleMixture((1.0, 3.0), (0.25, 0.75)), mixture_cdf),
]


@pytest.mark.parametrize(("process", "cdf"), MARGINALS, ids=lambda p: getattr(p, "label", ""))
@pytest.mark.parametrize("step", [1, 33])
def test_marginal_law(process, cdf, step):
    assert stats.kstest(draws(process)[step - 1], cdf).pvalue > ALPHA


@pytest.mark.parametrize("process", [Normal(), StudentT(3.0), Cauchy(), Laplace()])
def test_a_wrong_law_is_caught(process):
    assert stats.kstest(draws(process)[0], stats.norm(0.08, 1.0).cdf).pvalue < ALPHA


class Chosen:
    """Normals that a test chooses, in place of the drawn ones."""

    def __init__(self, values):
        self.normals = torch.tensor([values], dtype=torch.float32)


def test_cauchy_is_the_quantile_of_the_normals_and_its_square_is_finite():
    # The largest normal that Box-Muller makes of a 32-bit uniform is sqrt(2 * 32 ln 2) = 6.66.
    z = np.array([-6.66, -5.0, -1.5, -1.4, -1e-6, 0.0, 1e-3, 1.0, 1.42, 3.0, 6.66])
    noise = Chosen(z.tolist())
    x = Cauchy().unit_path(noise)(0)
    assert torch.isfinite(x * x).all()
    # Folded at zero, where SciPy's own transform keeps its digits; float32 has 6e-8 a rounding,
    # and in the tail erfc(z/sqrt 2) turns the rounding of z into z^2 of it: 45.
    expected = np.sign(z) * stats.cauchy.isf(
        stats.norm.sf(np.abs(noise.normals[0].double().numpy()))
    )
    np.testing.assert_allclose(x[0], expected, rtol=1e-5, atol=1e-12)


def correlation(g, lag):
    return np.corrcoef(g[0], g[lag])[0, 1]


# Six standard errors of a correlation of N pairs: false-fail rate 2e-9.
SIX_SIGMA = 6 / math.sqrt(N)


@pytest.mark.parametrize("lag", [1, 2, 33])
@pytest.mark.parametrize(
    ("process", "expected"),
    [
        (Normal(), lambda lag: 0.0),
        (AR1(0.7), lambda lag: 0.7**lag),
        (AR1(-0.5), lambda lag: (-0.5) ** lag),
        (SharedMean(0.5), lambda lag: 0.25 / 1.25),
        (ARCH(0.3), lambda lag: 0.0),
    ],
    ids=lambda p: getattr(p, "label", ""),
)
def test_correlation_of_steps(process, expected, lag):
    assert abs(correlation(draws(process), lag) - expected(lag)) < SIX_SIGMA


def test_arch_residuals_are_normal_given_the_past():
    g = draws(ARCH(0.3))
    residuals = g[1:] / np.sqrt(0.7 + 0.3 * g[:-1] ** 2)
    assert stats.kstest(residuals[16], stats.norm.cdf).pvalue > ALPHA
    assert stats.kstest(g[0], stats.norm.cdf).pvalue > ALPHA


def test_drift_scales_the_normals_of_the_same_seed():
    scale = np.exp(0.02 * np.arange(1, 35))[:, None]
    # float64 arithmetic on equal draws: only rounding differs
    np.testing.assert_allclose(draws(Drift(0.02)), draws(Normal()) * scale, rtol=1e-14)


def test_rademacher_takes_the_signs_of_the_normals():
    g = draws(Rademacher(1.0, 2.0))
    assert set(np.unique(g)) == {-1.0, 3.0}
    np.testing.assert_array_equal(g > 1, draws(Normal()) > 0)


def test_laws_share_their_normals():
    z = draws(Normal())
    np.testing.assert_allclose(draws(Normal(0.1, 3.0)), 0.1 + 3 * z, rtol=1e-14)
    for quantiles in (Laplace(), Cauchy()):
        assert np.all(np.sign(draws(quantiles)) == np.sign(z))
    # the t law with many degrees of freedom is the normal itself; the difference falls like z^3/df
    np.testing.assert_allclose(draws(StudentT(1e9)), z, atol=1e-6)


def test_scale_mixture_keeps_a_scale_along_the_trajectory():
    ratio = draws(ScaleMixture((1.0, 3.0))) / draws(Normal())
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[0], ratio.shape), rtol=1e-12)
    assert abs(np.mean(np.isclose(ratio[0], 3)) - 0.5) < 3 / math.sqrt(N)  # six sigma of a coin


def test_the_registry_builds_every_law():
    for cls in LAWS.values():
        assert law(text(cls), mu=0.5) == example(cls, mu=0.5)
    mixed = law("scale-mixture:scales=1/3,weights=0.9/0.1")
    assert mixed == ScaleMixture((1.0, 3.0), (0.9, 0.1))


BAD_TEXT = [
    ("gauss", f"law must be one of {', '.join(LAWS)}; got 'gauss'"),
    ("student-t", "student-t needs df; write student-t:df=VALUE"),
    ("student-t:nu=3", "student-t takes df, mu, sigma; got 'nu'"),
    ("student-t:df=x", "df of student-t must be a number; got 'x'"),
    ("normal:mu", "a parameter of normal must read name=value; got 'mu'"),
]


@pytest.mark.parametrize(("text", "message"), BAD_TEXT)
def test_bad_names_say_what_to_write(text, message):
    with pytest.raises(InputError) as caught:
        law(text)
    assert str(caught.value) == message


BAD_VALUES = [
    (lambda: Normal(sigma=0.0), "sigma must be positive and finite; got 0.0"),
    (lambda: Normal(mu=math.nan), "mu must be finite; got nan"),
    (lambda: StudentT(0.0), "df must be positive and finite; got 0.0"),
    (lambda: AR1(1.0), "phi must lie in (-1, 1); got 1.0"),
    (lambda: ARCH(1.0), "alpha must lie in [0, 1); got 1.0"),
    (lambda: SharedMean(-1.0), "tau must lie in [0, 1e+30]; got -1.0"),
    (lambda: SharedMean(1e300), "tau must lie in [0, 1e+30]; got 1e+300"),
    (
        lambda: SharedMean(1e30, sigma=1e60),
        "sigma * tau and abs(mu)/(sigma * tau) must be at most 1e+70, and sigma * tau at least 1e-70; "
        "got (1e+90, 0.0); rescale the gradients",
    ),
    (lambda: ScaleMixture((1.0, 2.0), (1e308, 1e308)), "weights must lie in [0, 1]; got 1e+308"),
    (
        lambda: ScaleMixture((1.0, 1e40)),
        "scales must lie in [1e-30, 1e+30] in float64; got 1e+40; put a common factor into sigma",
    ),
    (lambda: ScaleMixture(()), "scales must be positive and finite; got ()"),
]


@pytest.mark.parametrize(
    ("df", "dtype", "message"),
    [
        (
            0.001,
            "float32",
            "df must be at least 0.625 in float32, whose range its draws leave; got 0.001; "
            "take a larger df",
        ),
        (
            0.2,
            "float32",
            "df must be at least 0.625 in float32, whose range its draws leave; got 0.2; "
            "use dtype float64",
        ),
        (
            0.05,
            "float64",
            "df must be at least 0.078125 in float64, whose range its draws leave; got 0.05; "
            "take a larger df",
        ),
    ],
)
def test_degrees_of_freedom_whose_draws_overflow(df, dtype, message, engine):
    with pytest.raises(DomainError) as caught:
        simulate(StudentT(df), beta2=0.9, steps=10, trajectories=50, dtype=dtype, engine=engine)
    assert str(caught.value) == message


OUT_OF_RANGE = [
    (lambda: ScaleMixture((1.0, 1e20)), "scales must lie in [0.001, 1000] in float32; got 1e+20"),
    (lambda: ScaleMixture((1e-5, 1.0)), "scales must lie in [0.001, 1000] in float32; got 1e-05"),
    (lambda: SharedMean(1e4), "tau must be at most 1000 in float32; got 10000.0"),
    (lambda: Drift(0.4), "abs(rate) * steps must be at most 6.9 in float32; got 8.0"),
    (lambda: Drift(-0.4), "abs(rate) * steps must be at most 6.9 in float32; got 8.0"),
]


@pytest.mark.parametrize(("build", "message"), OUT_OF_RANGE)
def test_what_leaves_float32_is_refused_and_float64_holds_it(build, message, tmp_path):
    asked = {"beta2": 0.4, "steps": 20, "trajectories": 300}
    with pytest.raises(DomainError) as caught:
        simulate(build(), **asked, out=tmp_path / "store")
    assert str(caught.value) == f"{message}; use dtype float64"
    assert not (tmp_path / "store").exists()
    result = simulate(build(), **asked, dtype="float64")
    assert all(np.isfinite(result.dataset[f"{name}_variance"]).all() for name in ("psi", "log_psi"))
    assert result.compare(false_fail_rate=ALPHA).agrees


@pytest.mark.parametrize(
    "process", [ScaleMixture((1e-3, 1.0)), SharedMean(1e3), Drift(0.3), Drift(-0.3)]
)
def test_the_widest_float32_holds_has_all_its_moments(process, engine):
    """Of every statistic, against float64 on the same draws; rounding 1e-5, not a lost range."""
    asked = {"beta2": 0.95, "steps": 23, "trajectories": 300, "engine": engine}
    single = simulate(process, **asked).dataset
    double = simulate(process, dtype="float64", **asked).dataset
    for name in double.data_vars:
        if not name.startswith("update"):
            np.testing.assert_allclose(single[name], double[name], rtol=1e-3)


@pytest.mark.parametrize(("df", "dtype"), [(0.625, "float32"), (0.1, "float64")])
def test_the_smallest_degrees_of_freedom_give_numbers(df, dtype):
    data = simulate(StudentT(df), beta2=0.9, steps=200, trajectories=5000, dtype=dtype).dataset
    for name in ("psi_variance", "log_psi_mean", "log_psi_variance"):
        assert np.isfinite(data[name]).all()


@pytest.mark.parametrize(("build", "message"), BAD_VALUES)
def test_values_outside_the_domain(build, message):
    with pytest.raises(DomainError) as caught:
        build()
    assert str(caught.value) == message
