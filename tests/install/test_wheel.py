"""The wheel: everything in it that the package needs, nothing else, and it works away from the sources.

``make wheel-test`` installs it and runs all tests against it; here it is built and unpacked.
"""

import email
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from checkout import ROOT, reads_the_checkout
from packaging.requirements import Requirement

from varlab import __version__

pytestmark = [reads_the_checkout, pytest.mark.xdist_group("wheel")]  # built once
PACKAGES = ("varlab", "paper_figures")
METADATA = f"varlab-{__version__}.dist-info"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, unpacked."""
    pytest.importorskip("hatchling", reason="hatchling is not installed (extra 'dev')")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def files(folder):
    paths = (p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {p.relative_to(folder).as_posix() for p in paths}


def flaws(content, source):
    """Files that the wheel lacks or should not have, beside its metadata."""
    wanted = {f"{package}/{name}" for package in PACKAGES for name in files(source / package)}
    present = {name for name in content if not name.startswith(METADATA)}
    return sorted(wanted ^ present)


def test_it_holds_the_packages_whole_and_nothing_else(wheel):
    assert flaws(files(wheel), ROOT) == []
    kinds = {Path(name).suffix for name in files(wheel) if not name.startswith(METADATA)}
    assert kinds == {".py", ".json", ".css", ".png", ".svg", ".typed"}


@pytest.mark.parametrize(
    "changed",
    [
        lambda content: content - {"varlab/claims/released_ledger.json"},
        lambda content: content - {"varlab/py.typed"},
        lambda content: content | {"tests/conftest.py"},
    ],
)
def test_a_file_too_few_or_too_many_is_a_flaw(wheel, changed):
    assert len(flaws(changed(files(wheel)), ROOT)) == 1


def test_its_metadata_are_those_of_the_project(wheel):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {n for n in files(wheel) if n.startswith(METADATA)} == {
        f"{METADATA}/{name}"
        for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    }
    text = (wheel / METADATA / "METADATA").read_text(encoding="utf-8")
    metadata = email.message_from_string(text)
    assert metadata["Name"] == "varlab"
    assert metadata["Version"] == __version__
    assert metadata["Requires-Python"] == project["requires-python"]
    assert metadata["License-Expression"] == project["license"]
    assert set(metadata.get_all("Classifier")) == set(project["classifiers"])
    required = [Requirement(line) for line in metadata.get_all("Requires-Dist")]
    always = {(r.name, str(r.specifier)) for r in required if "extra" not in str(r.marker)}
    stated = [Requirement(line) for line in project["dependencies"]]
    assert always == {(r.name, str(r.specifier)) for r in stated}
    assert metadata.get_payload().startswith("# varlab")
    scripts = (wheel / METADATA / "entry_points.txt").read_text(encoding="utf-8")
    assert "varlab = varlab.cli:main" in scripts


# -I leaves out PYTHONPATH and the current folder; an editable installation is on the path all the same.
ALONE = """
import sys
from pathlib import Path
wheel, source, out = sys.argv[1:]
sys.path[:] = [wheel, *(p for p in sys.path if not Path(p, "varlab").is_dir())]
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in repr(f)]
import varlab, paper_figures
assert varlab.__file__ == str(Path(wheel, "varlab", "__init__.py")), varlab.__file__
"""


def alone(wheel, code, out):
    """What ``code`` prints in a process that finds the unpacked wheel, and not the checkout."""
    command = [sys.executable, "-I", "-c", ALONE + code, str(wheel), str(ROOT), str(out)]
    done = subprocess.run(command, cwd=out, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_theory_and_numerics_compute(wheel, tmp_path):
    code = (
        "from varlab.numerics import AdaptiveRate, psi_variance\n"
        "from varlab.theory.catalogue import derivation\n"
        "print(round(float(psi_variance(5.0)), 6), AdaptiveRate(t=10, beta2=0.999).var() > 0)\n"
        "print(all(derivation('inverse_chi.law').check()))\n"
        "print([m for m in sys.modules if str(getattr(sys.modules[m], '__file__', '') or '')"
        ".startswith((source + '/varlab', source + '/paper_figures'))])\n"
    )
    assert alone(wheel, code, tmp_path) == "0.251956 True\nTrue\n[]\n"


def test_its_command_line_has_its_data(wheel, tmp_path):
    code = (
        "from varlab.cli import run\n"
        "assert run(['advise', '--beta2', '0.999']) == 0\n"
        "assert run(['verify', 'radam.eq4.centre-of-mass', '--jobs', '1', '--out', out]) == 0\n"
        "assert run(['figures', 'fig8', '--out', out]) == 0\n"
    )
    printed = alone(wheel, code, tmp_path)
    assert "adaptive from t = 5" in printed
    assert "1 claims: 1 holds" in printed
    assert {"report.html", "ledger.json", "fig8.png"} <= {p.name for p in tmp_path.iterdir()}
    assert "<style>" in (tmp_path / "report.html").read_text(encoding="utf-8")
