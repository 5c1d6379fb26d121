"""Damaged chunks are found by their checksum: one line, and the store is left as it was.

Segments of ``simulate`` that are damaged before a resumption are in ``tests/simulate/test_store.py``.
"""

import hashlib
import json

import numpy as np
import pytest

import varlab
from varlab.audit.recorder.storage import RecordingWriter, load
from varlab.cli import run
from varlab.core import InputError
from varlab.simulate import Normal, Simulation, simulate

OPTIONS = {"replicas": 3, "layers": ["a"] * 40, "beta2": 0.999, "protocol": "ensemble"}


def fingerprint(folder):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def chunk(store, array):
    return next(p for p in (store / array / "c").rglob("*") if p.is_file())  # "c": its chunks


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-5])


def empty(path):
    path.write_bytes(b"")


def saved(path):
    values = np.random.default_rng(0).normal(size=(3, 20, 40)).astype(np.float32)
    varlab.Recording.from_arrays(values, OPTIONS["layers"]).save(path)


def written(path):
    rng = np.random.default_rng(0)
    with RecordingWriter(path, **OPTIONS) as out:
        for step in range(20):
            out.write(step + 1, rng.normal(size=(3, 40)))


@pytest.mark.parametrize("damage", [flip, truncate, empty])
@pytest.mark.parametrize("array", ["gradients", "recorded", "step"])
@pytest.mark.parametrize("make", [saved, written])
def test_a_damaged_recording(make, array, damage, tmp_path):
    make(tmp_path / "r")
    damage(chunk(tmp_path / "r", array))
    before = fingerprint(tmp_path)
    with pytest.raises(InputError, match=r"^recording .*r is damaged: .*; record again$") as caught:
        load(tmp_path / "r")
    assert "\n" not in str(caught.value)
    assert fingerprint(tmp_path) == before


@pytest.mark.parametrize("damage", [flip, truncate])
def test_a_damaged_recording_does_not_resume(damage, tmp_path):
    written(tmp_path / "r")
    damage(chunk(tmp_path / "r", "recorded"))
    before = fingerprint(tmp_path)
    with pytest.raises(InputError, match="is damaged"):
        RecordingWriter(tmp_path / "r", resume=True, **OPTIONS)
    assert fingerprint(tmp_path) == before


@pytest.mark.parametrize("key", ["beta2", "protocol", "layers", "statuses", "complete"])
def test_attributes_that_are_gone(key, tmp_path):
    saved(tmp_path / "r")
    meta = json.loads((tmp_path / "r" / "zarr.json").read_text())
    del meta["attributes"][key]
    (tmp_path / "r" / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(InputError, match="is damaged"):
        load(tmp_path / "r")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"zarr_format": 9}'])
def test_metadata_that_cannot_be_read(text, tmp_path):
    saved(tmp_path / "r")
    (tmp_path / "r" / "zarr.json").write_text(text)
    with pytest.raises(InputError, match="is not a recording of varlab"):
        load(tmp_path / "r")


@pytest.mark.parametrize("damage", [flip, truncate, empty])
def test_a_damaged_result_of_a_simulation(damage, tmp_path):
    simulate(
        Normal(), beta2=0.99, steps=40, trajectories=200, device="cpu", out=tmp_path / "s.zarr"
    )
    damage(chunk(tmp_path / "s.zarr", "psi_variance"))
    before = fingerprint(tmp_path)
    with pytest.raises(InputError, match="path must be a store of varlab simulate"):
        Simulation.load(tmp_path / "s.zarr")
    assert fingerprint(tmp_path) == before


@pytest.mark.parametrize("damage", [flip, truncate, empty])
def test_the_command_line_says_so_too(damage, tmp_path, capsys):
    command = ["simulate", "--trajectories", "200", "--steps", "40", "--device", "cpu"]
    assert run([*command, "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    store = tmp_path / "simulation.zarr"
    damage(chunk(store, "partial_moments"))
    before = fingerprint(tmp_path)
    assert run([*command, "--out", str(tmp_path), "--resume"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"varlab: store {store} is damaged: segment 0 cannot be read (")
    assert said.endswith("; remove it and run again\n")
    assert said.count("\n") == 1
    assert fingerprint(tmp_path) == before
