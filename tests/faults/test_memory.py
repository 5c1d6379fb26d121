"""Requests that no memory holds: refused before any work, with the size; and what fails later is one line."""

from pathlib import Path

import numpy as np
import pytest

from varlab.cli import run
from varlab.core import InputError
from varlab.core import memory as memory_module
from varlab.core.memory import require_memory, shown_size


@pytest.mark.parametrize(
    ("size", "text"),
    [(512, "512 bytes"), (2**20, "1 MiB"), (7.3 * 2**40, "7.3 TiB"), (2.0**80, "1.05e+06 EiB")],
)
def test_sizes_are_shown_in_units(size, text):
    assert shown_size(size) == text


def test_what_fits_passes_and_what_does_not_is_refused():
    require_memory(10, "a crumb", "-")
    require_memory(2**24, "a slice", "-")
    with pytest.raises(
        InputError, match=r"^a cake needs 64 PiB of memory, more than there is; eat less$"
    ):
        require_memory(2**56, "a cake", "eat less")


def test_the_machines_memory_counts_even_if_the_system_promises_more(monkeypatch):
    monkeypatch.setattr(memory_module, "_physical", lambda: 2.0**25)
    require_memory(2**24, "a slice", "-")
    with pytest.raises(InputError, match="64 MiB"):
        require_memory(2**26, "a slice", "-")


@pytest.fixture(scope="module")
def libraries():
    """What the commands import, which maps far more address space than they use."""
    assert run(["simulate", "--steps", "3", "--trajectories", "50"]) == 0
    assert run(["audit", "mlp", "--replicas", "2", "--steps", "1", "--coordinates", "1"]) == 1


@pytest.fixture
def spare(libraries):
    """256 MiB to spare in this process, as the kernel enforces it."""
    resource = pytest.importorskip("resource")
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("the size of a process is asked of Linux")
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize(
    "command",
    [
        "simulate --steps 2000000 --trajectories 100 --threads 1",
        "audit mlp --replicas 64 --steps 100000 --coordinates 16",
        "calibrate --steps 20000 --trials 1 --power-trials 0",
    ],
)
def test_under_a_limit_of_the_process(command, tmp_path, capsys, spare):
    assert run([*command.split(), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert " of memory, more than there is; ask for " in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 29.1 PiB for an array"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried"
        ),
    ],
    ids=["numpy", "torch"],
)
def test_an_allocation_that_fails_later_is_one_line(error, monkeypatch, capsys):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr("varlab.numerics.advice.advise", fails)
    assert run(["advise", "--beta2", "0.9"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("varlab: out of memory (")
    assert said.endswith("; ask for less, or use a larger machine\n")


def test_other_runtime_errors_are_not_hidden(monkeypatch):
    """A fault of varlab's own keeps its traceback: it must be seen, not explained away."""

    def fails(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr("varlab.numerics.advice.advise", fails)
    with pytest.raises(RuntimeError, match="a bug"):
        run(["advise", "--beta2", "0.9"])


def test_a_huge_number_of_trajectories_begins_at_once():
    """The blocks of 1e15 trajectories are never listed: a run of them starts, and can be interrupted."""
    from varlab.simulate import Normal, simulate

    seen = []

    def stop(progress):
        seen.append(progress)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(
            Normal(),
            beta2=0.9,
            steps=3,
            trajectories=10**15,
            device="cpu",
            threads=1,
            progress=stop,
        )
    assert seen[0].total == 10**15
    assert np.isfinite(seen[0].rate)
