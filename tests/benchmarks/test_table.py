"""The table of the benchmarks is kept only whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = """
import conftest
import pytest
def test_one(measured):
    measured("ours", "1 s", "2 s", 2.0, at_least=3)
    assert 2.0 >= 3
def test_other(measured):
    {rest}
    measured("other", "1 s", "1 s", 1.0)
"""


@pytest.mark.parametrize(
    ("rest", "kept"),
    [
        ("pass", True),  # a bound that is missed is a figure
        ("pytest.skip('no GPU here')", True),
        ("pytest.skip(conftest.BUSY.format(1.1))", False),
        ("raise RuntimeError('broken')", False),
    ],
)
def test_a_table_that_lacks_a_row_is_not_kept(tmp_path, rest, kept):
    place, path = tmp_path / "conftest.py", tmp_path / "measured.json"
    place.write_text(Path(__file__).with_name("conftest.py").read_text(encoding="utf-8"))
    (tmp_path / "test_it.py").write_text(BENCHMARK.replace("{rest}", rest))
    path.write_text("as it was")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."]
    ran = subprocess.run(
        [*command, "--measured", path], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ("test_other" in ran.stdout.partition("stays as it was")[2]) != kept
    if kept:
        assert json.loads(path.read_text())["rows"][0]["met"] is False
    else:
        assert path.read_text() == "as it was"
