"""Var[psi_t] along a whole path: the exact law beside its 50-digit twin and beside a simulation."""

import time

import numpy as np
import pytest

from varlab.numerics import psi_variance_path
from varlab.numerics.oracle_law import DIGITS, OracleLaw, independent, independent_long
from varlab.simulate import Normal, simulate

pytestmark = pytest.mark.benchmark

STEPS, BETA2 = 1000, 0.999
# The twin's cost changes slowly with t: a few steps stand for the path.
SAMPLED = (3, 10, 100, 1000)
TRAJECTORIES = 2**17
# What the exact path promises is 1e-11; what a sample is asked for here is a hundred times less.
DIGITS_ASKED = 1e-9
# From here on psi has the moments that the standard error of its variance needs.
FIRST = 20


def seconds(function, repeats=5):
    """Fewest CPU seconds of a few runs: other work on the machine can only add to them."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        found.append(time.process_time() - start)
    return min(found)


def path():
    # A fresh beta2 in the last digit each time: nothing is remembered from the run before.
    path.calls = getattr(path, "calls", 0) + 1
    return psi_variance_path(STEPS, BETA2 + 1e-15 * path.calls)


def test_path_against_the_oracle(measured):
    ours = seconds(path)
    exact = psi_variance_path(STEPS, BETA2)
    spent, errors = [], []
    for t in SAMPLED:
        start = time.process_time()
        law = OracleLaw((independent if t <= 100 else independent_long)(t, BETA2), 1.0, DIGITS)
        errors.append(abs(exact[t - 1] / float(law.variance()) - 1))
        spent.append(time.process_time() - start)
    # Between the sampled steps the cost is interpolated in t.
    theirs = float(np.interp(np.arange(3, STEPS + 1), SAMPLED, spent).sum())
    measured(
        f"Var[psi_t], t = 1..{STEPS}, exact law",
        f"{1e3 * ours:.0f} ms",
        f"50-digit oracle, {theirs:.0f} s",
        theirs / ours,
        at_least=100,
        limit=f"extrapolated from {len(SAMPLED)} steps of the oracle; there the two agree to {max(errors):.0e}",
    )
    assert max(errors) < 1e-11
    assert theirs / ours >= 100


def test_path_against_the_sample_that_would_be_as_good(measured):
    ours = seconds(path)
    start = time.process_time()
    data = simulate(
        Normal(),
        beta2=BETA2,
        steps=STEPS,
        trajectories=TRAJECTORIES,
        statistics=["psi"],
        device="cpu",
        threads=1,
    ).dataset
    spent = time.process_time() - start
    relative = (data["psi_variance_stderr"] / data["psi_variance"]).values.ravel()[FIRST - 1 :]
    had = float(np.median(relative))
    # The standard error falls like the root of the number of trajectories.
    theirs = spent * (had / DIGITS_ASKED) ** 2
    measured(
        f"Var[psi_t], t = 1..{STEPS}, to {DIGITS_ASKED:.0e}",
        f"{1e3 * ours:.0f} ms",
        f"simulation, {theirs / 3.156e7:.1g} core years",
        theirs / ours,
        at_least=1e6,
        limit=f"extrapolated: {TRAJECTORIES:,} trajectories took {spent:.1f} s and give {had:.1%}",
    )
    assert theirs / ours >= 1e6
