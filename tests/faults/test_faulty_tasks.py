"""A user's task that goes wrong is one line and status 2 under every protocol; nothing half made is left."""

from pathlib import Path

import pytest

from varlab.audit.storage import load
from varlab.cli import run

TASKS = Path(__file__).with_name("faulty_tasks.py")
LOSS = "the task's loss must be a scalar Tensor; got {}; take its mean"
ENDED = "the batches ended before step {}; give an endless iterable or fewer steps"
FAULTS = [
    ("raises", "the task factory raised RuntimeError: first second"),
    ("exits", "the task factory raised SystemExit: 0"),
    ("no_task", "a task factory returns a varlab.Task; got int"),
    (
        "no_argument",
        "the task factory raised TypeError: no_argument() takes 0 positional arguments...",
    ),
    ("no_model", "model of a task must be a torch.nn.Module; got NoneType"),
    ("loss_of_four", LOSS.format("shape (4, 1)")),
    (
        "loss_detached",
        "the task's loss does not depend on the parameters; return it without detach()",
    ),
    ("loss_a_number", LOSS.format("float")),
    ("loss_raises", "the task's loss at step 1 raised KeyError: 'x'"),
    ("loss_exits", "the task's loss at step 1 raised SystemExit: 0"),
    (
        "wrong_shape",
        "the task's loss at step 1 raised RuntimeError: mat1 and mat2 shapes cannot be...",
    ),
    ("empty", ENDED.format(1)),
    ("elsewhere", "the task's loss at step 1 raised RuntimeError: ..."),
    ("nowhere", "weight is on the meta device and has no values; give it some first"),
    ("of_another_model", "no parameter that matches '*' is updated by the optimizer; pass the..."),
]
# Two steps or one are recorded before these; they are kept, and can be read.
LATER = [
    ("ends_early", ENDED.format(3), 2),
    ("fails_halfway", "fetching the batch of step 2 raised OSError: the drive is gone", 1),
]
PROTOCOLS = ("ensemble", "run", "frozen")
UNDECIDED = 1  # of an audit of three replicas, or five steps


def audit(name, protocol, out):
    replicas = ["--replicas", "3"] if protocol == "ensemble" else []
    command = ["audit", f"{TASKS}:{name}", "--protocol", protocol, "--steps", "5", *replicas]
    return run([*command, "--out", str(out)])


def answered(line, captured):
    assert captured.err.count("\n") == 1
    said = captured.err.removeprefix("varlab: ").rstrip("\n")
    assert said.startswith(line[:-3]) if line.endswith("...") else said == line


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("name", "line"), FAULTS, ids=[name for name, _ in FAULTS])
def test_a_task_that_goes_wrong_at_once(name, line, protocol, tmp_path, capsys):
    assert audit(name, protocol, tmp_path / "out") == 2
    answered(line, capsys.readouterr())
    assert list((tmp_path / "out").glob("*")) == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("name", "line", "steps"), LATER, ids=[name for name, _, _ in LATER])
def test_what_was_recorded_before_a_fault_is_kept(name, line, steps, protocol, tmp_path, capsys):
    assert audit(name, protocol, tmp_path) == 2
    answered(line, capsys.readouterr())
    kept = load(tmp_path / "recording.zarr")
    assert kept.gradients.shape[1] == steps
    assert not kept.dataset.attrs["complete"]


@pytest.mark.parametrize("protocol", ["ensemble", "run"])
def test_an_optimiser_that_wants_a_closure(protocol, tmp_path, capsys):
    assert audit("wants_a_closure", protocol, tmp_path) == 2
    answered(
        "the optimizer at step 1 raised TypeError: LBFGS.step() missing 1 ...", capsys.readouterr()
    )


def test_a_good_task_passes_through_the_same_door(tmp_path, capsys):
    assert audit("good", "ensemble", tmp_path) == UNDECIDED
    assert {p.name for p in tmp_path.iterdir()} == {"recording.zarr", "audit.json", "audit.html"}


@pytest.mark.parametrize("command", ["audit", "conform"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"def f(:\n", "cannot import {}: SyntaxError: invalid syntax (bad.py, line 1)"),
        (b"x = 1\n", "{} has no 'f'; check the name after the colon"),
        (b"f = 3\n", "{}:f is a int, not callable; name a factory"),
        (b"import sys\nsys.exit(0)\n", "cannot import {}: SystemExit: 0"),
        (b"raise KeyError('a\\nb')\n", "cannot import {}: KeyError: 'a\\nb'"),
        (
            b"def f():\n    f()\nf()\n",
            "cannot import {}: RecursionError: maximum recursion depth...",
        ),
        (b"\x00\xff", "cannot import {}: SyntaxError: ..."),
    ],
)
def test_a_file_that_does_not_import(command, text, line, tmp_path, capsys):
    path = tmp_path / "bad.py"
    path.write_bytes(text)
    assert run([command, f"{path}:f", "--out", str(tmp_path / "out")]) == 2
    answered(line.format(path), capsys.readouterr())
    assert not (tmp_path / "out").exists()


def test_an_interrupted_audit_keeps_its_steps_and_says_how_to_go_on(tmp_path, capsys):
    assert (
        audit("interrupted", "run", tmp_path / "none") == UNDECIDED
    )  # five steps: never interrupted
    capsys.readouterr()
    command = ["audit", f"{TASKS}:interrupted", "--protocol", "run", "--steps", "99"]
    assert run([*command, "--out", str(tmp_path)]) == 130
    answered(
        "interrupted; the same command with --resume goes on from what was kept",
        capsys.readouterr(),
    )
    assert load(tmp_path / "recording.zarr").gradients.shape == (1, 29, 4)
    assert run(command) == 130
    answered("interrupted; nothing was kept", capsys.readouterr())
