"""The streaming engines against a slow, obvious NumPy loop on the very same draws."""

import numpy as np
import pytest
from every_law import LAWS

from varlab.core import DomainError, InputError
from varlab.simulate import (
    Laplace,
    Normal,
    gradients,
    simulate,
)

SIZE = {"steps": 75, "trajectories": 2100, "seed": 5}


def twin(g, beta1, beta2):
    """The definitions, step by step, in float64."""
    v, m = np.zeros(g.shape[1]), np.zeros(g.shape[1])
    steps = []
    for t, x in enumerate(g, start=1):
        m = beta1 * m + (1 - beta1) * x
        v = beta2 * v + (1 - beta2) * x * x
        mhat, vhat = m / (1 - beta1**t), v / (1 - beta2**t)
        psi = 1 / np.sqrt(vhat)
        steps.append(
            {"psi": psi, "log_psi": np.log(psi), "inverse_v": 1 / vhat, "update": mhat * psi}
        )
    return {name: np.stack([step[name] for step in steps]) for name in steps[0]}


@pytest.mark.parametrize("beta2", [0.999, 0.5])
def test_float64_equals_the_twin(beta2, engine):
    asked = {"beta2": beta2, "beta1": 0.8, "dtype": "float64", "engine": engine}
    data = simulate(LAWS, **asked, **SIZE).dataset
    for number, law in enumerate(LAWS):
        for name, x in twin(gradients(law, **SIZE), 0.8, beta2).items():
            own = data.isel(setting=number)
            # rounding of 75 averages and of sums over 2100; relative to the spread for the mean
            scale = np.abs(x).max(axis=1)
            error = np.abs(own[f"{name}_mean"].values - x.mean(axis=1))
            assert np.all(error <= 1e-12 * scale), (law, name)
            error = np.abs(own[f"{name}_variance"].values - x.var(axis=1, ddof=1))
            assert np.all(error <= 1e-12 * (x.var(axis=1) + 1e-4 * scale**2)), (law, name)


def test_float64_standard_errors_equal_the_twin(engine):
    asked = {"beta2": 0.99, "dtype": "float64", "engine": engine}
    data = simulate(Normal(0.5), **asked, **SIZE).dataset.isel(setting=0)
    n = SIZE["trajectories"]
    for name, x in twin(gradients(Normal(0.5), **SIZE), 0.9, 0.99).items():
        late = slice(40, None)  # there every statistic has its plug-in error
        fourth = np.mean((x - x.mean(axis=1, keepdims=True)) ** 4, axis=1)
        variance = x.var(axis=1, ddof=1)
        expected = np.sqrt((fourth - variance**2 * (n - 3) / (n - 1)) / n)
        got = data[f"{name}_variance_stderr"].values
        np.testing.assert_allclose(got[late], expected[late], rtol=1e-9)
        got = data[f"{name}_mean_stderr"].values
        np.testing.assert_allclose(got[late], np.sqrt(variance / n)[late], rtol=1e-9)


@pytest.mark.parametrize("mu", [0.0, 0.001, 0.1, 1.0, 10.0, 100.0])
def test_float32_differs_by_rounding_alone(mu, engine):
    request = {"beta2": 0.999, "steps": 1200, "trajectories": 1000, "seed": 3, "engine": engine}
    single = simulate(Normal(mu), **request).dataset
    double = simulate(Normal(mu), dtype="float64", **request).dataset
    late = {"step": slice(5, None)}
    # Rounding of vhat, 2^-23 relative, against its own relative spread of at least 6e-4 (mu = 100):
    # 2e-4 on a deviation, so below 1e-3 of a variance, a fiftieth of its standard error here.
    for name in ("psi_variance", "log_psi_variance", "inverse_v_variance", "update_variance"):
        ratio = (single[name] / double[name]).sel(late).values
        assert np.abs(ratio - 1).max() < 1e-3, name


def test_float32_refuses_what_it_cannot_resolve():
    with pytest.raises(DomainError, match=r"abs\(mu\)/sigma must .* use dtype float64"):
        simulate(Normal(1e4), beta2=0.9999, steps=2, trajectories=2)
    simulate(Normal(1e4), beta2=0.9999, steps=2, trajectories=2, dtype="float64")


@pytest.mark.parametrize("beta2", [1 - 1e-10, 1 - 2.0**-53])
def test_float32_refuses_averages_too_small_for_it(beta2):
    with pytest.raises(DomainError) as caught:
        simulate(Normal(), beta2=beta2, steps=5, trajectories=100)
    assert str(caught.value) == (
        f"beta2 must be at most 1 - 9.3e-10 in float32; got {beta2}; use dtype float64"
    )


def test_float64_refuses_what_it_cannot_resolve():
    with pytest.raises(DomainError, match=r"abs\(mu\)/sigma must .* take a smaller one"):
        simulate(Normal(1e20), beta2=0.9, steps=5, trajectories=100, dtype="float64")


def test_sigma_scales_exactly(engine):
    request = {"beta2": 0.99, "steps": 20, "trajectories": 500, "engine": engine}
    one = simulate(Normal(0.5, 1.0), **request).dataset.isel(setting=0)
    other = simulate(Normal(2e-9, 4e-9), **request).dataset.isel(setting=0)
    # mu/sigma agrees to an ulp; 4e-9 is no power of two
    np.testing.assert_allclose(other["psi_variance"] * 4e-9**2, one["psi_variance"], rtol=1e-5)
    np.testing.assert_allclose(other["update_variance"], one["update_variance"], rtol=1e-5)


def test_settings_do_not_depend_on_their_company(engine):
    size = {"steps": 30, "trajectories": 3000, "engine": engine}
    alone = simulate(Normal(1.0), beta2=0.9, **size).dataset
    company = simulate([Normal(), Laplace(), Normal(1.0)], beta2=[0.5, 0.9], **size).dataset
    for name in ("psi_variance", "update_mean"):
        np.testing.assert_array_equal(
            alone[name].values[0], company[name].sel(setting="normal(mu=1), beta2=0.9").values
        )


def test_more_steps_do_not_change_the_first(engine):
    asked = {"beta2": 0.9, "trajectories": 100, "engine": engine}
    short = simulate(Normal(), steps=9, **asked).dataset
    long = simulate(Normal(), steps=50, **asked).dataset
    np.testing.assert_array_equal(short["psi_mean"], long["psi_mean"].sel(step=slice(1, 9)))


def test_statistics_can_be_selected(engine):
    asked = {"beta2": 0.9, "steps": 9, "trajectories": 99, "engine": engine}
    data = simulate(Normal(), statistics=["log_psi"], **asked).dataset
    every = simulate(Normal(), **asked).dataset
    np.testing.assert_array_equal(data["log_psi_variance"], every["log_psi_variance"])
    assert "log_psi_variance" in data
    assert "psi_variance" not in data
    assert "update_variance" not in data


BAD = [
    ({"beta2": 1.2}, "beta2 must lie in [0, 1); got 1.2"),
    ({"beta1": 1.0}, "beta1 must lie in [0, 1); got 1.0"),
    ({"steps": 0}, "steps must be an integer >= 1; got 0"),
    ({"trajectories": 1}, "trajectories must be an integer >= 2; got 1"),
    ({"seed": -1}, "seed must be an integer >= 0; got -1"),
    ({"device": "tpu"}, "device must be 'auto', 'cpu' or 'cuda'; got 'tpu'"),
    ({"dtype": "float16"}, "dtype must be 'float32' or 'float64'; got 'float16'"),
    (
        {"statistics": ["median"]},
        "statistics must be some of psi, log_psi, inverse_v, update; got 'median'",
    ),
    ({"threads": 0}, "threads must be an integer >= 1; got 0"),
    ({"resume": True}, "out must name the store to resume; got None"),
    ({"engine": "magic"}, "engine must be 'auto', 'eager', 'compiled' or 'fused'; got 'magic'"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=lambda x: str(x)[:20])
def test_bad_input_says_what_to_do(change, message):
    request = {"beta2": 0.9, "steps": 3, "trajectories": 10, "device": "cpu"} | change
    with pytest.raises(InputError) as caught:
        simulate(Normal(), **request)
    assert str(caught.value) == message


def test_a_name_is_no_law():
    with pytest.raises(InputError, match=r"varlab\.simulate\.law builds one from its name"):
        simulate("normal", beta2=0.9, steps=3, trajectories=10)
