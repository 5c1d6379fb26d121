"""Targets that cannot be checked, and what a result looks like."""

import json
from importlib.metadata import version

import numpy as np
import pytest
import torch
from textbook import Textbook

from varlab.core import InputError
from varlab.optim.conformance import Conformance, conform, load_target

KEYS = [
    "target",
    "version",
    "verdict",
    "threshold",
    "first_adaptive_step",
    "max_relative_error",
    "early_phase",
    "shift",
    "eps_placement",
    "weight_decay",
    "findings",
]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("torch.optim", r"a target has the form module:name or path/to/file\.py:name; got 'torch"),
        (":RAdam", "a target has the form module:name"),
        ("no_such_module:RAdam", "cannot import no_such_module"),
        ("torch.optim:NoSuch", "torch.optim has no 'NoSuch'"),
        ("math:pi", "not callable"),
        ("no_such_file.py:RAdam", "no file no_such_file.py"),
        ("builtins:list", "no optimiser; return a torch.optim.Optimizer"),
        ("torch.nn:Linear", r"factory\(params\) raises TypeError"),
    ],
)
def test_a_bad_target_is_one_clear_line(target, message):
    with pytest.raises(InputError, match=message) as caught:
        load_target(target)
    assert "\n" not in str(caught.value)


def test_a_target_in_a_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import torch\nclass Mine(torch.optim.RAdam):\n    pass\n")
    target = f"{path}:Mine"
    result = conform(load_target(target), name=target)
    assert result.conforms
    assert (result.target, result.version) == (target, "")


def test_without_a_learning_rate_there_is_nothing_to_check():
    class Rateless(torch.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {})

        def step(self):
            pass

    with pytest.raises(InputError, match="the factory must take lr"):
        conform(Rateless)


def test_json_has_the_agreed_keys_and_only_plain_values():
    result = conform(torch.optim.RAdam, name="torch.optim:RAdam")
    data = result.to_json_dict()
    assert list(data) == KEYS
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["target"] == "torch.optim:RAdam"
    assert data["threshold"] == 5
    assert data["first_adaptive_step"]["0.61"] is None
    assert data["max_relative_error"]["0.61"] is None
    assert data["version"] == version(
        "torch"
    )  # of the distribution: without its +cpu on some indexes
    other = conform(torch.optim.Adam).to_json_dict()
    assert (other["threshold"], other["shift"]) == ("other", None)
    json.dumps(other, allow_nan=False)


def test_a_result_prints_itself_draws_itself_and_stays_as_it_is():
    result = conform(Textbook, name="textbook:Textbook")
    assert isinstance(result, Conformance)
    assert str(result) == result.summary()
    assert "textbook:Textbook: conforms" in str(result)
    with pytest.raises(AttributeError):
        result.verdict = "differs"
    axes = result.plot()
    assert len(axes.lines) == len(result.factors)
    assert np.nanmax(result.factors[0.9]) <= 1


def test_progress_is_told():
    said = []
    conform(Textbook, progress=said.append)
    assert said[0].startswith("r_t at beta2")
    assert "weight decay" in said


def test_float32_is_used_where_float64_is_refused():
    class OnlySingle(Textbook):
        def step_one(self, p, group):
            if p.dtype is not torch.float32:
                raise TypeError("float32 only")
            super().step_one(p, group)

    result = conform(OnlySingle)
    assert result.verdict == "conforms", str(result)
    assert any("float64 parameters are refused" in f.sentence for f in result.findings)
