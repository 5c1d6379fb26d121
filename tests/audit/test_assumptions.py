"""Each planted violation is called by its own name and by no other; coordinates may correlate.

Verdicts come from seeded recordings large enough to decide. A wrong "violated" needs an interval
that misses the truth by the whole width of a band: below 1e-4 per cell for every cell checked here.
Power is above 0.999 for the planted ones: their effects are at least twice their bands and their
standard errors less than a tenth of that.
"""

import numpy as np
import pytest
from departures import arch1, shared_mean

from varlab.audit.assess_recording import assess_recording
from varlab.audit.processes import Shape, ar1, iid_normal, mean, scale_drift, student_t
from varlab.audit.protocol import Assumption
from varlab.audit.recorder.recording import Recording
from varlab.core import generator

Z, N, S, D = Assumption

# What each process violates under each protocol that can tell.
CASES = {
    "i.i.d. normal": (iid_normal, {"ensemble": set(), "run": set(), "frozen": set()}),
    "AR(1) 0.5": (ar1(0.5), {"ensemble": {D}, "run": {D}}),
    "Student t(4)": (student_t(4), {"ensemble": {N}, "run": {N}, "frozen": {N}}),
    "scale drift e^-1.5": (scale_drift(1.5), {"ensemble": {S}, "run": {S}}),
    "mean 1 s": (mean(1.0), {"ensemble": {Z}, "run": {Z}, "frozen": {Z}}),
    "ARCH(1) 0.6": (arch1(0.6), {"ensemble": {N, D}, "run": {N, D}}),
    # In one run an offset that all steps share is a mean; only replicas tell the two apart.
    "shared random mean": (shared_mean(0.5), {"ensemble": {D}, "run": {Z}}),
}
SHAPES = {"ensemble": (96, 20), "run": (1, 1500), "frozen": (1, 800)}


def audit(process, protocol, correlation, name, scale=1.0):
    replicas, steps = SHAPES[protocol]
    rng = generator(0, "tests", "assumptions", name, protocol)
    x = process(Shape(replicas, steps, 32, correlation), rng) * scale
    return assess_recording(Recording.from_arrays(x, ["layer"] * 32, protocol=protocol))


@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize(
    ("name", "protocol"), [(n, p) for n, (_, protocols) in CASES.items() for p in protocols]
)
def test_the_right_assumptions_are_violated_and_the_others_hold(name, protocol, correlation):
    process, violated = CASES[name]
    result = audit(process, protocol, correlation, name)
    verdicts = {a: r.verdict.value for a, r in result.model.items() if r.tested}
    expected = {a: "violated" if a in violated[protocol] else "holds" for a in verdicts}
    if correlation:
        # Correlated coordinates say less: a cell that would hold may stay undecided, no more.
        assert {a for a, v in verdicts.items() if v == "violated"} == violated[protocol]
    else:
        assert verdicts == expected


@pytest.mark.parametrize("name", ["AR(1) 0.5", "Student t(4)", "scale drift e^-1.5", "ARCH(1) 0.6"])
def test_p_values_of_the_other_assumptions_keep_their_level(name):
    """32 coordinates x 10 recordings: no more than 11% of p-values below 0.05 in any other assumption.

    At a true rate of 5% with 320 coordinates the false-fail rate is below 1e-5 a cell; tests that
    heavy tails, drift or dependence fool (Pitman-Morgan, Ljung-Box on levels, t-tests on a
    correlated series) reject 13% to 96% here.
    """
    process, violated = CASES[name]
    for protocol in ("ensemble", "run"):
        rng = generator(0, "tests", "levels", name, protocol)
        replicas, steps = (48, 12) if protocol == "ensemble" else (1, 400)
        layers = [f"l{i}" for i in range(10) for _ in range(32)]
        x = process(Shape(replicas, steps, 320), rng)
        result = assess_recording(Recording.from_arrays(x, layers, protocol=protocol))
        for a in set(Assumption) - violated[protocol]:
            p = np.concatenate([layer.pvalues[a] for layer in result.layers])
            assert np.mean(p < 0.05) < 0.11, (protocol, a)


@pytest.mark.parametrize("protocol", list(SHAPES))
def test_small_samples_are_undecided_not_holding(protocol):
    replicas, steps = {"ensemble": (24, 3), "run": (1, 96), "frozen": (1, 32)}[protocol]
    x = iid_normal(Shape(replicas, steps, 2), generator(0, "tests", "small", protocol))
    result = assess_recording(Recording.from_arrays(x, ["a"] * 2, protocol=protocol))
    assert {r.verdict.value for r in result.model.values()} == {"undecided"}
    for r in result.model.values():
        if r.tested:
            assert r.minimum_detectable > r.band[1]


@pytest.mark.parametrize("protocol", list(SHAPES))
@pytest.mark.parametrize("scale", [1e-18, 1e12])
def test_verdicts_do_not_depend_on_the_unit(protocol, scale):
    one = audit(student_t(4), protocol, 0.0, "unit")
    other = audit(student_t(4), protocol, 0.0, "unit", scale)
    for a in Assumption:
        assert one.model[a].verdict is other.model[a].verdict
        np.testing.assert_allclose(one.model[a].effect, other.model[a].effect, rtol=1e-6)


def test_frozen_says_what_it_cannot():
    result = audit(iid_normal, "frozen", 0.0, "frozen")
    for a in (S, D):
        assert result.model[a].verdict.value == "undecided"
        assert result.model[a].reason.startswith("cannot: ")
        assert not result.model[a].tested


def test_means_of_opposite_sign_do_not_cancel():
    """Half of the coordinates at +0.5 s, half at -0.5 s: their layer mean is 0."""
    x = iid_normal(Shape(64, 10, 32), generator(0, "tests", "signs"))
    x[:, :, ::2] += 0.5
    x[:, :, 1::2] -= 0.5
    result = assess_recording(Recording.from_arrays(x, ["a"] * 32))
    assert result.model[Z].verdict.value == "violated"
    assert result.model[Z].effect == pytest.approx(0.5, abs=0.05)


def test_correlations_of_opposite_sign_do_not_cancel():
    rng = generator(0, "tests", "opposite")
    x = np.concatenate([ar1(c)(Shape(64, 10, 16), rng) for c in (0.5, -0.5)], axis=2)
    result = assess_recording(Recording.from_arrays(x, ["a"] * 32))
    assert result.model[D].verdict.value == "violated"


def test_a_scale_that_rises_and_falls_is_not_identical():
    x = iid_normal(Shape(64, 20, 32), generator(0, "tests", "hump"))
    x *= np.exp(-np.abs(np.linspace(-1.5, 1.5, 20)))[:, None]
    result = assess_recording(Recording.from_arrays(x, ["a"] * 32))
    assert result.model[S].verdict.value == "violated"
    assert result.model[D].verdict.value == "holds"


def test_one_bad_layer_among_many_decides_the_model_and_is_named():
    rng = generator(0, "tests", "many")
    x = np.concatenate(
        [iid_normal(Shape(96, 16, 32), rng) for _ in range(5)]
        + [student_t(4)(Shape(96, 16, 32), rng)],
        axis=2,
    )
    names = [f"layer {i}" for i in range(6) for _ in range(32)]
    result = assess_recording(Recording.from_arrays(x, names))
    assert result.model[N].verdict.value == "violated"
    assert result.model[N].layer == "layer 5"
    assert result.model[Z].verdict.value == "holds"
