"""Runs that are killed and resumed, and stores that are not ours or not whole."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from varlab.core import InputError
from varlab.simulate import Normal, Simulation, simulate
from varlab.simulate import blocks as blocks_module

REQUEST = {"beta2": 0.99, "steps": 40, "trajectories": 40_000, "seed": 2, "device": "cpu"}

SCRIPT = """
import sys, time
from varlab.simulate import Normal, simulate
from varlab.simulate import blocks
blocks.LARGEST_BLOCK = 256
blocks.SEGMENTS = 12

def slowly(progress):
    print(progress.done, flush=True)
    time.sleep(0.005)

simulate([Normal(), Normal(1.0)], beta2=0.99, steps=40, trajectories=40_000, seed=2, device="cpu",
         engine=sys.argv[2], out=sys.argv[1], resume=True, progress=slowly)
"""


@pytest.fixture(autouse=True)
def many_small_blocks(monkeypatch):
    monkeypatch.setattr(blocks_module, "LARGEST_BLOCK", 256)
    monkeypatch.setattr(blocks_module, "SEGMENTS", 12)


def run(path=None, **changes):
    return simulate([Normal(), Normal(1.0)], out=path, **(REQUEST | changes))


def same(a, b):
    return all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)


def fingerprint(path):
    files = sorted(p for p in Path(path).rglob("*") if p.is_file())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_killed_twice_and_resumed_gives_the_bits_of_an_uninterrupted_run(tmp_path, engine):
    store, script = tmp_path / "run.zarr", tmp_path / "run.py"
    script.write_text(SCRIPT, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, str(script), str(store), engine],
            env=environment,
            stdout=subprocess.PIPE,
        ) as process:
            for _ in range(40):
                assert process.stdout.readline()
            time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    chunks = [p for p in (store / "partial_moments" / "c").iterdir() if p.name.isdigit()]
    assert 0 < len(chunks) < 12  # killed in the middle
    seen = []
    resumed = run(store, resume=True, progress=seen.append, engine=engine)
    assert seen[0].done > 1000  # it did continue
    assert same(run(engine=engine).dataset, resumed.dataset)
    assert same(resumed.dataset, Simulation.load(store).dataset)


def test_a_store_is_labelled_and_opens_with_xarray(tmp_path):
    result = run(tmp_path / "run.zarr")
    with xr.open_zarr(tmp_path / "run.zarr", consolidated=False) as stored:
        assert stored["psi_variance"].dims == ("setting", "step")
        assert json.loads(stored.attrs["request"])["trajectories"] == 40_000
        assert stored.attrs["seed"] == 2
        assert "torch" in json.loads(stored.attrs["versions"])
        assert stored.attrs["device"].startswith("cpu")
    assert Simulation.load(tmp_path / "run.zarr").request == result.request


def test_resuming_a_finished_run_computes_nothing(tmp_path):
    first = run(tmp_path / "run.zarr")
    calls = []
    again = run(tmp_path / "run.zarr", resume=True, progress=calls.append)
    assert calls == []
    assert same(first.dataset, again.dataset)


def test_another_engine_is_refused(tmp_path):
    pytest.importorskip("numba", reason="numba is not installed: no compiled engine")
    run(tmp_path / "run.zarr", engine="eager")
    before = fingerprint(tmp_path)
    with pytest.raises(InputError) as caught:
        run(tmp_path / "run.zarr", engine="compiled", resume=True)
    assert str(caught.value) == (
        f"resume must repeat the request of {tmp_path / 'run.zarr'}; "
        'engine is "eager-cpu" there and "compiled-cpu" here; name the engine and device of the store'
    )
    assert fingerprint(tmp_path) == before


def test_an_existing_store_is_refused_without_resume(tmp_path):
    run(tmp_path / "run.zarr")
    before = fingerprint(tmp_path)
    with pytest.raises(InputError, match=r"out must not exist; got .*; resume it"):
        run(tmp_path / "run.zarr")
    assert fingerprint(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 3}, "request.seed is 2 there and 3 here"),
        ({"steps": 41}, "request.steps is 40 there and 41 here"),
        ({"beta2": 0.9}, "request.settings is "),
    ],
)
def test_another_request_is_refused(tmp_path, change, named):
    run(tmp_path / "run.zarr")
    before = fingerprint(tmp_path)
    with pytest.raises(InputError, match=named):
        run(tmp_path / "run.zarr", resume=True, **change)
    assert fingerprint(tmp_path) == before


def foreign_file(path):
    path.write_text("mine", encoding="utf-8")


def foreign_folder(path):
    path.mkdir()
    (path / "thesis.txt").write_text("mine", encoding="utf-8")


def foreign_zarr(path):
    xr.Dataset({"x": ("y", np.arange(3))}).to_zarr(path, consolidated=False)


@pytest.mark.parametrize("make", [foreign_file, foreign_folder, foreign_zarr])
def test_a_foreign_store_is_left_untouched(tmp_path, make):
    make(tmp_path / "run.zarr")
    before = fingerprint(tmp_path)
    with pytest.raises(InputError, match="out must be a store of varlab simulate"):
        run(tmp_path / "run.zarr", resume=True)
    assert fingerprint(tmp_path) == before


def cut_segment(path):
    chunk = next(p for p in (path / "partial_moments" / "c" / "3").rglob("*") if p.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-40])


def flip_segment(path):
    chunk = next(p for p in (path / "partial_moments" / "c" / "3").rglob("*") if p.is_file())
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 0xFF
    chunk.write_bytes(bytes(data))


def lose_request(path):
    meta = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    meta["attributes"]["request"] = "{"
    (path / "zarr.json").write_text(json.dumps(meta), encoding="utf-8")


def lose_array(path):
    (path / "partial_moments" / "zarr.json").unlink()


@pytest.mark.parametrize("damage", [cut_segment, flip_segment, lose_request, lose_array])
def test_a_damaged_store_is_left_untouched(tmp_path, damage):
    run(tmp_path / "run.zarr")
    damage(tmp_path / "run.zarr")
    before = fingerprint(tmp_path)
    with pytest.raises(InputError, match=r"is damaged: .*; remove it and run again"):
        run(tmp_path / "run.zarr", resume=True)
    assert fingerprint(tmp_path) == before


def test_a_path_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    before = fingerprint(tmp_path)
    with pytest.raises(
        InputError, match=r"cannot write to .*run\.zarr: Not a directory; choose another place"
    ):
        run(tmp_path / "file" / "run.zarr")
    assert fingerprint(tmp_path) == before


def test_loading_what_is_no_finished_store(tmp_path):
    with pytest.raises(InputError, match="path must be a store of varlab simulate"):
        Simulation.load(tmp_path / "nothing.zarr")
