"""What the README tells a reader to type: its Python runs, its commands exist and take these arguments."""

import re
import shlex
import tomllib

import numpy as np
import pytest
import torch
from checkout import README, ROOT, reads_the_checkout
from typer.main import get_command

from varlab.cli import USAGE_ERRORS, app, run, simulate

pytestmark = reads_the_checkout

# The sizes at which a command of the README is run here; what follows on the line wins.
SMALL = {
    "verify": "--jobs 1",
    "advise": "",
    "simulate": "--trajectories 64 --steps 12",
    "conform": "",
    "audit": "--replicas 24 --steps 2 --coordinates 2 --option width=8 --option length=8 --select head.*",
    "calibrate": "--trials 4 --power-trials 1 --replicas 24 --coordinates 4 --steps 4",
    "figures": "fig8 --out drawn",
}
# A figure computed afresh: a small ResNet, a few steps, in this process and on what device there is.
SMALL_RUNS = " ".join(
    f"--option {size}" for size in ("steps=3", "seeds=2", "width=4", "depth=8", "device=auto")
)
LONE_RUN = "--steps 60 --coordinates 2"  # an audit of one run has no replicas, and needs more steps


def text():
    return README.read_text(encoding="utf-8") if README.is_file() else ""


def blocks(language):
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", text(), flags=re.MULTILINE | re.DOTALL)


def shell_lines():
    """Every line of the shell blocks, and every span of code in the prose that has a command's form."""
    spans = re.findall(r"`((?:varlab|\.venv/bin/\w+|python|make|torchrun) [^`]+)`", prose())
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in (*lines, *spans) if line.strip()]


def prose():
    return re.sub(r"^```.*?^```", "", text(), flags=re.MULTILINE | re.DOTALL)


def varlab_lines():
    """The arguments of each varlab command, however it is started; where dots stand for more, nothing."""
    found = []
    for words in shell_lines():
        starts = [i for i, word in enumerate(words) if word.split("/")[-1] == "varlab"]
        if starts and (arguments := [w for w in words[starts[0] + 1 :] if w != "..."]):
            found.append(tuple(arguments))
    return sorted(set(found))


def whole_commands():
    """Those in shell blocks: a reader may paste them. (The peers have tests of their own.)"""
    fenced = [line for block in blocks("sh") for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in fenced]
    return [tuple(w[1:]) for w in words if w[:1] == ["varlab"] and "--peers" not in w]


def parsed(arguments):
    """Parse one command line without running it; raises as the command line would."""
    arguments = list(arguments)
    if arguments[0] == "simulate":
        arguments = simulate.spread(arguments)
    group = get_command(app)
    context = group.make_context("varlab", arguments[:1], resilient_parsing=True)
    command = group.get_command(context, arguments[0])
    if command is None:
        raise USAGE_ERRORS(f"no command {arguments[0]}")
    return command.make_context(arguments[0], arguments[1:], parent=context)


def test_there_is_something_to_check():
    assert len(blocks("python")) >= 3
    assert len(whole_commands()) >= 5
    assert {arguments[0] for arguments in varlab_lines()} == set(SMALL)


@pytest.mark.parametrize("arguments", varlab_lines(), ids=" ".join)
def test_its_commands_take_these_arguments(arguments):
    parsed(arguments)


@pytest.mark.parametrize("wrong", ["verify --budgets full", "advise", "no-such-command"])
def test_a_command_that_does_not_exist_would_be_noticed(wrong):
    with pytest.raises(USAGE_ERRORS):
        parsed(wrong.split())


@pytest.fixture
def a_reader(tmp_path, monkeypatch):
    """A folder with the files that the README names as the reader's own."""
    (factory,) = (block for block in blocks("python") if "def factory" in block)
    (tmp_path / "my_model.py").write_text(factory, encoding="utf-8")
    (tmp_path / "path" / "to").mkdir(parents=True)
    (tmp_path / "path" / "to" / "mine.py").write_text("from torch.optim import RAdam as MyRAdam\n")
    cifar = tmp_path / "cifar-10-batches-bin"
    cifar.mkdir()
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    for seed, name in enumerate(names):
        records = np.random.default_rng(seed).integers(0, 256, (40, 1 + 3 * 32 * 32), "uint8")
        records[:, 0] %= 10  # the label
        (cifar / name).write_bytes(records.tobytes())
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("arguments", whole_commands(), ids=" ".join)
@pytest.mark.usefixtures("a_reader")
def test_its_shell_blocks_run(arguments, capfd):
    small = LONE_RUN if "run" in arguments else SMALL[arguments[0]]
    small = (SMALL_RUNS if "--regenerate" in arguments else small).split()
    status = run([*arguments, *small])
    printed = capfd.readouterr()
    # 1 is an answer too: that some RAdam does not conform, or that so small an audit decides nothing.
    assert status == 0 or (status == 1 and arguments[0] in ("conform", "calibrate", "audit")), (
        printed.err
    )
    assert printed.out


def test_its_python_runs(tmp_path, monkeypatch, capsys):
    """Block after block in one session; the loop that is the reader's own is a few steps of the factory."""
    monkeypatch.chdir(tmp_path)
    names = {}
    for number, block in enumerate(blocks("python")):
        if "train()" in block:
            names |= readers_loop(names["factory"])
        exec(compile(block, f"README, Python block {number}", "exec"), names)
    printed = capsys.readouterr().out
    assert "'rho': '3'" in printed  # the counterexample of radam.s4.divergent-up-to-4
    assert "i.i.d. N(0, s^2)" in printed


def readers_loop(factory):
    task = factory(0)
    batches = iter(task.batches)

    def train():
        for _ in range(12):
            task.optimizer.zero_grad()
            loss = task.loss(task.model, next(batches))
            loss.backward()
            task.optimizer.step()
        assert torch.isfinite(loss)

    return {"model": task.model, "optimizer": task.optimizer, "train": train}


def test_its_make_targets_scripts_and_extras_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = {words[1] for words in shell_lines() if words[0] == "make"}
    assert named
    assert named <= targets
    scripts = [words[1] for words in shell_lines() if words[0] == "python" and words[1] != "-m"]
    assert scripts
    assert [s for s in scripts if not (ROOT / s).is_file()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {e for group in re.findall(r"-e '\.\[([\w,]+)\]'", text()) for e in group.split(",")}
    assert extras
    assert extras <= set(project["optional-dependencies"])
