"""Loading the user's own objects by name."""

import re

import pytest

from varlab.core import InputError
from varlab.core.targets import load_callable, load_object


def test_modules_and_files_are_loaded(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("class Box:\n    size = 3\n")
    assert load_object("math:pi") > 3
    assert load_object(f"{path}:Box.size") == 3
    assert load_callable(f"{path}:Box").__name__ == "Box"


def test_two_files_of_one_name_stay_apart(tmp_path):
    for folder, value in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(f"value = {value}\n")
    assert [load_object(f"{tmp_path}/{f}/mine.py:value") for f in "ab"] == [1, 2]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        *(
            (
                bad,
                rf"a target has the form module:name or path/to/file\.py:name; got '{re.escape(bad)}'$",
            )
            for bad in (
                "math",
                ":x",
                "math:",
                "math::pi",
                "math:.pi",
                "math:pi.",
                "./:x",
                "/tmp:x",
                "tmp/a:x",
                ".:x",
                ".math:x",
                "os..path:x",
                " :x",
                ":",
                "",
                "nowhere.py:",
            )
        ),
        ("no_such_module:f", "cannot import no_such_module: ModuleNotFoundError"),
        ("math:no_such", "math has no 'no_such'"),
        ("math:pi", "math:pi is a float, not callable"),
        ("nowhere.py:f", "no file nowhere.py"),
    ],
)
def test_bad_targets_are_one_clear_line(target, message):
    with pytest.raises(InputError, match=message) as caught:
        load_callable(target)
    assert "\n" not in str(caught.value)


def test_a_file_that_raises_is_one_clear_line(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("raise RuntimeError('first\\nsecond')\n")
    with pytest.raises(InputError, match=r"cannot import .*bad.py: RuntimeError: first second"):
        load_object(f"{path}:x")
