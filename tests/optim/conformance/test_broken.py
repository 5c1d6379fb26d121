"""Every deliberately broken RAdam is told apart, with the right finding and a script that shows it."""

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from broken import BROKEN
from textbook import Textbook

from varlab.optim.conformance import Grade, conform

HERE = Path(__file__).parent


def exit_status(script):
    """Run a reproduction here: 0 or 1, or 1 if it raises as the target does."""
    try:
        exec(compile(script, "reproduction", "exec"), {"__name__": "reproduction"})
    except SystemExit as done:
        return done.code
    except Exception:
        return 1
    return 0


def named(factory):
    return f"{factory.__module__}:{factory.__name__}"


@functools.cache
def checked(factory):
    return conform(factory, name=named(factory))


@pytest.mark.parametrize(
    ("factory", "verdict", "sentence"),
    [(factory, *expected) for factory, expected in BROKEN.items()],
    ids=[factory.__name__ for factory in BROKEN],
)
def test_a_broken_radam_is_told_apart(factory, verdict, sentence):
    result = checked(factory)
    assert result.verdict == verdict
    telling = [f for f in result.findings if f.grade is not Grade.DIALECT]
    matching = [f for f in telling if re.search(sentence, f.sentence)]
    assert matching, "\n".join(map(str, telling))
    assert matching[0].grade is (Grade.NOTE if verdict == "conforms-float32" else Grade.FAULT)
    # each finding comes with a script that shows it ...
    shown = [f for f in telling if f.reproduction]
    assert all(f.reproduction for f in result.faults)
    assert [f.sentence for f in shown if exit_status(f.reproduction) != 1] == []


@pytest.mark.parametrize(
    "factory",
    [f for f, (verdict, _) in BROKEN.items() if verdict == "differs"],
    ids=lambda f: f.__name__,
)
def test_its_reproduction_is_silent_on_a_right_one(factory):
    # ... and would not show it in a right optimiser: the script can say no
    result = checked(factory)
    matching = next(f for f in result.faults if re.search(BROKEN[factory][1], f.sentence))
    line = f"from broken import {factory.__name__} as factory"
    assert line in matching.reproduction
    right = matching.reproduction.replace(line, "from textbook import Textbook as factory")
    assert exit_status(right) == 0


def test_the_base_of_the_broken_ones_is_right():
    assert conform(Textbook).verdict == "conforms"


@pytest.mark.parametrize("name", ["MissingRoot", "StepPerGroup", "DecayDoesNothing"])
def test_a_reproduction_stands_alone_in_a_process(name, tmp_path, monkeypatch):
    factory = next(f for f in BROKEN if f.__name__ == name)
    target = f"{HERE / 'broken.py'}:{name}"
    result = conform(factory, name=target)
    script = tmp_path / "reproduction.py"
    script.write_text(result.faults[0].reproduction)
    assert "varlab" not in result.faults[0].reproduction.replace(str(HERE), "")
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1, done.stderr
    assert "expected" in done.stdout


def test_not_radam_is_no_mere_difference():
    result = conform(torch.optim.Adam)
    assert result.verdict == "not-radam"
    assert not result.conforms
    assert result.threshold is None
