"""``varlab figures``: what it draws, what it computes afresh, and what it refuses."""

import json
from pathlib import Path

import pytest


def test_a_figure_at_other_sizes_goes_to_out(varlab, tmp_path):
    sizes = [
        word
        for size in ("steps=3", "width=4", "seeds=2", "device=auto")
        for word in ("--option", size)
    ]
    ran = varlab("figures", "table3", "--regenerate", "--out", str(tmp_path), *sizes)
    assert ran.status == 0
    data = json.loads((tmp_path / "data" / "table3.json").read_text(encoding="utf-8"))
    assert (
        "--option steps=3 --option width=4 --option seeds=2 --option device=auto" in data["command"]
    )
    assert (tmp_path / "table3.png").exists()
    assert len(list((tmp_path / "runs" / "table3" / "runs").glob("run-*.json"))) == 6


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["fig6", "steps=abc"], "option steps must be a number; got 'abc'"),
        (["fig7", "lengths=(1,2)"], "option lengths must be numbers a/b/c; got '(1,2)'"),
        (["fig6", "rates=0.1/x"], "option rates must be numbers a/b/c; got 'x'"),
        (["fig1", "steps"], "--option has the form name=value; got 'steps'"),
        (
            ["fig6", "fig8", "steps=3"],
            "figure fig8 has no training runs whose sizes could be set; got steps",
        ),
    ],
)
def test_bad_sizes_are_one_line_before_any_run(varlab, tmp_path, words, line):
    *names, option = words
    out = tmp_path / "out"
    ran = varlab("figures", *names, "--regenerate", "--out", out, "--option", option)
    assert (ran.status, ran.err.strip()) == (2, f"varlab: {line}")
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["fig6", "--data", "here"],
        ["fig6", "--regenerate", "--scale", "paper"],
        ["fig6", "--option", "steps=3", "--out", "there"],
    ],
)
def test_sizes_never_touch_the_packages_own_data(varlab, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    ran = varlab("figures", *words)
    assert (ran.status, list(tmp_path.iterdir())) == (2, [])
    assert ran.err.strip() == (
        "varlab: --data, --scale and --option need --regenerate and --out DIR: "
        "the package's own data stays at laptop scale"
    )


def test_an_installed_package_is_not_written_to(varlab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("paper_figures.store.IN_A_CHECKOUT", False)
    assert varlab("figures", "fig8").status == 0
    assert {str(p) for p in Path().rglob("*.*")} == {"figures/fig8.png", "figures/fig8.svg"}
