"""Steps and coordinates at which nothing varies say nothing: they neither dilute an effect nor hold.

Seeded; a mean of one standard deviation with 64 replicas lies eight standard errors above 0, and a
correlation of 0.6 among 32 coordinates ten above its band.
"""

import math

import numpy as np
import pytest

from varlab.audit.assess_recording import assess_recording
from varlab.audit.assumptions import independence
from varlab.audit.assumptions.multiplicity import simes
from varlab.audit.protocol import Assumption
from varlab.audit.recorder.recording import Recording
from varlab.audit.verdicts import AuditVerdict, Bands, decide
from varlab.core import generator


def assessed(x):
    return assess_recording(Recording.from_arrays(x, ["layer"] * x.shape[2])).layers[0]


def alive(live, steps=40, name="dead"):
    x = generator(0, "tests", name, live).standard_normal((64, steps, 32))
    x[:, live:] = 0.0
    return x


@pytest.mark.parametrize("live", [2, 10, 30])
def test_dead_steps_do_not_dilute_a_mean(live):
    x = alive(live)
    x[:, :live] += 1.0
    result = assessed(x).assumptions[Assumption.ZERO_MEAN]
    assert result.verdict.value == "violated"
    assert result.effect == pytest.approx(1.0, abs=0.1)
    assert f"over the {100 * live / 40:.2g}% of cells that vary" in result.effect_name


def test_dead_steps_do_not_dilute_a_correlation():
    x = alive(2)
    x[:, 1] = 0.6 * x[:, 0] + 0.8 * x[:, 1]
    result = assessed(x).assumptions[Assumption.INDEPENDENCE]
    assert result.verdict.value == "violated"
    assert result.effect == pytest.approx(0.6, abs=0.1)


@pytest.mark.parametrize("assumption", [Assumption.ZERO_MEAN, Assumption.INDEPENDENCE])
def test_a_layer_that_is_mostly_dead_does_not_hold(assumption):
    few = assessed(alive(12)).assumptions[assumption]
    assert few.verdict.value == "undecided"
    assert few.ci[1] == math.inf
    most = assessed(alive(36)).assumptions[assumption]
    assert most.verdict.value == "holds"
    assert "of cells that vary" in most.effect_name


def test_coordinates_that_never_move_twice_have_no_p_value():
    x = generator(0, "tests", "dead coordinate").standard_normal((64, 10, 32))
    x[:, 1:, 0] = 0.0
    layer = assessed(x)
    assert np.isnan(layer.pvalues[Assumption.INDEPENDENCE][0])
    assert np.isfinite(layer.pvalues[Assumption.INDEPENDENCE][1:]).all()
    assert np.isnan(layer.effects[Assumption.INDEPENDENCE][0])


@pytest.mark.parametrize("zeros", [0.9, 0.985])
def test_independent_gradients_that_are_mostly_zero_are_not_called_dependent(zeros):
    """60 layers of 32 coordinates: at most 9 with a Simes p below 0.05, none violated.

    At a true 5% more than 9 come with probability 1e-3; ranks taken for distinct give 46% at 90%
    zeros. A standard error that ignores what ties do calls a fifth of the layers violated at 98.5%.
    """
    small = 0
    for trial in range(60):
        rng = generator(0, "tests", "ties", trial)
        x = rng.standard_normal((64, 20, 32)) * (rng.random((64, 20, 32)) >= zeros)
        found = independence.ensemble(x, Bands())
        small += bool(simes(found.pvalues) < 0.05)
        assert decide(found.effects, 0.05).verdict is not AuditVerdict.VIOLATED
    assert small <= 9
