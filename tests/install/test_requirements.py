"""The requirements: lower bounds that a resolver can pin, installed by constraints.txt, and tried Pythons."""

import re
from importlib.metadata import version

import pytest
from checkout import ROOT, reads_the_checkout
from fresh import EXTRAS, lower_bounds, project_table
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

pytestmark = reads_the_checkout
TRIED = ("3.11", "3.12", "3.13")  # by hand: `make wheel-test PYTHON=...` for each


def every_requirement():
    project = project_table()
    extras = project["optional-dependencies"].values()
    return [*project["dependencies"], *(line for extra in extras for line in extra)]


def test_each_requirement_is_one_lower_bound():
    wrong = [
        line
        for line in every_requirement()
        if not re.fullmatch(r">=[\d.]+", str(Requirement(line).specifier))
    ]
    assert wrong == []


def test_the_oldest_versions_are_the_lower_bounds():
    project = project_table()
    pins = [Requirement(line) for line in lower_bounds(project)]
    stated = [Requirement(line) for line in every_requirement()]
    bounds = {r.name: str(r.specifier).removeprefix(">=") for r in stated}
    assert {r.name: str(r.specifier) for r in pins} == {r.name: f"=={bounds[r.name]}" for r in pins}
    assert {r.name for r in pins} > {Requirement(line).name for line in project["dependencies"]}


def pinned():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {re.sub(r"[-_.]+", "-", r.name).lower(): r.specifier for r in pins}


def test_the_constraints_pin_what_is_required_within_its_bounds():
    project = project_table()
    needed = [*project["dependencies"]]
    for extra in EXTRAS:
        needed += project["optional-dependencies"][extra]
    for line in needed:
        requirement = Requirement(line)
        pin = pinned()[re.sub(r"[-_.]+", "-", requirement.name).lower()]
        (version_,) = (s.version for s in pin)
        assert requirement.specifier.contains(version_), line


def test_the_installed_versions_are_allowed():
    for line in project_table()["dependencies"]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(Version(version(requirement.name)), prereleases=True)


@pytest.mark.parametrize("minor", TRIED)
def test_a_python_that_was_tried_is_allowed_and_named(minor):
    project = project_table()
    assert SpecifierSet(project["requires-python"]).contains(f"{minor}.0")
    assert f"Programming Language :: Python :: {minor}" in project["classifiers"]


def test_no_python_is_named_that_was_not_tried():
    prefix = "Programming Language :: Python :: 3."
    named = [c.removeprefix(prefix) for c in project_table()["classifiers"] if c.startswith(prefix)]
    assert [f"3.{minor}" for minor in named] == list(TRIED)
