"""``varlab simulate``: lists of values, stores, bad input."""

import json

import pytest

from varlab.cli.simulate import spread

SMALL = ("--trajectories", 2000, "--steps", 12)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--mu 0 0.1 1 --steps 5", "--mu 0 --mu 0.1 --mu 1 --steps 5"),
        ("--mu -1 2", "--mu -1 --mu 2"),
        ("--law normal ar1:phi=0.5", "--law normal --law ar1:phi=0.5"),
        ("--mu 1 --mu 2", "--mu 1 --mu 2"),
        ("--steps 5", "--steps 5"),
    ],
)
def test_one_mention_may_carry_several_values(given, meant):
    assert spread(given.split()) == meant.split()


def test_several_means_and_laws_at_once(varlab):
    done = varlab("simulate", "--mu", 0, 1, "--law", "normal", "student-t:df=5", *SMALL)
    assert done.status == 0
    for setting in ("normal", "normal(mu=1", "student-t"):
        assert setting in done.out


def test_json_is_strict_and_says_whether_it_agrees(varlab):
    done = varlab("simulate", *SMALL, "--json", "-")
    data = json.loads(done.out, parse_constant=lambda name: pytest.fail(name))
    assert data["agrees_with_exact_law"] is True
    assert len(data["rows"]) == 12


def test_a_law_without_an_exact_one_is_simulated_and_not_compared(varlab):
    done = varlab("simulate", "--law", "cauchy", *SMALL, "--json", "-")
    assert done.status == 0
    assert json.loads(done.out)["agrees_with_exact_law"] is None


def test_a_store_is_kept_and_neither_overwritten_nor_mixed_up(varlab, tmp_path):
    assert varlab("simulate", *SMALL, "--out", tmp_path).status == 0
    again = varlab("simulate", *SMALL, "--out", tmp_path)
    assert again.status == 2
    assert again.err.count("\n") == 1
    other = varlab("simulate", *SMALL, "--out", tmp_path, "--resume", "--seed", 1)
    assert other.status == 2
    assert varlab("simulate", *SMALL, "--out", tmp_path, "--resume").status == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--law", "cauchyish"], "law must be one of"),
        (["--law", "student-t:df=x"], "df of student-t must be a number"),
        (["--beta2", "1"], "beta2"),
        (["--steps", "0"], "steps"),
        (["--trajectories", "1"], "trajectories"),
        (["--mu", "nan"], "mu must be finite"),
        (["--statistics", "psi", "kurtosis"], "kurtosis"),
        (["--resume"], "--resume needs --out"),
        (["--device", "cuda"], "cuda"),
        (["--device", "cpu", "--engine", "fused"], "it needs a GPU"),
    ],
)
def test_bad_input_is_one_line(varlab, arguments, line):
    done = varlab("simulate", *arguments)
    assert done.status == 2
    assert line in done.err
    assert done.err.count("\n") == 1


def test_the_laws_are_listed(varlab):
    assert "student-t" in varlab("simulate", "--list").out


def test_too_few_steps_to_compare_are_no_error(varlab, tmp_path):
    ran = varlab(
        "simulate", "--statistics", "psi", "--steps", 4, "--trajectories", 50, "--json", "-"
    )
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["agrees_with_exact_law"] is None
