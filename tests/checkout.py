"""The checkout around the tests: README, notebooks, build files. Tests of an installed wheel have none."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
reads_the_checkout = pytest.mark.skipif(
    not (ROOT / "pyproject.toml").is_file(),
    reason="reads the repository's README, notebooks or build files: they are no part of the wheel",
)
