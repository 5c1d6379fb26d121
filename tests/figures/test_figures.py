"""Every figure: its committed data, drawn without computing, to a picture with something in it."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import paper_figures
from paper_figures.store import NAMES, VERSIONED, figure
from varlab import __version__
from varlab.core import InputError

FOLDER = Path(paper_figures.__file__).parent
LARGEST_FILE = 100_000  # bytes of data a figure may carry in the repository
DETERMINISTIC = ("fig8", "table2", "approximation_errors")  # and quick


@pytest.fixture(scope="module", autouse=True)
def no_screen():
    matplotlib.use("agg")


@pytest.mark.parametrize("name", NAMES)
def test_data_is_small_and_says_how_it_was_made(name):
    path = figure(name).data_path()
    data = json.loads(
        path.read_text(encoding="utf-8"), parse_constant=lambda word: pytest.fail(word)
    )
    assert path.stat().st_size < LARGEST_FILE
    assert data["figure"] == name
    assert data["version"] == __version__
    assert isinstance(data["seed"], int)
    assert set(data["versions"]) == set(VERSIONED)
    assert data["command"].startswith(f"varlab figures {name} --regenerate")


@pytest.mark.parametrize("name", NAMES)
def test_it_draws_something_in_both_formats(name, tmp_path):
    png, svg = figure(name).render(tmp_path)
    pixels = matplotlib.image.imread(png)[..., :3]
    # At least half a percent of the picture is ink: a few lines and letters.
    assert np.mean(np.any(pixels < 0.9, axis=-1)) > 0.005
    assert svg.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize("name", NAMES)
def test_its_renderings_are_committed(name):
    for kind in ("png", "svg"):
        assert (FOLDER / "rendered" / f"{name}.{kind}").stat().st_size > 1000


def test_drawing_needs_no_torch():
    code = (
        "import sys, matplotlib; matplotlib.use('agg')\n"
        "from paper_figures.store import NAMES, figure\n"
        "for name in NAMES:\n"
        "    each = figure(name); each.draw(each.load())\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
        "assert 'scipy' not in sys.modules, 'scipy was imported'\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def imported_in(path: Path, function: str) -> set[str]:
    """Top-level packages that a function of the file imports."""
    (body,) = (
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    names = set()
    for node in ast.walk(body):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("name", NAMES)
def test_computing_and_drawing_are_apart(name):
    path = FOLDER / f"{name}.py"
    assert "matplotlib" not in imported_in(path, "generate")
    assert imported_in(path, "draw") <= {"matplotlib", "paper_figures", "math", "itertools"}


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_what_needs_no_chance_gives_the_committed_data_again(name, tmp_path):
    each = figure(name)
    again = each.regenerate("fast", 0, tmp_path)
    kept = each.load()
    # Which versions made it may differ; that they are named may not.
    for data in (again, kept):
        versions = data.pop("versions")
        assert set(versions) == set(VERSIONED) == {"numpy", "scipy", "torch"}
        assert all(text[0].isdigit() for text in versions.values())
    assert again.keys() == kept.keys()
    same_numbers(again, kept)


def same_numbers(one, other):
    """Equal up to what other builds of SciPy may change in the last kept digits."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            same_numbers(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same_numbers(a, b)
    elif isinstance(one, float) and isinstance(other, float):
        # Eight digits are kept, four of the errors near 0: three of those must agree.
        assert one == pytest.approx(other, rel=1e-3, abs=1e-9)
    else:
        assert one == other


def test_no_module_of_a_figure_is_forgotten():
    helpers = {"__init__", "__main__", "runs", "store", "style"}
    assert {p.stem for p in FOLDER.glob("*.py")} - helpers == set(NAMES)


def test_an_unknown_name_and_missing_data_are_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="no figure 'fig99'"):
        figure("fig99")
    with pytest.raises(InputError, match="no data for figure fig8; add --regenerate"):
        figure("fig8").load(tmp_path)
