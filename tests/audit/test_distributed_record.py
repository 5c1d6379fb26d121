"""An ensemble shared by two processes of a torchrun: the bits of one, resumed, refused, failed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from faulty_layers import STATUSES, by_seed

from varlab.audit.recorder import replicas as replicas_module
from varlab.audit.recorder.alike import UnlikeReplicaError
from varlab.audit.recorder.record import record
from varlab.audit.recorder.storage import load
from varlab.core import InputError
from varlab.simulate.distributed import World
from varlab.tasks import builtin

HERE = Path(__file__).resolve()
PATH = os.pathsep.join([str(HERE.parents[2]), str(HERE.parent)])
REPLICAS, STEPS = 20, 6  # three blocks, the last one smaller: the ranks get unequal shares
SCRIPT = """
import json, os, sys
import numpy as np
import torch
from faulty_layers import by_seed
from varlab.audit.recorder import replicas
from varlab.audit.recorder.record import record
from varlab.core import InputError
from varlab.tasks import builtin

mode, out = sys.argv[1], sys.argv[2]
rank = int(os.environ["RANK"])

def failing(seed):
    task = builtin("mlp")(seed)
    batches = iter(task.batches)
    task.batches = [next(batches) for _ in range(2 if rank == 1 else 9)]
    return task

request = {"replicas": 20, "steps": 6, "coordinates": 4}
if mode == "killed" and rank == 0:
    one = replicas._exchanged
    def dying(*arguments):
        for count, rows in enumerate(one(*arguments)):
            if count == 9:
                os._exit(9)
            yield rows
    replicas._exchanged = dying
    from varlab.audit.recorder import storage
    storage.RecordingWriter.__init__.__kwdefaults__["flush_every"] = 2
def recorded(name, factory, **options):
    try:
        recording = record(factory, out=f"{out}{name}.zarr", resume=mode == "resume", **options)
        np.save(f"{out}{name}{rank}", recording.gradients)
        json.dump(recording.statuses, open(f"{out}{name}{rank}.json", "w"))
    except InputError as error:
        open(f"{out}{name}{rank}.txt", "w").write(str(error))

if mode in ("refused", "whole", "resume"):  # several requests, one group for all of them
    torch.distributed.init_process_group("gloo")
if mode == "refused":
    recorded("fails", failing, **request)
    recorded("exists", builtin("mlp"), **request)
    recorded("run", builtin("mlp"), protocol="run", steps=3)
if mode == "resume":
    recorded("faulty", by_seed, **request)
if mode in ("refused", "whole"):
    recorded("apart", builtin("mlp"), vectorised=False, **request)
    recorded("faulty", by_seed, **request)
if mode != "refused":
    recorded("", builtin("mlp"), **request)
"""


def torchrun(tmp_path, mode, out, check=True):
    script = tmp_path / "run.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    return subprocess.run(
        [*command, "2", str(script), mode, str(tmp_path / out)],
        check=check,
        env=os.environ | {"PYTHONPATH": PATH, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def one_process(**options):
    return record(builtin("mlp"), replicas=REPLICAS, steps=STEPS, coordinates=4, **options)


def test_two_processes_record_the_bits_of_one(tmp_path):
    torchrun(tmp_path, "whole", "out")
    for name, options in (("", {}), ("apart", {"vectorised": False})):
        expected = one_process(**options)
        stored = load(tmp_path / f"out{name}.zarr")
        np.testing.assert_array_equal(stored.gradients, expected.gradients)
        assert stored.dataset.attrs["complete"]
        assert stored.dataset.attrs.keys() == expected.dataset.attrs.keys() | {"steps_planned"}
        for rank in "01":
            each = np.load(tmp_path / f"out{name}{rank}.npy")
            np.testing.assert_array_equal(each, expected.gradients)
    expected = record(by_seed, replicas=REPLICAS, steps=STEPS, coordinates=4)
    assert expected.statuses == STATUSES
    assert load(tmp_path / "outfaulty.zarr").statuses == STATUSES
    for rank in "01":
        assert json.loads((tmp_path / f"outfaulty{rank}.json").read_text()) == STATUSES
        each = np.load(tmp_path / f"outfaulty{rank}.npy")
        np.testing.assert_array_equal(each, expected.gradients)


@pytest.mark.parametrize(
    ("faults", "message"),
    [({"a": "torn"}, "a status is one of ok"), ({"b": "sparse"}, "b is not in all of them")],
)
def test_a_message_that_cannot_be_written_is_told_to_the_others(faults, message):
    heard = []

    class Two(World):
        def gather(self, values, shape, device):
            heard.append(values)
            return [values, values]

    rows = replicas_module.Rows(range(1), 1, np.ones((1, 2), dtype=np.float32), faults)
    with pytest.raises(InputError, match=message):
        list(replicas_module._exchanged(iter([rows]), Two(size=2), ["a"], 2, np.float32))
    assert [one[0] for one in heard] == [replicas_module.FAILED]


def test_a_replica_unlike_the_first_is_so_for_the_other_ranks_too():
    """Rank 0, which has the store, must learn that it is of no use."""
    states = []

    class Two(World):
        def gather(self, values, shape, device):
            states.append(values[0])
            unlike = np.zeros(shape)
            unlike[0] = replicas_module.UNLIKE
            return [values, unlike]

    def differs():
        raise UnlikeReplicaError("weight has another shape")
        yield

    with pytest.raises(UnlikeReplicaError, match="another shape"):
        list(replicas_module._exchanged(differs(), Two(size=2), ["a"], 2, np.float32))
    with pytest.raises(UnlikeReplicaError, match="rank 1 failed; its own message says why"):
        list(replicas_module._exchanged(iter(()), Two(size=2), ["a"], 2, np.float32))
    assert states == [replicas_module.UNLIKE, replicas_module.DONE]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_message_keeps_the_precision_of_its_rows(dtype):
    rows = replicas_module.Rows(
        range(3, 5), 7, np.full((2, 4), 1 / 3, dtype=dtype), {"a": "late(step 7)"}
    )
    message = replicas_module._message(rows, ["a"], 4)
    heard = replicas_module._rows(message, ["a"], 4, dtype)
    assert (heard.replicas, heard.step, heard.faults) == (rows.replicas, rows.step, rows.faults)
    assert heard.values.dtype == dtype
    np.testing.assert_array_equal(heard.values, rows.values)


def test_a_kill_is_resumed_by_two_processes_to_the_same_bits(tmp_path):
    killed = torchrun(tmp_path, "killed", "out", check=False)
    assert killed.returncode != 0
    partial = load(tmp_path / "out.zarr")
    assert not partial.dataset.attrs["complete"]
    request = {"replicas": REPLICAS, "steps": STEPS, "coordinates": 4}
    record(by_seed, out=tmp_path / "outfaulty.zarr", **request)
    torchrun(tmp_path, "resume", "out")
    for rank in "01":  # nothing was left to run: the statuses are those of the store
        assert json.loads((tmp_path / f"outfaulty{rank}.json").read_text()) == STATUSES
    expected = one_process().gradients
    np.testing.assert_array_equal(load(tmp_path / "out.zarr").gradients, expected)
    for rank in "01":
        np.testing.assert_array_equal(np.load(tmp_path / f"out{rank}.npy"), expected)


def test_refusals_reach_both_processes_and_the_next_request_runs(tmp_path):
    (tmp_path / "outexists.zarr").mkdir()
    torchrun(tmp_path, "refused", "out")

    def said(name):
        return [(tmp_path / f"out{name}{rank}.txt").read_text() for rank in "01"]

    failed, why = said("fails")
    assert failed == "rank 1 failed; its own message says why"
    assert why.startswith("the batches ended before step 3")
    refused, told = said("exists")
    assert "exists; choose another place or resume it" in refused
    assert told == "out must be a store that rank 0 can open; its error says more"
    for text in said("run"):
        assert text.startswith("protocol run is one run, which processes cannot share")
    assert load(tmp_path / "outapart.zarr").dataset.attrs["complete"]
