"""Runs killed at random moments and resumed, and two runs on one store.

``tests/simulate/test_store.py`` kills ``simulate()`` itself; ``tests/audit/test_record.py`` interrupts
``record()``. Here the commands are killed, at moments drawn from a seed.
"""

import hashlib
import signal
import time

import numpy as np
import pytest
from slow_runs import ENSEMBLE, PAUSE, SIMULATE, SMALL_BLOCK, STORES, held, started

from varlab.audit.recorder.record import record
from varlab.audit.recorder.storage import RecordingWriter, load
from varlab.cli import run
from varlab.core import InputError
from varlab.core.files import Lock, fcntl
from varlab.simulate import Normal, Simulation, simulate
from varlab.simulate import blocks as blocks_module
from varlab.tasks import builtin

pytestmark = pytest.mark.skipif(fcntl is None, reason="no locks on folders on this system")


@pytest.fixture(autouse=True)
def same_blocks_as_the_process(monkeypatch):
    monkeypatch.setattr(blocks_module, "LARGEST_BLOCK", SMALL_BLOCK)


def result(command, out):
    store = out / STORES[command[0]]
    if command[0] == "audit":
        recording = load(store)
        assert recording.dataset.attrs["complete"]
        return [recording.gradients]
    dataset = Simulation.load(store).dataset
    return [dataset[name].values for name in sorted(dataset)]


def fingerprint(folder):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def uninterrupted(command):
    """What the command computes, without its report."""
    if command is ENSEMBLE:
        return [record(builtin("mlp", hidden=4), replicas=3, steps=96, coordinates=2).gradients]
    dataset = simulate(
        Normal(), beta2=0.999, steps=50, trajectories=3000, device="cpu", threads=1
    ).dataset
    return [dataset[name].values for name in sorted(dataset)]


def started_and_a_second_refused(command, out, capsys):
    """The first run; one that came while it wrote was sent away."""
    held(out).touch()
    first = started(command, out)
    assert run([*command, "--out", str(out), "--resume"]) == 2
    store = out / STORES[command[0]]
    assert capsys.readouterr().err == (
        f"varlab: another run is writing to {store}; wait for its end or choose another place\n"
    )
    held(out).unlink()
    return first


def killed_at_random(process, seed):
    time.sleep(np.random.default_rng(seed).uniform(0, 5 * PAUSE))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def resumed(command, out):
    """No stale lock, nothing half written, and the bits of an uninterrupted run."""
    undecided = command[0] == "audit"  # three replicas are too few
    assert run([*command, "--out", str(out), "--resume"]) == int(undecided)
    pairs = zip(result(command, out), uninterrupted(command), strict=True)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


@pytest.mark.timeout(120)
def test_simulate_doubled_killed_interrupted_and_resumed(tmp_path, capsys):
    first = started_and_a_second_refused(SIMULATE, tmp_path, capsys)
    killed_at_random(first, seed=0)
    second = started([*SIMULATE, "--resume"], tmp_path, pause=100)  # the signal ends its pause
    assert second.stderr.readline() == "writing\n"
    second.send_signal(signal.SIGINT)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 130
    assert said == "varlab: interrupted; the same command goes on from what was kept\n"
    resumed(SIMULATE, tmp_path)


@pytest.mark.timeout(120)
def test_audit_doubled_killed_and_resumed(tmp_path, capsys):
    first = started_and_a_second_refused(ENSEMBLE, tmp_path, capsys)
    killed_at_random(first, seed=1)
    resumed(ENSEMBLE, tmp_path)


@pytest.mark.timeout(120)
def test_the_first_of_two_runs_ends_unharmed(tmp_path, capsys):
    first = started_and_a_second_refused(SIMULATE, tmp_path, capsys)
    _, said = first.communicate(timeout=60)
    assert (first.returncode, said) == (0, "writing\n")
    resumed(SIMULATE, tmp_path)


def test_two_writers_of_one_recording(tmp_path):
    options = {"replicas": 1, "layers": ["a"], "beta2": 0.9, "protocol": "run"}
    first = RecordingWriter(tmp_path / "r", **options)
    first.write(1, [1.0], replica=0)
    before = fingerprint(tmp_path)
    with pytest.raises(InputError, match="another run is writing to"):
        RecordingWriter(tmp_path / "r", resume=True, **options)
    assert fingerprint(tmp_path) == before
    first.close()
    RecordingWriter(tmp_path / "r", resume=True, **options).close()
    assert load(tmp_path / "r").gradients.tolist() == [[[1.0]]]


def test_a_lock_ends_with_its_holder(tmp_path):
    lock = Lock(tmp_path)
    with pytest.raises(InputError, match="another run"):
        Lock(tmp_path)
    lock.release()
    lock.release()
    held = Lock(tmp_path)
    del held  # forgotten, as after an error
    assert Lock(tmp_path).held
    assert list(tmp_path.iterdir()) == []  # no file that could go stale


def test_a_refused_run_holds_no_lock_while_its_error_is_kept(tmp_path):
    """A traceback keeps what its frames hold, and so would keep the next run waiting."""
    settings = {"beta2": 0.9, "steps": 3, "trajectories": 20, "out": tmp_path / "s"}
    simulate(Normal(), **settings)
    options = {"layers": ["a"], "beta2": 0.9, "protocol": "run"}
    RecordingWriter(tmp_path / "r", replicas=1, **options).close()
    with pytest.raises(InputError) as other_seed:
        simulate(Normal(), **settings, seed=1, resume=True)
    with pytest.raises(InputError) as other_size:
        RecordingWriter(tmp_path / "r", replicas=2, resume=True, **options)
    simulate(Normal(), **settings, resume=True)
    RecordingWriter(tmp_path / "r", replicas=1, resume=True, **options).close()
    assert "another run" not in f"{other_seed.value} {other_size.value}"


def test_where_the_system_has_no_locks_runs_are_not_told_apart(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    assert Lock(tmp_path).held
    assert Lock(tmp_path).held
