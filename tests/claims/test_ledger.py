"""The ledger as a whole: every claim decided, every mutant caught, the released verdicts reproduced."""

import json
import re
import subprocess
import sys

import pytest

from varlab.claims import ledger, registry
from varlab.claims.ledger import committed_verdicts, verify
from varlab.core import Budget, Claim, ClaimKind, Finding, InputError, Verdict, numeric
from varlab.core.cores import usable_cores

CLAIMS = registry.collect()
HOLDING = (Verdict.HOLDS, Verdict.HOLDS_WITHIN)
MUTANTS = [
    pytest.param(claim, label, id=f"{claim.id}: {label}")
    for claim in CLAIMS.values()
    for label in claim.mutants
]


@pytest.fixture(scope="module")
def decided():
    return verify(jobs=usable_cores())


@pytest.mark.xdist_group("ledger")
def test_every_claim_is_decided_as_released(decided):
    assert [(e.claim.id, e.ruling.reason) for e in decided.undecided()] == []
    assert [(e.claim.id, old, e.ruling.verdict.value) for e, old in decided.differing()] == []


@pytest.mark.xdist_group("ledger")
def test_released_verdicts_name_exactly_the_claims(decided):
    ran = [e.claim.id for e in decided.entries if e.ruling.verdict is not Verdict.NOT_RUN]
    assert [i for i in ran if i not in committed_verdicts()] == []
    assert [i for i in committed_verdicts() if i not in CLAIMS] == []


@pytest.mark.xdist_group("ledger")
def test_json_is_strict_and_has_the_documented_fields(decided):
    data = json.loads(decided.to_json(), parse_constant=lambda name: pytest.fail(name))
    assert set(data) == {"schema", "version", "seed", "budget", "claims"}
    for claim in data["claims"]:
        assert {
            "id",
            "source",
            "statement",
            "kind",
            "verdict",
            "error",
            "domain_stated",
            "domain_found",
            "counterexample",
            "evidence",
        } <= set(claim)
        assert claim["verdict"] in tuple(Verdict)
        assert claim["kind"] in tuple(ClaimKind)
        for evidence in claim["evidence"]:
            assert set(evidence) == {"kind", "agrees", "detail", "error", "seconds"}
            assert evidence["detail"]
        if claim["verdict"] == Verdict.FAILS:
            assert claim["counterexample"]
        if claim["verdict"] == Verdict.HOLDS_WITHIN:
            assert claim["error"] is not None


@pytest.mark.parametrize(("claim", "label"), MUTANTS)
def test_a_mutated_formula_fails(claim, label):
    assert claim.mutant(label).decide().verdict is Verdict.FAILS


@pytest.mark.xdist_group("ledger")
def test_every_claim_that_holds_has_a_mutant(decided):
    # Claims decided by training alone are shown planted wrong results in test_training_claims.
    holding = [e.claim.id for e in decided.entries if e.ruling.verdict in HOLDING]
    assert len(holding) > 40
    assert [i for i in holding if not CLAIMS[i].mutants] == []


def test_evidence_depends_on_neither_selection_nor_processes():
    some = list(CLAIMS)[:4]
    alone = [verify([i], jobs=1)[i] for i in some]
    together = verify(some, jobs=2)
    for one in alone:
        other = together[one.claim.id]
        assert other.ruling.verdict is one.ruling.verdict
        assert other.ruling.error == one.ruling.error


def test_globs_select_in_the_ledgers_order():
    chosen = registry.select(["radam.eq*", "radam.s3.*"], CLAIMS)
    assert [c.id for c in chosen] == [i for i in CLAIMS if re.match(r"radam\.eq|radam\.s3\.", i)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ids": ["no.such"]}, "no claim matches 'no.such'"),
        ({"budget": "huge"}, "budget must be fast or full; got 'huge'"),
        ({"seed": -1}, "seed must be an integer >= 0; got -1"),
        ({"jobs": 0}, "jobs must be an integer >= 1; got 0"),
        ({"jobs": "2"}, "jobs must be an integer >= 1; got '2'"),
        ({"seed": True}, "seed must be an integer >= 0; got True"),
        ({"ids": [3]}, "a claim id is a text such as radam.eq6.mean; got 3"),
    ],
)
def test_bad_requests_are_one_clear_line(arguments, message):
    with pytest.raises(InputError, match=re.escape(message)):
        verify(**arguments)


def test_a_duplicate_id_is_refused(monkeypatch):
    first = next(iter(CLAIMS.values()))
    module = type("Module", (), {"CLAIMS": (first, first)})
    monkeypatch.setattr(registry, "import_module", lambda name: module)
    with pytest.raises(InputError, match="declared twice"):
        registry.collect(["any"])


def test_a_changed_verdict_is_noticed(monkeypatch):
    wrong = Claim(
        id=next(iter(CLAIMS)),
        source="V",
        statement="1 = 2",
        kind=ClaimKind.EXACT,
        domain_stated="none",
        formula=2,
        checks=(numeric(lambda f, _: Finding.refutes("1 is not 2", counterexample={"f": f})),),
    )
    monkeypatch.setattr(ledger, "collect", lambda: {wrong.id: wrong})
    changed = verify(jobs=1)
    assert not changed.ok
    assert changed.differing()[0][0].claim.id == wrong.id


def test_training_waits_for_the_full_budget():
    assert Budget.FULL.covers(Budget.FAST)
    assert not Budget.FAST.covers(Budget.FULL)


def test_one_id_may_be_given_as_a_text():
    assert [e.claim.id for e in verify("radam.eq6.mean").entries] == ["radam.eq6.mean"]


def test_an_unguarded_script_may_ask_for_several_claims(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import varlab\nprint(varlab.verify(['radam.eq6.mean', 'radam.eq7.root-mean']))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout == "2 claims: 2 holds\n", done.stderr
