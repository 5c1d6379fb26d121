"""``varlab audit`` and ``varlab calibrate``: targets, files, bad input."""

import json

import pytest
from checkout import README, reads_the_checkout

QUICK = ("--replicas", 24, "--steps", 6, "--coordinates", 4)


def readme_task():
    """The factory printed in the README, as a reader would copy it."""
    text = README.read_text(encoding="utf-8")
    start = text.index("import torch\nimport varlab")
    return text[start : text.index("```", start)]


def test_a_built_in_task_answers_and_writes_its_files(varlab, tmp_path):
    done = varlab("audit", "mlp", *QUICK, "--out", tmp_path, "--json", tmp_path / "a.json")
    assert done.status == 0
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
    assert done.status == 0, done.err
    assert "does not hold" in done.out or "holds" in done.out or "not refuted" in done.out


def test_options_of_a_task(varlab):
    done = varlab(
        "audit", "transformer-lm", "--norm", "pre", "--option", "width=8", "--option", "length=8",
        "--replicas", 24, "--steps", 2, "--coordinates", 2, "--select", "head.*",
    )  # fmt: skip
    assert done.status == 0, done.err
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
        (["mlp", "--data", "/no/such/folder"], "--data must name a folder"),
        (["no_such_module:factory"], "cannot import no_such_module"),
        (["math:pi"], "not callable"),
        (["math:sqrt", "--norm", "pre"], "are for built-in tasks"),
        (["builtins:dict"], "task factory"),
    ],
)
def test_bad_input_is_one_line(varlab, arguments, line):
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
    assert varlab(*run).status == 0
    done = varlab(*run, *change, "--resume")
    assert done.status == 2
    assert done.err.endswith(f"another recording ({difference}); choose another place\n")
    assert varlab(*run, "--resume").status == 0


def test_a_factory_that_raises_is_one_line(varlab, tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("def factory(seed):\n    raise RuntimeError('two\\nlines')\n")
    done = varlab("audit", f"{path}:factory")
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "RuntimeError" in done.err


def test_the_tasks_are_listed(varlab):
    assert "transformer-mt" in varlab("audit", "--list").out


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
    ],
)
def test_bad_calibrations_are_one_line(varlab, arguments, line):
    done = varlab("calibrate", *arguments)
    assert done.status == 2
    assert line in done.err
    assert done.err.count("\n") == 1
