"""The tests against the built wheel, in an environment of their own: ``python tests/install/fresh.py``.

Builds the source distribution, from it the wheel, installs the wheel with what the tests need in an
empty environment of the Python that runs this script, copies tests/ alone to a temporary folder and
runs pytest there: nothing of the checkout can be imported. The versions are those of constraints.txt,
or with ``--oldest`` the lower bounds of pyproject.toml. Arguments after ``--`` go to pytest. Only the
standard library is needed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
USED = ("tasks", "fast")  # extras that a user installs
EXTRAS = (*USED, "dev")


def lower_bounds(project: dict[str, object]) -> list[str]:
    """What a user installs, each requirement pinned to its lower bound; tools of the tests are free."""
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *(line for name in USED for line in extras[name])]
    return [requirement.replace(">=", "==", 1) for requirement in requirements]


def project_table(root: Path = ROOT) -> dict[str, object]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*command: object, cwd: Path) -> None:
    # Without the caller's paths: what is tested is what was installed.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    subprocess.run([str(c) for c in command], cwd=cwd, env=environment, check=True)


def environment_at(folder: Path, *packages: object) -> Path:
    """The interpreter of a new environment that holds ``packages``."""
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, *packages, cwd=folder)
    return python


def build(folder: Path) -> Path:
    """The wheel, built from the source distribution."""
    builder = environment_at(folder / "builder", "build")
    run(builder, "-m", "build", "--outdir", folder / "dist", ROOT, cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def check(folder: Path, *, oldest: bool, arguments: list[str]) -> int:
    """Build, install and test in ``folder``; pytest's exit status."""
    wheel = build(folder)
    constraints = ROOT / "constraints.txt"
    if oldest:
        constraints = folder / "oldest.txt"
        constraints.write_text("\n".join(lower_bounds(project_table())) + "\n", encoding="utf-8")
    started = time.perf_counter()
    python = environment_at(
        folder / "environment", "--constraint", constraints, f"{wheel}[{','.join(EXTRAS)}]"
    )
    print(f"installed in {time.perf_counter() - started:.0f} s", flush=True)
    alone = folder / "alone"
    shutil.copytree(ROOT / "tests", alone / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    run(python, "-m", "pip", "list", "--disable-pip-version-check", cwd=alone)
    origin = "import varlab, sys; print(sys.version, varlab.__file__)"
    run(python, "-c", f"{origin}; assert 'site-packages' in varlab.__file__", cwd=alone)
    options = ("-c", ROOT / "pyproject.toml", "--rootdir", alone, "tests")
    parallel = ("--numprocesses", "2", "--dist", "loadgroup")
    try:
        run(python, "-m", "pytest", *options, *(arguments or parallel), cwd=alone)
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--oldest", action="store_true", help="the lower bounds of pyproject.toml")
    parser.add_argument("--keep", type=Path, help="work in this new folder, and keep it")
    parser.add_argument("arguments", nargs="*", help="pytest's, after --")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True)
        folder = options.keep.resolve()
        return check(folder, oldest=options.oldest, arguments=options.arguments)
    with tempfile.TemporaryDirectory(prefix="varlab-") as name:
        return check(Path(name), oldest=options.oldest, arguments=options.arguments)


if __name__ == "__main__":
    sys.exit(main())
