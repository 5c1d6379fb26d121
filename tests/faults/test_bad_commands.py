"""The table of bad command lines: status 2, one line on stderr, nothing made, never a traceback."""

import os
import shlex
import subprocess
import sys

import pytest

from varlab.cli import run
from varlab.core.targets import FORMS

MISSING = "Got unexpected extra argument(s)..."
# Rows of tests/cli are not repeated here.
COMMANDS = [
    ("verify ''", "no claim matches ''; ..."),
    ("verify [", "no claim matches '['; ..."),
    ("verify --jobs -1", "jobs must be an integer >= 1; got -1"),
    ("verify --budget 3", "Invalid value for '--budget'..."),
    (
        "simulate --steps 1000000000000",
        "a simulation of 1000000000000 steps needs 291 TiB of memory, ...",
    ),
    (
        "simulate --trajectories " + "9" * 30,
        "trajectories must be at most 9007199254740992; got 999...",
    ),
    ("simulate --beta2 0.99999999999999999", "beta2 must lie in [0, 1); got 1.0"),
    ("simulate --beta2 0.9 nan", "beta2 must lie in [0, 1); got nan"),
    ("simulate --mu 1e300", "sigma and abs(mu)/sigma must be at most 1e+70, and sigma at least..."),
    ("simulate --sigma -1", "sigma must be positive and finite; got -1.0"),
    ("simulate --steps 1e3", "Invalid value for '--steps'..."),
    ("simulate --threads 0", "threads must be an integer >= 1; got 0"),
    ("simulate --seed -1", "Invalid value for '--seed'..."),
    (
        "simulate --law scale-mixture:weights=a",
        "weights of scale-mixture must be a number; got 'a'",
    ),
    ("simulate extra", MISSING),
    (
        "advise --beta2 0.9 --from nowhere",
        "no audit at nowhere; make one with varlab audit TASK ...",
    ),
    ("calibrate --from nowhere", "no recording at nowhere"),
    ("audit", "name a task: mlp, ..."),
    ("audit mlpp", "no task 'mlpp'; name one of mlp, ..."),
    (
        "audit mine.py",
        "no task 'mine.py'; name one of mlp, lenet, resnet20, lstm-lm, transformer-lm, "
        "transformer-mt, mlp-mixer, or a factory of yours as module:name or path/to/file.py:name",
    ),
    *(
        (f"{command} {target}", f"a target has the form {FORMS}; got {target!r}")
        for command in ("audit", "conform")
        for target in ("./:f", ":f", "x:", "module:", "/tmp:f", "x:f:", "..:f", "a/b.txt:f")
    ),
    (
        "audit mlp --replicas 1000000000000",
        "an ensemble of 1000000000000 replicas needs 116 TiB...",
    ),
    (
        "audit mlp --steps 1000000000000",
        "a recording of 64 replicas x 1000000000000 steps x 330 ...",
    ),
    ("audit mlp --inits 0 --orders 3", "inits must be an integer >= 1; got 0"),
    ("audit mlp --option lr=nan", "the task factory raised ValueError: Invalid learning rate: nan"),
    ("audit mlp --option hidden=0", "hidden must be an integer >= 1; got 0"),
    ("audit mlp --option hidden=2.5", "hidden must be an integer >= 1; got 2.5"),
    ("audit resnet20 --option width=x", "width must be an integer >= 1; got 'x'"),
    ("audit lstm-lm --option length=0", "length must be an integer >= 1; got 0"),
    ("audit mlp --option =3", "--option has the form name=value; got '=3'"),
    (
        "audit mlp --data /nowhere",
        "--data must name a folder with CIFAR-10 or MNIST files; got /nowhere",
    ),
    ("audit mlp --select x*", "no parameter matches 'x*'; the model has ..."),
    (
        "calibrate --steps 1000000000000",
        "a recording of 64 replicas x 1000000000000 steps x 64 ...",
    ),
    ("calibrate --level nan", "level must lie in (0, 0.5]; got nan"),
    ("calibrate --trials 0", "trials must be an integer >= 1; got 0"),
    ("calibrate --replicas x", "Invalid value for '--replicas'..."),
    (
        "advise --beta2 1e-320",
        "beta2 must be 0 or at least 1e-100 for the exact law; got 1e-320; use 0",
    ),
    ("advise --beta2 nan", "beta2 must lie in [0, 1); got nan"),
    ("advise", "Missing option '--beta2'..."),
    ("figures ''", "no figure ''; there are fig1, ..."),
    ("figures fig8 --seed x", "Invalid value for '--seed'..."),
    ("conform", "name a target such as torch.optim:RAdam, or use --peers"),
    (
        "conform torch.optim:RAdam --device nope",
        "device 'nope' cannot be used here: RuntimeError: ...",
    ),
    (
        "conform torch.optim:RAdam --device meta",
        "device 'meta' cannot be used here: RuntimeError: ...",
    ),
    ("conform builtins:exit", "target 'builtins:exit': factory(params) raises SystemExit: ..."),
    ("conform torch.nn:Linear", "target 'torch.nn:Linear': factory(params) raises TypeError: ..."),
    ("nope", "No such command 'nope'..."),
]
# Every command that writes, onto places that cannot be written to.
WRITERS = [
    "verify radam.eq6.mean --jobs 1",
    "simulate --steps 3 --trajectories 50",
    "audit mlp --replicas 2 --steps 1",
    "conform torch.optim:RAdam",
    "calibrate --trials 1",
    "advise --beta2 0.9",
    "figures fig8",
]


def answered(line, err):
    assert err.count("\n") == 1
    said = err.removeprefix("varlab: ").rstrip("\n")
    assert said.startswith(line[:-3]) if line.endswith("...") else said == line


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("command", "line"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_bad_command_line_is_answered_in_one_line(command, line, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    assert run([*shlex.split(command), "--out", str(out)]) == 2
    captured = capsys.readouterr()
    answered(line, captured.err)
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("place", ["/dev/full", "/dev/full/sub", "/proc/varlab"])
def test_an_unwritable_out_is_refused_before_any_work(command, place, capsys):
    assert run([*shlex.split(command), "--out", place]) == 2
    answered(f"cannot write to {place}: ...", capsys.readouterr().err)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_json_to_a_full_device_is_one_line_and_the_device_stays_one(capsys):
    assert run(["advise", "--beta2", "0.9", "--json", "/dev/full"]) == 2
    answered("cannot write to /dev/full: No space left on device; ...", capsys.readouterr().err)
    assert not os.path.isfile("/dev/full")


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("advise --beta2 2", "beta2 must lie in [0, 1); got 2.0"),
        ("simulate --trajectories 1", "trajectories must be an integer >= 2; got 1"),
    ],
)
def test_the_installed_command_answers_in_one_line(command, line):
    done = subprocess.run(
        [sys.executable, "-m", "varlab", *command.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    answered(line, done.stderr)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_disk_behind_stdout_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "varlab", "advise", "--beta2", "0.9", "--json", "-"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr
