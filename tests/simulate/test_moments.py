"""Moments against NumPy on the whole sample, merging and mapping."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlab.core import InputError
from varlab.simulate.moments import Moments


def of(x):
    """The definitions."""
    d = x - x.mean()
    return Moments(len(x), np.array([x.mean(), (d**2).sum(), (d**3).sum(), (d**4).sum()]))


def close(a, b, scale):
    # sums of powers up to 4 of numbers of size ``scale``
    sizes = a.count * np.array([scale, scale**2, scale**3, scale**4])
    return a.count == b.count and np.all(np.abs(a.values - b.values) <= 1e-12 * sizes)


samples = st.lists(st.floats(-100, 100), min_size=1, max_size=40).map(np.array)


@given(samples, samples)
def test_merging_gives_the_moments_of_both_together(x, y):
    assert close(of(x).merge(of(y)), of(np.concatenate([x, y])), 200)


@given(samples, st.floats(-100, 100))
def test_sums_about_any_shift_give_central_moments(x, shift):
    d = x - shift
    sums = np.array([d.sum(), (d**2).sum(), (d**3).sum(), (d**4).sum()])
    assert close(Moments.from_shifted_sums(len(x), np.array(shift), sums), of(x), 200)


@given(samples, st.floats(-3, 3), st.floats(-3, 3))
def test_affine_maps(x, slope, offset):
    assert close(of(x).affine(slope, offset), of(slope * x + offset), 400)


def test_merging_is_stable_far_from_zero():
    rng = np.random.default_rng(0)
    x = 1e8 + rng.standard_normal(4000)
    merged = Moments.merged(of(part) for part in np.split(x, 10))
    # the naive sum of squares loses all digits here; 1e-7 is what 1e8 + x itself can hold
    np.testing.assert_allclose(merged.variance, x.var(ddof=1), rtol=1e-7)


def test_a_wrong_merge_is_caught():
    x, y = np.arange(5.0), np.arange(3.0) + 10
    a, b = of(x), of(y)
    forgetful = Moments(8, a.values + b.values)  # without the terms between the means
    assert not close(forgetful, of(np.concatenate([x, y])), 200)


def test_nothing_to_merge():
    with pytest.raises(InputError, match="no moments to merge"):
        Moments.merged([])
