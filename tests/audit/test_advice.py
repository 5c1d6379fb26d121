"""What an audit adds to the advice on a beta2: degrees of freedom measured against the theory's."""

import json

import numpy as np
import pytest

from varlab.audit.advice import AGREES, FEWER, audit_advice
from varlab.audit.assess_recording import assess_recording
from varlab.audit.recorder.recording import Recording
from varlab.core import InputError
from varlab.numerics import degrees_of_freedom, rectification

BETA2, REPLICAS, STEPS, COORDINATES = 0.99, 200, 30, 40


def gradients(seed=0):
    """Two layers: i.i.d. normals; and normals whose scale each replica draws once, by the factor e^z."""
    x = np.random.default_rng(seed).standard_normal((REPLICAS, STEPS, 2 * COORDINATES))
    scale = np.exp(np.random.default_rng(seed + 1).standard_normal((REPLICAS, 1, 1)))
    x[:, :, COORDINATES:] *= scale
    return x


def audit(x, protocol=None):
    half = x.shape[2] // 2
    names = ["as [stated]"] * half + ["scaled"] * half
    return assess_recording(Recording.from_arrays(x, names, beta2=BETA2, protocol=protocol))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What ``varlab audit --out`` leaves."""
    place = tmp_path_factory.mktemp("audited")
    (place / "audit.json").write_text(audit(gradients()).to_json(), encoding="utf-8")
    return place


def test_the_measured_degrees_are_those_of_the_law(folder):
    """Var[log psi] of the second layer is the first's plus 1, which the shared scale has.

    Against both, intervals at 95% over seeds of which this is one; power: the second layer's 3.1
    degrees of freedom stand against 29.6.
    """
    told = audit_advice(folder, BETA2)
    stated, scaled = told.layers
    expected = float(degrees_of_freedom(STEPS, BETA2, "kish"))
    assert told.degrees == pytest.approx(expected)
    assert told.r_t == pytest.approx(float(rectification(STEPS, BETA2)))
    assert (stated.compared, scaled.compared) == (AGREES, FEWER)
    assert stated.ci[0] < expected < stated.ci[1]
    assert stated.like_step == pytest.approx(STEPS, rel=0.1)
    # trigamma(n/2)/4 = trigamma(29.6/2)/4 + 1 at n = 1.2
    assert scaled.degrees == pytest.approx(1.2, abs=0.25)
    assert scaled.factor is None
    assert "of 2 layers 1 as the theory, 1 fewer" in told.summary()


def test_where_no_layer_has_fewer_nothing_is_held_against_the_warmup(tmp_path):
    x = gradients()[:, :, :COORDINATES]
    (tmp_path / "mine.json").write_text(audit(x).to_json())
    assert "In no layer does psi vary more" in audit_advice(tmp_path / "mine.json", BETA2).summary()


def test_a_run_measures_none(tmp_path):
    path = tmp_path / "audit.json"
    path.write_text(audit(gradients()[:1].repeat(8, axis=1), "run").to_json())
    told = audit_advice(path, BETA2)
    assert (told.step, told.degrees, told.layers) == (None, None, ())
    assert "audit with --protocol ensemble" in told.summary()
    assert told.summary().startswith("On arrays, i.i.d. N(0, s^2)")


def test_a_frozen_audit_says_what_it_leaves_out(tmp_path):
    path = tmp_path / "audit.json"
    path.write_text(
        audit(np.random.default_rng(2).standard_normal((1, 640, 8)), "frozen").to_json()
    )
    assert "At fixed parameters nothing drifts" in audit_advice(path, BETA2).summary()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("", "is not the JSON of an audit: JSONDecodeError"),
        ("[]", "is not the JSON of an audit: TypeError"),
        ('{"schema": 1}', "is not the JSON of an audit: KeyError: 'beta2'"),
        ("[" * 100_000, "is not the JSON of an audit: RecursionError"),
        ({"schema": 2}, "has schema 2; this varlab reads schema 1"),
        ({"beta2": 0.999}, "is of beta2 0.999, and its variances say nothing of 0.99; ask for"),
        ({"layers": [{}]}, "is damaged: KeyError: 'log_psi_variance'"),
        ({"layers": 3}, "is damaged: TypeError"),
        (
            {"layers": [{"log_psi_variance": {"measured": -1, "theory": 1, "step": 2}}]},
            "is damaged",
        ),
    ],
)
def test_another_file_is_refused_in_one_line(change, line, folder, tmp_path):
    path = tmp_path / "audit.json"
    whole = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    path.write_text(change if isinstance(change, str) else json.dumps(whole | change))
    with pytest.raises(InputError) as caught:
        audit_advice(path, BETA2)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_audit_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match=r"no audit at .*; make one with varlab audit TASK --out"):
        audit_advice(tmp_path, BETA2)
