"""A disk that fills up: one line that names the place; what was there before stays, nothing is half written."""

import json

import numpy as np
import pytest
import torch
from disk import fill, small_disk
from torch import nn

import varlab
from varlab.audit.recorder.storage import RecordingWriter, load
from varlab.cli import run
from varlab.core import InputError
from varlab.simulate import Simulation
from varlab.simulate import blocks as blocks_module
from varlab.simulate.store import Store

ROOM = 1 << 40
SIMULATE = [
    "simulate",
    "--trajectories",
    "3000",
    "--steps",
    "400",
    "--device",
    "cpu",
    "--threads",
    "1",
]
AUDIT = [
    "audit",
    "mlp",
    "--option",
    "hidden=4",
    "--replicas",
    "3",
    "--steps",
    "40",
    "--coordinates",
    "64",
]


# Three replicas are too few: such an audit ends undecided.
UNDECIDED = 1


def leftovers(folder):
    return [p for p in folder.rglob("*") if p.name.endswith(".partial") or p.name.startswith(".")]


def one_line(captured, place, remedy):
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"varlab: cannot write to {place}: File too large; ")
    assert captured.err.rstrip("\n").endswith(remedy)


def filling(monkeypatch, kind, method, calls, largest):
    """The disk fills up at the given call of ``kind.method``."""
    original, seen = getattr(kind, method), []

    def counted(self, *arguments, **options):
        seen.append(1)
        if len(seen) == calls:
            fill(largest)
        return original(self, *arguments, **options)

    monkeypatch.setattr(kind, method, counted)


@pytest.fixture
def many_segments(monkeypatch):
    monkeypatch.setattr(blocks_module, "LARGEST_BLOCK", 256)


@pytest.mark.parametrize(("method", "call"), [("write_segment", 4), ("finish", 1)])
def test_simulate_keeps_its_segments_and_resumes(
    method, call, tmp_path, monkeypatch, capsys, many_segments
):
    whole = tmp_path / "whole"
    assert run([*SIMULATE, "--out", str(whole)]) == 0
    capsys.readouterr()
    with monkeypatch.context() as patch, small_disk(ROOM):
        filling(patch, Store, method, call, 600)
        assert run([*SIMULATE, "--out", str(tmp_path / "out")]) == 2
    store = tmp_path / "out" / "simulation.zarr"
    one_line(capsys.readouterr(), store, "what was computed before is kept: make room and resume")
    assert leftovers(tmp_path / "out") == []
    written = []
    with monkeypatch.context() as patch:
        original = Store.write_segment
        patch.setattr(
            Store, "write_segment", lambda self, *a: (written.append(1), original(self, *a))[1]
        )
        assert run([*SIMULATE, "--out", str(tmp_path / "out"), "--resume"]) == 0
    segments = 12
    assert len(written) == (segments - (call - 1) if method == "write_segment" else 0)
    first, second = (
        Simulation.load(p / "simulation.zarr").dataset for p in (whole, tmp_path / "out")
    )
    assert all(np.array_equal(first[v], second[v], equal_nan=True) for v in first)


@pytest.mark.parametrize("command", [SIMULATE, AUDIT], ids=["simulate", "audit"])
def test_a_store_that_cannot_be_begun_is_not_there(command, tmp_path, capsys):
    with small_disk(10):
        assert run([*command, "--out", str(tmp_path)]) == 2
    name = "simulation.zarr" if command is SIMULATE else "recording.zarr"
    one_line(capsys.readouterr(), tmp_path / name, "choose another place or make room")
    assert list(tmp_path.iterdir()) == []


def test_audit_keeps_its_steps_and_resumes_to_the_same_bits(tmp_path, monkeypatch, capsys):
    assert run([*AUDIT, "--out", str(tmp_path / "whole")]) == UNDECIDED
    capsys.readouterr()
    out = tmp_path / "out"
    with monkeypatch.context() as patch, small_disk(ROOM):
        filling(patch, RecordingWriter, "flush", 2, 600)
        assert run([*AUDIT, "--out", str(out)]) == 2
    one_line(
        capsys.readouterr(),
        out / "recording.zarr",
        "what was recorded before is kept: make room and resume",
    )
    assert load(out / "recording.zarr").gradients.shape[1] == 16
    assert leftovers(out) == []
    assert run([*AUDIT, "--out", str(out), "--resume"]) == UNDECIDED
    whole, resumed = (load(p / "recording.zarr") for p in (tmp_path / "whole", out))
    np.testing.assert_array_equal(whole.gradients, resumed.gradients)
    assert resumed.dataset.attrs["complete"]


def test_an_audit_whose_report_does_not_fit_keeps_the_recording(tmp_path, capsys):
    few = [*AUDIT, "--coordinates", "1"]
    with small_disk(3000):
        assert run([*few, "--out", str(tmp_path)]) == 2
    one_line(capsys.readouterr(), tmp_path / "audit.json", "choose another place or make room")
    assert [p.name for p in tmp_path.iterdir()] == ["recording.zarr"]
    assert run([*few, "--out", str(tmp_path), "--resume"]) == UNDECIDED


def test_watch_says_so_and_keeps_what_it_had(tmp_path):
    model = nn.Linear(40, 40)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    place = tmp_path / "watched"
    recording = varlab.watch(model, optimizer, coordinates=1000, path=place)

    def train(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.randn(3, 40)).square().sum().backward()
            optimizer.step()

    train(20)
    with (
        small_disk(600),
        pytest.raises(InputError, match=rf"^cannot write to {place}: File too large; .*"),
    ):
        train(20)
    kept = load(place)
    assert kept.gradients.shape == (1, 16, 1040)
    assert not kept.dataset.attrs["complete"]
    recording.close()  # room again: the rest is written
    assert load(place).gradients.shape == (1, 32, 1040)
    train(1)


def test_saving_a_recording_leaves_nothing(tmp_path):
    recording = varlab.Recording.from_arrays(
        np.random.default_rng(0).normal(size=(3, 50, 9)), ["a"] * 9
    )
    with (
        small_disk(600),
        pytest.raises(InputError, match=r"cannot write to .*: File too large; choose"),
    ):
        recording.save(tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["verify", "radam.eq6.mean", "--jobs", "1"], "ledger.json"),
        (["figures", "fig8"], "fig8.png"),
        (["advise", "--beta2", "0.9"], "advice.json"),
        (["conform", "torch.optim:SGD"], "conformance.json"),
    ],
)
def test_a_file_that_does_not_fit_keeps_the_old_one(command, name, tmp_path, capsys):
    (tmp_path / name).write_text("old")
    with small_disk(100):
        assert run([*command, "--out", str(tmp_path)]) == 2
    one_line(capsys.readouterr(), tmp_path / name, "choose another place or make room")
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "old"


def test_json_that_does_not_fit_keeps_the_old_one(tmp_path, capsys):
    (tmp_path / "a.json").write_text(json.dumps("old"))
    with small_disk(100):
        assert run(["advise", "--beta2", "0.9", "--json", str(tmp_path / "a.json")]) == 2
    one_line(capsys.readouterr(), tmp_path / "a.json", "choose another place or make room")
    assert json.loads((tmp_path / "a.json").read_text()) == "old"
