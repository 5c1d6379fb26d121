"""``varlab advise``."""

import json

import numpy as np
import pytest

from varlab.audit.assess import assess
from varlab.audit.recorder.recording import Recording
from varlab.numerics.advice import advise


def test_the_papers_beta2(varlab):
    done = varlab("advise", "--beta2", 0.999)
    assert done.status == 0
    assert "adaptive from t = 5" in done.out
    assert "rho_inf = 1999" in done.out


def test_json_has_the_numbers(varlab):
    data = json.loads(varlab("advise", "--beta2", 0.99, "--json", "-").out)
    assert data["first_adaptive_step"] == {"4": 5, "5": 6}
    assert [row["t"] for row in data["rows"]][:4] == [1, 2, 3, 4]
    assert data["rows"][0]["r_t"] is None


def test_a_linear_warmup_of_the_equivalent_length_costs_the_same():
    for beta2 in (0.9, 0.99, 0.999):
        advice = advise(beta2)
        length = advice.equivalent_linear_warmup
        cost = sum(1 - t / length for t in range(1, length + 1))
        # The length is rounded to a whole step, half a step of cost at most.
        assert abs(cost - advice.effective_period["radam"]) <= 0.5


def test_small_beta2_is_never_adaptive(varlab):
    done = varlab("advise", "--beta2", 0.6)
    assert "rho_t never exceeds 4" in done.out
    assert advise(0.6).to_dict()["effective_period"]["radam"] is None


def test_an_audit_is_read_beside_the_theory(varlab, tmp_path):
    x = np.random.default_rng(0).standard_normal((64, 6, 8))
    recording = Recording.from_arrays(x, ["a [bold]"] * 4 + ["b"] * 4, beta2=0.99)
    (tmp_path / "audit.json").write_text(assess(recording).to_json(), encoding="utf-8")
    done = varlab("advise", "--beta2", 0.99, "--from", tmp_path, "--json", tmp_path / "a.json")
    assert done.status == 0
    assert "rho_inf = 199" in done.out
    assert "At step 6 the theory has n_t = 6 degrees of freedom; r_t = " in done.out
    assert "a [bold]" in done.out
    data = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert data["first_adaptive_step"]["4"] == 5
    assert [layer["layer"] for layer in data["audit"]["layers"]] == ["a [bold]", "b"]
    assert "audit" not in json.loads(varlab("advise", "--beta2", 0.99, "--json", "-").out)


def test_an_audit_of_another_beta2_is_one_line(varlab, tmp_path):
    x = np.random.default_rng(0).standard_normal((24, 2, 2))
    recording = Recording.from_arrays(x, ["a"] * 2, beta2=0.99)
    (tmp_path / "audit.json").write_text(assess(recording).to_json(), encoding="utf-8")
    out = tmp_path / "out"
    done = varlab("advise", "--beta2", 0.9, "--from", tmp_path, "--out", out)
    assert (done.status, done.err.count("\n"), done.out) == (2, 1, "")
    assert "is of beta2 0.99, and its variances say nothing of 0.9; ask for" in done.err
    assert not out.exists()


@pytest.mark.parametrize("beta2", ["1", "-0.1", "nan", "1.2"])
def test_bad_beta2_is_one_line(varlab, beta2):
    done = varlab("advise", f"--beta2={beta2}")
    assert done.status == 2
    assert done.err.startswith("varlab: beta2 must lie in [0, 1); got")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("gap", [2**-53, 3 * 2**-53, 2**-30])
def test_a_beta2_next_to_1_is_not_shown_as_1(varlab, gap):
    """And its numbers are those of the limit: warm-ups of 1 and 1.02916 averaging lengths."""
    beta2 = 1 - gap
    said = varlab("advise", "--beta2", beta2).out
    assert said.startswith(f"beta2 = {beta2!r}: rho_inf = {2 / gap:.6g}\n")
    period = advise(beta2).effective_period
    assert period["linear"] == pytest.approx(1 / gap, rel=1e-8)
    assert period["radam"] == pytest.approx(1.0291622 / gap, rel=1e-6)
