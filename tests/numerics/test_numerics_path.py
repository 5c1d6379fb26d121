"""Var[psi_t] along the steps."""

import time

import numpy as np
import pytest
from accuracy import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st

from varlab.core import generator
from varlab.numerics import AdaptiveRate, psi_variance_at, psi_variance_path
from varlab.numerics.oracle_law import oracle_law
from varlab.numerics.weights import ema_atoms

# Stated by psi_variance_path; the interpolation stops at 1e-12.
ACCURACY = 1e-11


@pytest.mark.parametrize("beta2", [0.3, 0.9, 0.99, 0.999, 0.9999, 0.999999])
@pytest.mark.parametrize("mu", [0.0, 0.001, 1.0, 10.0])
def test_path_against_the_law_at_each_step(beta2, mu):
    path = psi_variance_path(6000, beta2, mu)
    rng = generator(0, "tests", "path", str(beta2), str(mu))
    for t in [3, 4, 5, 6000, *rng.integers(6, 6000, 25)]:
        exact = AdaptiveRate(int(t), beta2, mu).var()
        assert path[t - 1] == pytest.approx(exact, rel=ACCURACY)


def test_path_against_the_oracle():
    path = psi_variance_path(90, 0.99, 1.0)
    for t in (3, 17, 90):
        assert relative_error(path[t - 1], oracle_law(t, 0.99, 1.0, digits=30).variance()) < 1e-9


def test_infinite_at_the_first_two_steps():
    path = psi_variance_path(3, 0.999)
    assert np.isposinf(path[:2]).all()
    assert np.isfinite(path[2])
    assert np.isposinf(psi_variance_path(1, 0.9)).all()
    assert np.isposinf(psi_variance_path(20, 0.0)).all()


def test_variance_falls_with_t():
    assert (np.diff(psi_variance_path(6000, 0.999)[2:]) < 0).all()


def test_scale():
    np.testing.assert_allclose(
        psi_variance_path(50, 0.9, 2.0, 4.0), psi_variance_path(50, 0.9, 0.5) / 16, rtol=1e-12
    )


def test_steps_in_any_order_and_shape():
    t = np.array([[900, 3], [1, 40]])
    at = psi_variance_at(t, 0.99, 0.5)
    np.testing.assert_allclose(at, psi_variance_path(900, 0.99, 0.5)[t - 1], rtol=ACCURACY)
    assert psi_variance_at(5, 0.99).shape == ()


@pytest.mark.parametrize("mu", [0.0, 10.0])
def test_six_thousand_steps_take_less_than_a_second(mu):
    """Of processor time, so that a busy machine does not matter; best of three. Observed: 0.15 s."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        psi_variance_path(6000, 0.999, mu)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1.0


@settings(derandomize=True, deadline=None, max_examples=15)
@given(beta2=st.floats(0.01, 1 - 1e-8), mu=st.floats(-30, 30), steps=st.integers(3, 100_000))
def test_last_step_of_any_path(beta2, mu, steps):
    t = np.unique(np.geomspace(3, steps, 300).astype(int))
    path = psi_variance_at(t, beta2, mu)
    for index in (0, len(t) // 3, -1):
        exact = AdaptiveRate(int(t[index]), beta2, mu).var()
        assert path[index] == pytest.approx(exact, rel=ACCURACY)


def test_panels_are_never_shorter_than_their_rules():
    """Terms just beyond whole panels are dealt over one panel more, each of them shorter."""
    for beta2 in np.linspace(0.6, 0.95, 141):
        for t in range(60, 140, 3):
            weights, counts = ema_atoms(t, float(beta2), 40.0)
            assert np.isfinite(weights).all()
            # All terms are kept at these t and beta2 but a share of e^-40; 1e-12 is rounding.
            assert float(counts @ weights) == pytest.approx(1.0, rel=1e-12)
