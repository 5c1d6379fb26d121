"""The fused kernel in Triton's interpreter on the CPU, against the exact law and against itself."""

import os
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from varlab.core import InputError
from varlab.simulate import Normal, simulate
from varlab.simulate.eager import EagerEngine
from varlab.simulate.moments import Moments
from varlab.simulate.plan import make_plan
from varlab.simulate.request import request

# Two blocks of 272: the second is padded, and 272 is no multiple of the kernel's 256.
N = 540
REQUEST = {"beta2": 0.9, "steps": 7, "trajectories": N, "seed": 1}
LAWS = [Normal(), Normal(1.0)]

# The interpreter must be chosen before Triton is imported: hence a process of its own.
SCRIPT = """
import sys
import numpy as np
import torch
from varlab.simulate import Normal
from varlab.simulate.fused import FusedEngine, obstacle
from varlab.simulate.request import request
from varlab.simulate import blocks as blocks_module
blocks_module.SMALLEST_SPLIT = 64
asked = request([Normal(), Normal(1.0)], beta2=0.9, steps=7, trajectories=540, seed=1)
assert obstacle(asked) is None
engine = FusedEngine(asked, torch.device("cpu"))
blocks = [asked.partition.block(i) for i in range(asked.partition.count)]
together = [m.values for m in engine(blocks)]
alone = engine(blocks[1:])[0].values
counts = [b.size for b in blocks]
np.savez(sys.argv[1], together=np.stack(together), alone=alone, counts=counts)
"""


@pytest.fixture(scope="module")
def fused(tmp_path_factory):
    if find_spec("triton") is None:
        pytest.skip("Triton is not installed: its interpreter cannot run the kernel")
    folder = tmp_path_factory.mktemp("fused")
    (folder / "run.py").write_text(SCRIPT, encoding="utf-8")
    environment = os.environ | {
        "TRITON_INTERPRET": "1",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    subprocess.run(
        [sys.executable, str(folder / "run.py"), str(folder / "out.npz")],
        check=True,
        env=environment,
        timeout=300,
    )
    with np.load(folder / "out.npz") as stored:
        return {name: stored[name] for name in stored.files}


def test_the_number_of_blocks_per_launch_changes_nothing(fused):
    np.testing.assert_array_equal(fused["together"][1], fused["alone"])


def test_it_agrees_with_the_eager_engine(fused):
    """Independent draws: two-sample z of mean and variance at the last step, 12 numbers.

    |z| < 6 has a false-fail rate below 1e-7; it detects shifts of some 8 * sqrt(2/540) = 0.5 standard
    deviations and as much, relative, in a variance.
    """
    asked = request(LAWS, **REQUEST)
    partition = asked.partition
    blocks = [partition.block(i) for i in range(partition.count)]
    eager = Moments.merged(EagerEngine(make_plan(asked, torch.device("cpu")))(blocks))
    parts = zip(fused["counts"].tolist(), fused["together"], strict=True)
    ours = Moments.merged(Moments(count, values) for count, values in parts)
    assert ours.count == eager.count == N
    names = [s.name for s in asked.statistics]
    for name in ("log_psi", "update"):
        at = (names.index(name), slice(None), -1)
        for mine, theirs, my_error, their_error in (
            (ours.mean, eager.mean, ours.mean_stderr, eager.mean_stderr),
            (ours.variance, eager.variance, ours.variance_stderr, eager.variance_stderr),
        ):
            z = (mine[at] - theirs[at]) / np.hypot(my_error[at], their_error[at])
            assert np.abs(z).max() < 6, name
    # at step 1 the update is g over its size; uncorrected, its mean square is (1 - b1)^2/(1 - b2)
    first = names.index("update")
    square = ours.values[1, first, 0, 0] / N + ours.mean[first, 0, 0] ** 2
    assert square == pytest.approx(0.1**2 / 0.1, rel=1e-5)  # float32


def test_it_is_refused_where_it_cannot_run():
    with pytest.raises(InputError, match="engine must be 'eager' or 'auto' here; got 'fused'"):
        simulate(Normal(), beta2=0.9, steps=2, trajectories=2, device="cpu", engine="fused")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here: the kernel is not compiled")
def test_on_a_gpu_it_agrees_with_the_exact_law():
    result = simulate(
        LAWS, beta2=0.999, steps=600, trajectories=200_000, device="cuda", engine="fused"
    )
    assert result.dataset.attrs["engine"] == "fused-cuda"
    comparison = result.compare(false_fail_rate=1e-4)
    assert comparison.agrees, str(comparison)


@pytest.mark.parametrize(
    ("stack", "statistics"), [(4, 4), (8, 1)], ids=["four laws, all statistics", "eight laws, psi"]
)
@pytest.mark.parametrize("capability", [90], ids=["Hopper"])
def test_it_compiles_for_gpus_without_spilling(stack, statistics, capability, tmp_path):
    """The whole way to machine code, which needs no GPU; the interpreter would take more than it does.

    The averages stay in registers only if none of them spills to local memory. What is left there, 32
    bytes a thread (64 by Triton 3.3), is the sine's reduction of huge arguments, which never occur.
    """
    code = f"""
import re, subprocess, triton
from pathlib import Path
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from varlab.simulate.triton_kernel import PROGRAM, moments_kernel
places = dict(PSI=0, LOG_PSI=-1, INVERSE_V=-1, UPDATE=-1)
if {statistics} == 4:
    places = dict(PSI=0, LOG_PSI=1, INVERSE_V=2, UPDATE=3)
constants = dict(places, STATISTICS={statistics}, STACK={stack}, SIZE=PROGRAM)
types = dict(zip(moments_kernel.arg_names, ["*fp32", "*fp32", "*i64", "*i32", "*fp32", "*fp32",
    "i32", "i32", "i32", "fp32", "fp32"]))
source = ASTSource(moments_kernel, types | dict.fromkeys(constants, "constexpr"), constexprs=constants)
done = triton.compile(source, target=GPUTarget("cuda", {capability}, 32))
with open("kernel.cubin", "wb") as file:
    file.write(done.asm["cubin"])
tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
usage = subprocess.run([tool, "-res-usage", "kernel.cubin"], capture_output=True, text=True).stdout
registers, spilled = (int(re.search(name + r":(\\d+)", usage)[1]) for name in ("REG", "STACK"))
print(registers, spilled)
"""
    environment = {
        **os.environ,
        "TRITON_CACHE_DIR": str(tmp_path / "cache"),
        "TRITON_INTERPRET": "0",
    }
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    registers, spilled = map(int, ran.stdout.split())
    assert spilled <= (64 if version("triton").startswith("3.3.") else 32)
    assert registers <= 255


def test_largest_stacks_are_those_that_were_compiled():
    from varlab.simulate.triton_kernel import largest_stack

    assert [largest_stack(n) for n in (1, 2, 3, 4)] == [8, 4, 4, 4]
