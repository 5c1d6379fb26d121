"""Every process of the registry over its parameters' whole range, at points that Hypothesis draws.

A run is refused in one line before any work, or gives finite moments in the right order; an exact law has no NaN.
"""

import math

import numpy as np
import pytest
from every_process import parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from varlab.core import InputError
from varlab.simulate import LAWS, Process, simulate

SIZE = {"steps": 6, "trajectories": 40, "threads": 1, "engine": "eager"}
# False-fail rate of one comparison; there are at most 160, seeded.
ALPHA = 1e-6
WITHOUT_LAW = [kind for kind in LAWS.values() if kind.exact is Process.exact]
few = settings(max_examples=12, derandomize=True, deadline=None)

# Ordinary numbers, any size of either sign, and the ends.
ordinary = st.floats(-2, 2)
sizes = st.floats(math.log(1e-310), math.log(1e308)).map(math.exp)
ends = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1 - 2**-53, 2**-53, 1e-70, 1e70, 5e-324, 1.7e308])
values = st.one_of(ordinary, ordinary, sizes, sizes.map(lambda x: -x), ends)
some = st.floats(0.01, 10)
tuples = st.lists(st.one_of(some, some, some, sizes, ends), max_size=3).map(tuple)
scales = st.one_of(st.just(1.0), st.floats(0.1, 10), sizes)
betas = st.one_of(st.sampled_from([0.0, 0.5, 0.999, 1 - 2**-53]), st.floats(0, 1, exclude_max=True))


def attempt(build):
    """What ``build()`` gives, or None where it is refused in one line."""
    try:
        return build()
    except InputError as error:
        refusal = str(error)
    assert "\n" not in refusal
    return None


@st.composite
def processes(draw, kind):
    """A process of this kind, or None where the parameters drawn are refused."""
    chosen = {
        name: draw(tuples if several else scales if name == "sigma" else values)
        for name, several in parameters(kind)
        if name not in ("mu", "weights") or draw(st.integers(0, 3)) == 3
    }
    return attempt(lambda: kind(**chosen))


def moments(law):
    return [
        *(law.mean(), law.var(), law.log_mean(), law.log_var()),
        *(law.moment(k) for k in (-2.5, -1.0, 0.5, 1.0, 2.0)),
    ]


def finite_and_ordered(data):
    mean = {name: data[f"{name}_mean"].values for name in ("psi", "log_psi", "inverse_v", "update")}
    for name, values in mean.items():
        assert np.isfinite(values).all(), name
        assert np.isfinite(data[f"{name}_variance"]).all(), name
        assert (data[f"{name}_variance"] >= 0).all(), name
    # Jensen, up to rounding of float32: E[log psi] <= log E[psi], E[psi]^2 <= E[psi^2]
    logs = np.log(mean["psi"])
    assert np.all(mean["log_psi"] <= logs + 1e-5 * (1 + np.abs(logs)))
    assert np.all(2 * logs <= np.log(mean["inverse_v"]) + 1e-5 * (1 + np.abs(logs)))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", LAWS.values(), ids=LAWS)
def test_a_run_is_refused_or_has_finite_moments(kind):
    @few
    @given(processes(kind), betas, st.sampled_from(["float32", "float64"]))
    def check(law, beta2, dtype):
        asked = {"beta2": beta2, "dtype": dtype, **SIZE}
        result = law and attempt(lambda: simulate(law, **asked))
        if result:
            finite_and_ordered(result.dataset)

    check()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", LAWS.values(), ids=LAWS)
def test_an_exact_law_has_no_nan(kind):
    @few
    @given(processes(kind), betas, st.sampled_from([1, 2, 3, 40]))
    def check(law, beta2, t):
        exact = law and attempt(lambda: law.exact(t, beta2))
        got = exact and attempt(lambda: moments(exact))
        if not got:
            return
        assert not np.isnan(got).any(), got
        assert np.isfinite(got[2:4]).all()
        assert got[1] >= 0
        assert got[3] >= 0
        spot = math.exp(got[2])
        tail = exact.sf(np.array([0.1, 1.0, 10.0]) * spot)
        assert np.all((tail >= 0) & (tail <= 1))
        assert np.all(np.diff(tail) <= 0)

    check()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", LAWS.values(), ids=LAWS)
def test_the_comparison_ends_with_a_verdict(kind):
    judged = []

    @settings(few, max_examples=16)
    @given(processes(kind), betas)
    def check(law, beta2):
        asked = {"beta2": beta2, "dtype": "float64", **SIZE}
        result = law and attempt(lambda: simulate(law, **asked))
        comparison = result and attempt(lambda: result.compare(false_fail_rate=ALPHA))
        if comparison:
            assert comparison.assertion.verdict != "differs", str(comparison)
            assert "nan" not in str(comparison)
            judged.append(comparison.assertion.judged)

    check()
    assert any(judged) or kind in WITHOUT_LAW
