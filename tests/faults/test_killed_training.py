"""Training runs on one folder, as ``verify --budget full`` and ``figures --regenerate`` keep them:

killed at random moments and taken up again, and two at once. A finished run is a file, written beside and
renamed, and each is a function of its seed, so that whoever comes second finds what it would have written.
"""

import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
import torch

from varlab.tasks import builtin
from varlab.tasks.training import Arm, Experiment, train

SEEDS, STEPS = 6, 30


def experiment():
    arms = (Arm("Adam", torch.optim.Adam), Arm("SGD", partial(torch.optim.SGD, lr=0.1)))
    return Experiment("killed", builtin("mlp", hidden=4), arms, STEPS, SEEDS)


CODE = """
import sys; sys.path.insert(0, {folder!r})
from test_killed_training import experiment, train
print("go", flush=True)
train(experiment(), out={out!r})
"""


def started(out):
    code = CODE.format(folder=__file__.rpartition("/")[0], out=str(out))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "go\n"
    return process


@pytest.mark.timeout(180)
def test_training_killed_and_doubled(tmp_path):
    whole, out = train(experiment()), tmp_path / "runs"
    for wait in np.random.default_rng(0).uniform(0, 0.3, 3):
        process = started(out)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    both = [started(out), started(out)]
    for process in both:
        process.communicate(timeout=120)
    assert [process.returncode for process in both] == [0, 0]
    kept = {path: path.read_bytes() for path in out.rglob("*.json")}
    assert len(kept) == 2 * SEEDS + 1  # a head and a file a run
    assert train(experiment(), out=out).identical(whole)
    assert {path: path.read_bytes() for path in out.rglob("*.json")} == kept
