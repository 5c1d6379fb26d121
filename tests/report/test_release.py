"""Releasing a ledger: what is kept, and what a smaller budget may not undo."""

from varlab.report.release import released


def ledger(**verdicts):
    evidence = [{"kind": "numeric", "agrees": True, "seconds": 1.5}]
    return {
        "schema": 1,
        "claims": [{"id": i, "verdict": v, "evidence": evidence} for i, v in verdicts.items()],
    }


def verdicts(data):
    return {claim["id"]: claim["verdict"] for claim in data["claims"]}


def test_seconds_are_left_out():
    kept = released(ledger(a="holds"))
    assert kept["claims"][0]["evidence"] == [{"kind": "numeric", "agrees": True}]


def test_a_claim_that_was_not_run_keeps_its_released_entry_and_no_other_does():
    before = ledger(a="holds", trained="fails", gone="holds")
    now = ledger(a="fails", trained="not-run", new="not-run")
    assert verdicts(released(now, before)) == {"a": "fails", "trained": "fails", "new": "not-run"}


def test_a_larger_budget_replaces_them():
    before, now = ledger(trained="undecided"), ledger(trained="holds")
    assert verdicts(released(now, before)) == {"trained": "holds"}
