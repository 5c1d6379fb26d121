"""``varlab audit`` and ``varlab calibrate``: targets, files, bad input."""

import json
from dataclasses import fields

import numpy as np
import pytest
from checkout import README, reads_the_checkout

from varlab.audit.assess import DEFAULT_STEPS
from varlab.audit.processes import Shape
from varlab.audit.protocol import Protocol
from varlab.audit.recorder import record as record_module
from varlab.audit.recorder.recording import Recording
from varlab.audit.verdicts import Bands
from varlab.cli.audit import STORE

# 1: some verdict is undecided, as may be in audits of a few replicas.
ANSWERED = (0, 1)
QUICK = ("--replicas", 24, "--steps", 6, "--coordinates", 4)


def readme_task():
    """The factory printed in the README, as a reader would copy it."""
    text = README.read_text(encoding="utf-8")
    start = text.index("import torch\nimport varlab")
    return text[start : text.index("```", start)]


def test_a_built_in_task_answers_and_writes_its_files(varlab, tmp_path):
    done = varlab("audit", "mlp", *QUICK, "--out", tmp_path, "--json", tmp_path / "a.json")
    assert done.status in ANSWERED
    assert "On mlp, i.i.d. N(0, s^2)" in done.out
    names = {p.name for p in tmp_path.iterdir()}
    assert {"recording.zarr", "audit.json", "audit.html", "a.json"} <= names
    data = json.loads((tmp_path / "a.json").read_text())
    assert (data["schema"], data["protocol"], data["task"]) == (1, "ensemble", "mlp")
    assert set(
        data["model"]["assumptions"] if "assumptions" in data["model"] else data["model"]
    ) == {
        "zero-mean",
        "normality",
        "identical",
        "independence",
    }


@reads_the_checkout
def test_the_readmes_own_task_can_be_audited(varlab, tmp_path):
    code = readme_task()
    assert len([line for line in code.splitlines() if line.strip()]) < 20
    path = tmp_path / "my_model.py"
    path.write_text(code)
    done = varlab("audit", f"{path}:factory", *QUICK)
    assert done.status in ANSWERED, done.err
    assert "does not hold" in done.out or "holds" in done.out or "not refuted" in done.out


def test_options_of_a_task(varlab):
    done = varlab(
        "audit", "transformer-lm", "--norm", "pre", "--option", "width=8", "--option", "length=8",
        "--replicas", 24, "--steps", 2, "--coordinates", 2, "--select", "head.*",
    )  # fmt: skip
    assert done.status in ANSWERED, done.err
    assert "head.bias" in done.out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "name a task: mlp"),
        (["vgg"], "no task 'vgg'"),
        (["mlp", "--option", "heads=2"], "task mlp has no option 'heads'"),
        (["mlp", "--option", "heads"], "--option has the form name=value"),
        (["mlp", "--select", "no.*"], "no parameter matches 'no.*'"),
        (["mlp", "--replicas", "1"], "replicas must be an integer >= 2"),
        (["mlp", "--protocol", "all"], "Invalid value for '--protocol'"),
        (["mlp", "--resume"], "--resume needs --out"),
        (["mlp", "--band", "mean=0.1"], "no band 'mean'; there are zero-mean, normality"),
        (["mlp", "--band", "zero-mean"], "--band has the form name=value; got 'zero-mean'"),
        (["mlp", "--band", "zero-mean=1"], "band zero-mean must lie in (0, 1); got 1"),
        (["mlp", "--band", "zero-mean=wide"], "band zero-mean must lie in (0, 1); got 'wide'"),
        (["mlp", "--level", "0.6"], "level must lie in (0, 0.5]; got 0.6"),
        (["mlp", "--calibrate", "-1"], "Invalid value for '--calibrate'"),
        (["mlp", "--data", "/no/such/folder"], "--data must name a folder"),
        (["no_such_module:factory"], "cannot import no_such_module"),
        (["math:pi"], "not callable"),
        (["math:sqrt", "--norm", "pre"], "are for built-in tasks"),
        (["builtins:dict"], "task factory"),
    ],
)
def test_bad_input_is_one_line(varlab, arguments, line, monkeypatch):
    monkeypatch.setattr(record_module, "recorded_rows", lambda *_: pytest.fail("was recorded"))
    done = varlab("audit", *arguments)
    assert done.status == 2
    assert line in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (("--after", 3), "after is 0 there, 3 here"),
        (("--option", "lr=0.5"), "lr is not set there, 0.5 here"),
        (("--device", "cpu"), "device is 'auto' there, 'cpu' here"),
    ],
)
def test_another_request_does_not_resume(varlab, tmp_path, change, difference):
    run = ("audit", "mlp", "--protocol", "run", "--steps", 3, "--coordinates", 2, "--out", tmp_path)
    assert varlab(*run).status == 1  # three steps decide nothing
    done = varlab(*run, *change, "--resume")
    assert done.status == 2
    assert done.err.endswith(f"another recording ({difference}); choose another place\n")
    assert varlab(*run, "--resume").status == 1


def test_a_factory_that_raises_is_one_line(varlab, tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("def factory(seed):\n    raise RuntimeError('two\\nlines')\n")
    done = varlab("audit", f"{path}:factory")
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "RuntimeError" in done.err


def test_the_tasks_are_listed(varlab):
    assert "transformer-mt" in varlab("audit", "--list").out


SKEWED = """
import torch, varlab

def factory(seed):
    generator = torch.Generator().manual_seed(seed)
    model = torch.nn.Linear(4, 1, bias=False)

    class Batches:
        def with_replacement(self):
            while True:
                yield torch.empty(1, 4).exponential_(generator=generator) ** 2

        __iter__ = with_replacement

    loss = lambda model, x: model(x).sum()
    return varlab.Task(model, loss, Batches(), torch.optim.SGD(model.parameters(), lr=0.1))
"""


@pytest.fixture
def skewed(tmp_path):
    """Gradients that are squares of exponential ones: their mean is 0.45 s, and they are far from normal."""
    path = tmp_path / "skewed.py"
    path.write_text(SKEWED)
    return ("audit", f"{path}:factory", "--protocol", "frozen")


def test_an_audit_exits_1_where_a_verdict_is_undecided_and_only_there(varlab, skewed):
    decided, short = varlab(*skewed, "--steps", 400), varlab(*skewed, "--steps", 20)
    assert (decided.status, short.status) == (0, 1), decided.out
    assert "zero-mean, normality violated" in decided.out
    assert "too-few-samples" in short.out


def test_bands_and_level_are_the_users(varlab, skewed):
    done = varlab(*skewed, "--steps", 400, "--level", 0.01, "--band", "zero-mean=0.9",
                  "--band", "normality=0.5", "--band", "skewness=0.8", "--json", "-")  # fmt: skip
    data = json.loads(done.out)
    bands = {name: each["band"] for name, each in data["model"].items()}
    assert data["level"] == 0.01
    assert bands["zero-mean"] == [0, 0.9]
    assert bands["normality"] in ([0, 0.5], [0, 0.8])  # of the effect that is nearer to its own
    usual = json.loads(varlab(*skewed, "--steps", 400, "--json", "-").out)
    assert usual["model"]["normality"]["verdict"] == "violated"
    assert data["model"]["normality"]["verdict"] == "holds"


def test_the_help_names_every_band_with_its_default(varlab, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")
    for command in ("audit", "calibrate"):
        said = " ".join(varlab(command, "--help").out.split()).replace("long- range", "long-range")
        for field in fields(Bands):
            assert f"{field.name.replace('_', '-')}={field.default:g}" in said


def test_the_help_tells_the_sizes_of_each_protocol(varlab, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")
    said = " ".join(varlab("audit", "--help").out.split())
    assert f"Of an ensemble, at least 2, tested from {Protocol.ENSEMBLE.fewest} on; 64." in said
    for protocol in (Protocol.RUN, Protocol.FROZEN):
        assert f"{protocol}: {DEFAULT_STEPS[protocol]}, tested from {protocol.fewest} on" in said
    assert f"ensemble: {DEFAULT_STEPS[Protocol.ENSEMBLE]}, all assumptions" in said
    said = " ".join(varlab("calibrate", "--help").out.split())
    run, frozen = Protocol.RUN.fewest, Protocol.FROZEN.fewest
    assert f"at least {Protocol.ENSEMBLE.fewest}; 64" in said
    assert f"{run} under run, {frozen} under frozen; 20." in said


def test_an_audit_calibrates_its_own_shape_into_the_page(varlab, skewed, tmp_path):
    out = tmp_path / "out"
    done = varlab(*skewed, "--steps", 64, "--level", 0.1, "--calibrate", 3, "--out", out)
    assert done.status in ANSWERED, done.err
    kept = json.loads((out / "calibration.json").read_text(encoding="utf-8"))
    shape = {name: kept[name] for name in ("protocol", "steps", "coordinates", "layers", "nominal")}
    assert shape == {
        "protocol": "frozen",
        "steps": 64,
        "coordinates": 4,
        "layers": 1,
        "nominal": 0.1,
    }
    assert {rate["trials"] for rate in kept["rates"]} == {3}
    page = (out / "audit.html").read_text(encoding="utf-8")
    assert "<h2>Calibration</h2>" in page
    assert "calibration of frozen: 1 replicas, 64 steps" in page
    assert "calibration of frozen" in done.out


def test_without_a_tested_layer_there_is_nothing_to_calibrate(varlab, skewed, tmp_path):
    done = varlab(*skewed, "--steps", 8, "--calibrate", 3, "--out", tmp_path / "out")
    assert done.status == 1
    assert "not calibrated: no layer could be tested" in done.out
    assert not (tmp_path / "out" / "calibration.json").exists()


def test_a_calibration_takes_its_shape_from_a_recording(varlab, tmp_path):
    rng = np.random.default_rng(0)
    shape = Shape(30, 5, 6, correlation=0.5)
    x = np.concatenate([shape.normals(rng), shape.normals(rng)], axis=2)
    Recording.from_arrays(x, ["a"] * 6 + ["b"] * 6).save(tmp_path / STORE)
    quick = ("--trials", 2, "--power-trials", 0, "--json", "-")
    found = json.loads(varlab("calibrate", "--from", tmp_path, *quick).out)
    same = json.loads(varlab("calibrate", "--from", tmp_path / STORE, *quick).out)
    other = json.loads(varlab("calibrate", "--from", tmp_path, "--layers", 1, *quick).out)
    assert (found["protocol"], found["replicas"], found["steps"]) == ("ensemble", 30, 5)
    assert (found["coordinates"], found["layers"]) == (6, 2)
    assert abs(found["correlation"] - 0.5) < 0.1  # 5 steps of 30 replicas: s.e. 0.04
    assert same == found
    assert (other["layers"], other["replicas"]) == (1, 30)


def test_calibration_prints_rates(varlab):
    done = varlab(
        "calibrate", "--trials", 6, "--power-trials", 1, "--replicas", 24, "--coordinates", 4, "--steps", 4
    )  # fmt: skip
    assert done.status in (0, 1)
    assert "calibration of ensemble: 24 replicas, 4 steps" in done.out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--trials", "0"], "trials must be an integer >= 1"),
        (["--correlation", "1"], "correlation"),
        (["--from", "nowhere"], "no recording at nowhere"),
        (["--band", "identical=0"], "band identical must lie in (0, 1); got 0"),
    ],
)
def test_bad_calibrations_are_one_line(varlab, arguments, line):
    done = varlab("calibrate", *arguments)
    assert done.status == 2
    assert line in done.err
    assert done.err.count("\n") == 1
