"""Files are whole or absent; errors are one line with value, domain and remedy."""

import os

import pytest

from varlab.core import DomainError, InputError, require
from varlab.core.files import can_write_to, write_atomic


def test_write_replaces_the_whole_file_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "a.json"
    write_atomic(path, "old")
    write_atomic(path, "new")
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_failed_rename_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_atomic(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match=r"cannot write to .*No space left on device"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write to .*file/sub"):
        can_write_to(tmp_path / "file" / "sub")


def test_require_names_value_domain_and_remedy():
    require(True, "beta2", "lie in [0, 1)", 0.5)
    with pytest.raises(DomainError, match=r"^beta2 must lie in \[0, 1\); got 1.2; use 0.999$"):
        require(False, "beta2", "lie in [0, 1)", 1.2, "use 0.999")


def test_long_values_are_cut_to_one_line():
    with pytest.raises(DomainError) as caught:
        require(False, "rho", "be positive", "x" * 500 + "\n")
    assert len(str(caught.value)) < 130
    assert "\n" not in str(caught.value)
