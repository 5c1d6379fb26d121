"""The result depends on the seed and the request alone: bit for bit."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from varlab.simulate import AR1, Normal, StudentT, simulate
from varlab.simulate import blocks as blocks_module
from varlab.simulate.blocks import Partition
from varlab.simulate.noise import Noise, stream_seed

REQUEST = {"beta2": [0.99, 0.5], "steps": 21, "trajectories": 5000, "seed": 7}
LAWS = [Normal(), Normal(0.1), StudentT(4.0), AR1(0.3)]


@pytest.fixture
def many_small_blocks(monkeypatch):
    monkeypatch.setattr(blocks_module, "LARGEST_BLOCK", 256)


def same(a, b):
    return all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)


@pytest.fixture
def asked(engine):
    return REQUEST | {"engine": engine}


@pytest.fixture
def reference(many_small_blocks, asked):
    return simulate(LAWS, threads=1, chunk=1, **asked).dataset


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_threads_and_chunks_change_nothing(reference, asked, threads, chunk):
    assert same(reference, simulate(LAWS, threads=threads, chunk=chunk, **asked).dataset)


def test_torch_settings_of_the_caller_neither_matter_nor_change(reference, asked):
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("medium")
    torch.manual_seed(123)
    state = torch.get_rng_state()
    try:
        assert same(reference, simulate(LAWS, threads=2, **asked).dataset)
        assert torch.get_num_threads() == 1
        assert torch.get_float32_matmul_precision() == "medium"
        assert torch.equal(state, torch.get_rng_state())
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def test_another_seed_gives_another_result(reference, asked):
    other = simulate(LAWS, **(asked | {"seed": 8})).dataset
    assert not same(reference, other)


def test_the_grouping_of_steps_does_not_move_the_draws():
    block = Partition(3000).block(0)
    fine, coarse = Noise(1, block, 4), Noise(1, block, 16)
    coarse.advance()
    rows = []
    for _ in range(4):
        fine.advance()
        rows.append(fine.normals.clone())
    torch.testing.assert_close(torch.cat(rows), coarse.normals, rtol=0, atol=0)


def test_streams_never_share_a_seed():
    seeds = [stream_seed(0, b, s, bits=32) for b in range(5000) for s in range(3)]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("trajectories", [2, 17, 2047, 2048, 5000, 65_537, 10**7, 10**9 + 7])
def test_the_partition_covers_every_trajectory_once(trajectories):
    partition = Partition(trajectories)
    last = partition.block(partition.count - 1)
    assert last.start + last.size == trajectories
    assert 0 < last.size <= last.width
    assert partition.width % 16 == 0
    assert partition.width <= blocks_module.LARGEST_BLOCK + 16
    assert partition.segments <= 64
    ranges = [partition.segment(i) for i in range(partition.segments)]
    assert [r.start for r in ranges[1:]] == [r.stop for r in ranges[:-1]]
    assert ranges[-1].stop == partition.count


SCRIPT = """
import sys
import numpy as np
from varlab.simulate import AR1, Normal, StudentT, simulate
from varlab.simulate import blocks
blocks.LARGEST_BLOCK = 256
laws = [Normal(), Normal(0.1), StudentT(4.0), AR1(0.3)]
data = simulate(laws, beta2=[0.99, 0.5], steps=21, trajectories=5000, seed=7, device="cpu",
                engine=sys.argv[2], out=sys.argv[1] + ".zarr").dataset
assert ("numba" in sys.modules) == (sys.argv[2] == "compiled"), "numba is loaded where it is used"
import os
np.savez(sys.argv[1] + os.environ.get("RANK", ""), **{k: v.values for k, v in data.data_vars.items()})
"""


def test_two_processes_give_the_bits_of_one(reference, asked, tmp_path):
    script = tmp_path / "run.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    subprocess.run(
        [*command, str(script), str(tmp_path / "out"), asked["engine"]],
        check=True,
        env=environment,
        capture_output=True,
        timeout=300,
    )
    for rank in "01":
        with np.load(tmp_path / f"out{rank}.npz") as stored:
            assert same(reference.data_vars, stored)
    resumed = simulate(LAWS, out=tmp_path / "out.zarr", resume=True, device="cpu", **asked)
    assert same(reference, resumed.dataset)
