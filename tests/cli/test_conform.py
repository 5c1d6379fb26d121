"""``varlab conform``: what the command adds to the check itself."""

import json

import pytest

SHIFTED = '''
"""A RAdam that believes it is one step further."""
import torch


class Shifted(torch.optim.RAdam):
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and not self.state[p]:
                    self.state[p] = {
                        "step": torch.tensor(1.0),
                        "exp_avg": torch.zeros_like(p),
                        "exp_avg_sq": torch.zeros_like(p),
                    }
        return super().step(closure)
'''


def test_two_that_conform(varlab):
    done = varlab("conform", "torch.optim:RAdam", "varlab.optim:RAdam", "--json", "-")
    assert done.status == 0
    data = json.loads(done.out)
    assert data["schema"] == 1
    assert [t["verdict"] for t in data["targets"]] == ["conforms", "conforms"]
    assert [t["threshold"] for t in data["targets"]] == [5, 4]
    assert set(data["targets"][0]) == {
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
    }


def test_one_that_differs_exits_1_and_shows_how_to_reproduce_it(varlab, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SHIFTED)
    done = varlab("conform", f"{path}:Shifted", "--out", tmp_path / "out")
    assert done.status == 1
    assert "reproduce with:" in done.out
    kept = json.loads((tmp_path / "out" / "conformance.json").read_text())
    assert kept["targets"][0]["verdict"] != "conforms"


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("torch.optim", "module:name or path/to/file.py:name"),
        ("no_such_module:RAdam", "no_such_module"),
        ("torch.optim:NoSuch", "NoSuch"),
        ("math:pi", "pi"),
        ("builtins:dict", "builtins:dict"),
        ("nowhere.py:RAdam", "nowhere.py"),
    ],
)
def test_bad_targets_are_one_line(varlab, tmp_path, target, line):
    done = varlab("conform", target, "--out", tmp_path / "out")
    assert done.status == 2
    assert line in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_nothing_named_is_one_line(varlab):
    done = varlab("conform")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "name a target" in done.err
