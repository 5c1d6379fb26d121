"""Commands without a reader of their output: results are whole, and the answer alone decides the status."""

import json
import os
import subprocess
import sys

import pytest


def varlab(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "varlab", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | options.pop("env", {}),
        **options,
    )


def without_reader(*arguments):
    """Status and stderr of a command whose stdout is a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    process = varlab(*arguments, stdout=writing)
    os.close(writing)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["advise", "--beta2", "0.9", "--out"], "advice.json"),
        (["verify", "radam.eq6.mean", "--jobs", "1", "--out"], "ledger.json"),
        (["simulate", "--steps", "5", "--trajectories", "50", "--json"], ""),
    ],
    ids=["advise", "verify", "simulate"],
)
def test_files_are_written_when_the_reader_has_left(tmp_path, arguments, kept):
    place = tmp_path / "result"
    status, said = without_reader(*arguments, str(place))
    assert (status, said) == (0, "")
    assert (place / kept).stat().st_size > 0


def test_json_and_lists_without_a_reader_are_no_error():
    assert without_reader("advise", "--beta2", "0.9", "--json", "-")[0] == 0
    assert without_reader("verify", "--list") == (141, "")


@pytest.mark.skipif(os.name == "nt", reason="closes descriptors as a POSIX shell does")
@pytest.mark.parametrize("closed", [1, 2])
def test_closed_streams(tmp_path, closed):
    process = subprocess.run(
        [
            "sh",
            "-c",
            f'"$0" -m varlab advise --beta2 0.9 --out "$1" {closed}>&-',
            sys.executable,
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert (tmp_path / "advice.json").exists()


def test_another_backend_of_the_users_is_left_aside(tmp_path):
    process = varlab(
        "figures", "table2", "--out", str(tmp_path), stdout=subprocess.DEVNULL,
        env={"MPLBACKEND": "nonsense"},
    )  # fmt: skip
    assert process.communicate(timeout=120)[1] == ""
    assert (tmp_path / "table2.png").exists()


@pytest.mark.skipif(os.name == "nt", reason="names there are text")
def test_a_place_whose_name_is_no_utf8(tmp_path):
    place = os.fsencode(tmp_path) + b"/e\xff"
    command = [sys.executable, "-m", "varlab", "audit", "mlp", "--replicas", "3", "--steps", "2"]
    sizes = ["--coordinates", "2", "--option", "hidden=4", "--out"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [*command, *sizes, place], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert sorted(os.listdir(place)) == [b"audit.html", b"audit.json", b"recording.zarr"]
    assert "e\\udcff" in done.stdout
    with open(place + b"/audit.json", encoding="utf-8") as file:
        assert json.load(file)["schema"] == 1
