"""``varlab verify``: exit statuses, files, and one clear line for bad input."""

import json
import os
import subprocess
import sys

import pytest
from typer.main import get_command

from varlab import __version__
from varlab.cli import app

IDS = ("radam.eq6.mean", "radam.appA.eq10")
TRAINED = "radam.table3"  # by training alone


def test_two_claims_are_printed_with_their_evidence(varlab):
    done = varlab("verify", *IDS, "--jobs", 1)
    assert done.status == 0
    for text in (*IDS, "holds", "fails", "symbolic", "2 claims: 1 holds, 1 fails"):
        assert text in done.out


def test_out_gets_the_three_files(varlab, tmp_path):
    done = varlab("verify", *IDS, "--jobs", 1, "--out", tmp_path / "new" / "place")
    assert done.status == 0
    files = sorted(p.name for p in (tmp_path / "new" / "place").iterdir())
    assert files == ["ledger.json", "ledger.tex", "report.html"]


def test_json_on_stdout_is_nothing_but_json(varlab):
    done = varlab("verify", *IDS, "--jobs", 1, "--json", "-", "--seed", 3)
    data = json.loads(done.out)
    assert [c["id"] for c in data["claims"]] == list(IDS)
    assert data["seed"] == 3


def test_list_prints_ids_only(varlab):
    done = varlab("verify", "radam.appA.*", "--list")
    assert done.out.split() == [
        "radam.appA.digamma-bounds",
        "radam.appA.duplication",
        "radam.appA.eq9",
        "radam.appA.eq10",
    ]


def test_a_verdict_that_differs_from_the_released_one_exits_1(varlab, monkeypatch):
    from varlab.claims import ledger

    monkeypatch.setattr(ledger, "committed_verdicts", lambda: {IDS[0]: "fails"})
    done = varlab("verify", IDS[0], "--jobs", 1)
    assert done.status == 1
    assert f"differs: {IDS[0]} is holds, released as fails" in done.out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["verify", "no.such.claim"], "no claim matches 'no.such.claim'"),
        (["verify", "--budget", "huge"], "huge"),
        (["verify", "--seed", "-1"], "Invalid value for '--seed'"),
        (["verify", "radam.eq6.mean", "--json", ""], "--json needs a file's path"),
        (["verify", "--seed", "x"], "Invalid value for '--seed'"),
        (["verify", "--jobs", "0", "radam.eq6.mean"], "jobs must be an integer >= 1; got 0"),
        (["verify", "--nonsense"], "No such option"),
        (["no-such-command"], "No such command"),
        (["figures", "fig99"], "no figure 'fig99'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(varlab, tmp_path, arguments, line):
    out = tmp_path / "out"
    done = varlab(*arguments, *(["--out", out] if arguments[0] == "verify" else []))
    assert done.status == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert line in done.err
    assert not out.exists()


def test_an_unwritable_out_is_refused_before_any_work(varlab, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = varlab("verify", IDS[0], "--out", tmp_path / "file")
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "cannot write to" in done.err
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_out_is_refused(varlab, tmp_path):
    tmp_path.chmod(0o500)
    assert varlab("verify", IDS[0], "--out", tmp_path / "out").status == 2


def test_json_to_a_missing_directory_is_refused(varlab, tmp_path):
    done = varlab("verify", IDS[0], "--json", tmp_path / "no" / "a.json")
    assert done.status == 2
    assert "no directory" in done.err


def test_the_installed_command_has_no_traceback():
    command = [sys.executable, "-m", "varlab", "verify", "no.such.claim"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_every_command_has_help(varlab):
    overview = varlab("--help")
    assert overview.status == 0
    for name in ("verify", "advise", "figures"):
        assert name in overview.out
        done = varlab(name, "--help")
        assert done.status == 0
        assert "--seed" in done.out


def test_the_overview_cuts_no_summary_at_80_columns(varlab, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    overview = varlab("--help").out
    assert max(map(len, overview.splitlines())) <= 80
    rows = overview[overview.index("Commands:") :].splitlines()[1:]
    assert len(rows) == len(get_command(app).commands)
    assert [row for row in rows if "..." in row or not row.endswith(".")] == []


def test_the_version_is_printed_alone(varlab):
    done = varlab("--version")
    assert (done.status, done.out, done.err) == (0, f"{__version__}\n", "")


def test_a_claim_that_training_decides_says_what_would_decide_it(varlab, tmp_path):
    done = varlab("verify", IDS[0], TRAINED, "--jobs", 1, "--seed", 3, "--out", tmp_path)
    assert done.status == 0
    assert "2 claims: 1 holds; 1 not run: add --budget full\n" in done.out
    assert "needs a larger budget: --budget full" in done.out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"Decide it: <code>varlab verify {TRAINED} --seed 3 --budget full</code>" in page
    assert f"Repeat it: <code>varlab verify {IDS[0]} --seed 3</code>" in page


def test_the_readmes_line_prints_evidence(varlab):
    done = varlab("verify", "radam.appA.eq10", "untuned.fact31", "--jobs", 1)
    assert "refutes" in done.out


def test_nothing_asked_for_shows_the_overview(varlab):
    done = varlab()
    assert done.status == 2
    assert "verify" in done.err
    assert done.err.count("\n") > 5


def test_a_negative_seed_writes_nothing(varlab, tmp_path):
    for command in (["advise", "--beta2", "0.9"], ["figures", "fig8"]):
        done = varlab(*command, "--seed", "-1", "--out", tmp_path / "out")
        assert done.status == 2
        assert not (tmp_path / "out").exists()
