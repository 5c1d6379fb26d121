"""``varlab`` in a process of its own, slowed down so that it can be met half-way: ``python slow_runs.py ...``."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SMALL_BLOCK = 256
# Of each write of a store; a run then takes about a second of writing.
PAUSE = 0.08
SIMULATE = [
    "simulate",
    "--trajectories",
    "3000",
    "--steps",
    "50",
    "--device",
    "cpu",
    "--threads",
    "1",
]
AUDIT = ["audit", "mlp", "--option", "hidden=4", "--coordinates", "2"]
ENSEMBLE = [*AUDIT, "--replicas", "3", "--steps", "96"]
STORES = {"simulate": "simulation.zarr", "audit": "recording.zarr"}


def held(out):
    """While this file exists no run on ``out`` gets further than its first write."""
    return Path(out).with_name("held")


def started(command, out, pause=PAUSE):
    """The process, once its store is there."""
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PAUSE": str(pause),
        "HELD": str(held(out)),
    }
    process = subprocess.Popen(
        [sys.executable, __file__, *command, "--out", str(out)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    store = Path(out) / STORES[command[0]]
    deadline = time.monotonic() + 60
    while not store.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def small_blocks():
    from varlab.simulate import blocks

    blocks.LARGEST_BLOCK = SMALL_BLOCK


def slow_down():
    told = []
    from varlab.audit.recorder.storage import RecordingWriter
    from varlab.simulate.store import Store

    for kind, method in ((Store, "write_segment"), (RecordingWriter, "flush")):
        original = getattr(kind, method)

        def slowly(self, *arguments, original=original):
            if not told:
                told.append(print("writing", file=sys.stderr, flush=True))
            while Path(os.environ["HELD"]).exists():
                time.sleep(0.01)
            time.sleep(float(os.environ["PAUSE"]))
            original(self, *arguments)

        setattr(kind, method, slowly)


if __name__ == "__main__":
    from varlab.cli import main

    # A shell starts what it puts into the background, such as a test run, deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    small_blocks()
    slow_down()
    main()
