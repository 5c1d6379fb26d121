"""A user's task that goes wrong is one line and status 2 under every protocol; nothing half made is left."""

import itertools
from pathlib import Path

import faulty_tasks
import pytest

from varlab.audit.recorder.record import record
from varlab.audit.recorder.storage import load
from varlab.cli import run
from varlab.core import InputError

TASKS = Path(__file__).with_name("faulty_tasks.py")
LOSS = "the task's loss must be a scalar Tensor; got {}; take its mean"
ENDED = "the batches ended before step {}; give an endless iterable or fewer steps"
FAULTS = [
    ("raises", "the task factory raised RuntimeError: first second"),
    ("exits", "the task factory raised SystemExit: 0"),
    ("raises_speechless", "the task factory raised Speechless"),
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
# The seeds of replicas 0 and 1 are even, that of replica 2 is odd.
UNLIKE = [
    ("wider", "weight has shape (70, 3) in replica 0, and (71, 3) in replica 2; a factory must..."),
    ("renamed", "of0.weight, of shape (1, 3) in replica 0, is missing in replica 2; ..."),
    ("shallower", "1.weight, of shape (3, 3) in replica 2, is missing in replica 0; ..."),
    ("deeper", "1.weight, of shape (3, 3) in replica 0, is missing in replica 2; ..."),
    ("freezes", "bias is updated in replica 0, and not in replica 2; ..."),
    ("of_two_decays", "beta2 is 0.999 in replica 0, and 0.99 in replica 2; ..."),
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


@pytest.mark.parametrize(("name", "line"), UNLIKE, ids=[name for name, _ in UNLIKE])
def test_replicas_of_another_model_are_refused_and_leave_nothing(name, line, tmp_path, capsys):
    assert audit(name, "ensemble", tmp_path / "out") == 2
    answered(line, capsys.readouterr())
    assert list((tmp_path / "out").glob("*")) == []
    # One after another: two are recorded before the third is built.
    with pytest.raises(InputError, match=r"a factory must build the same model and optimizer"):
        record(getattr(faulty_tasks, name), replicas=3, out=tmp_path / "new", vectorised=False)
    assert not (tmp_path / "new").exists()


def test_a_factory_that_makes_another_model_at_every_call(tmp_path, capsys):
    assert audit("of_every_call", "ensemble", tmp_path / "out") == 2
    answered(
        "weight has shape (1, 3) in replica 0, and (2, 3) in replica 0 when built again; ...",
        capsys.readouterr(),
    )


def test_what_another_run_recorded_is_kept_when_replicas_differ(tmp_path):
    place, options = tmp_path / "kept", {"replicas": 3, "steps": 2, "vectorised": False}
    stop = itertools.count()

    def interrupt(done, total, what):
        if next(stop) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(faulty_tasks.wider, out=place, progress=interrupt, **options)
    with pytest.raises(InputError, match="weight has shape"):
        record(faulty_tasks.wider, out=place, resume=True, **options)
    assert load(place).gradients.shape[1] == 2


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
        (
            b"class E(BaseException):\n    __str__ = None\nraise E\n",
            "cannot import {}: E",
        ),
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
    assert run([*command, "--resume", f"--out={tmp_path}"]) == 130
    answered("interrupted; the same command goes on from what was kept", capsys.readouterr())
    assert run(command) == 130
    answered("interrupted; nothing was kept", capsys.readouterr())


INTERRUPTED_EARLY = [
    ("audit {}:interrupted_at_once --protocol run", "nothing was kept"),
    ("audit {}:interrupted_while_built", "nothing was kept"),
    ("verify radam.eq6.mean --jobs 1", "nothing was kept"),
    ("figures fig8", "the same command starts again"),
    ("advise --beta2 0.9", "nothing was kept"),
    ("calibrate --trials 1", "nothing was kept"),
]


@pytest.mark.parametrize(("command", "hint"), INTERRUPTED_EARLY)
def test_a_command_that_kept_nothing_does_not_promise_to_go_on(
    command, hint, tmp_path, capsys, monkeypatch
):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    for place in (
        "varlab.core.Claim.decide",
        "paper_figures.store.FigureFile.render",
        "varlab.numerics.advice.advise",
        "varlab.audit.calibrate.calibrate",
    ):
        monkeypatch.setattr(place, interrupted)
    assert run([*command.format(TASKS).split(), "--out", str(tmp_path)]) == 130
    answered(f"interrupted; {hint}", capsys.readouterr())
    assert list(tmp_path.iterdir()) == []
