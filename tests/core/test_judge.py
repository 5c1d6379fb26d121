"""The rules by which evidence becomes a verdict."""

import pytest

from varlab.core import (
    Budget,
    Check,
    Claim,
    ClaimKind,
    Evidence,
    EvidenceKind,
    Finding,
    InputError,
    Verdict,
    judge,
)

SYMBOLIC, NUMERIC = EvidenceKind.SYMBOLIC, EvidenceKind.NUMERIC
SAMPLED, TRAINED = EvidenceKind.MONTE_CARLO, EvidenceKind.TRAINING
YES = Finding.supports("yes", error=1e-16, domain="rho > 2")
NO = Finding.refutes("no", counterexample={"rho": 3}, error=0.5)
SILENT = Finding.silent("no quadrature converged")


def evidence(*pairs):
    return tuple(Evidence(kind, finding, 0.0) for kind, finding in pairs)


@pytest.mark.parametrize(
    ("kind", "found", "verdict"),
    [
        (ClaimKind.EXACT, [(SYMBOLIC, YES), (NUMERIC, YES)], Verdict.HOLDS),
        (ClaimKind.EXACT, [(NUMERIC, YES)], Verdict.HOLDS),
        (ClaimKind.EXACT, [(SAMPLED, YES)], Verdict.HOLDS_WITHIN),
        (ClaimKind.INEQUALITY, [(SAMPLED, YES), (NUMERIC, SILENT)], Verdict.HOLDS_WITHIN),
        (ClaimKind.EMPIRICAL, [(TRAINED, YES)], Verdict.HOLDS),
        (ClaimKind.APPROXIMATION, [(SYMBOLIC, YES)], Verdict.HOLDS_WITHIN),
        (ClaimKind.EXACT, [(SYMBOLIC, NO)], Verdict.FAILS),
        (ClaimKind.EXACT, [(SYMBOLIC, NO), (NUMERIC, YES)], Verdict.FAILS),
        (ClaimKind.EXACT, [(NUMERIC, NO), (NUMERIC, YES)], Verdict.FAILS),
        (ClaimKind.EXACT, [(SYMBOLIC, YES), (NUMERIC, NO)], Verdict.UNDECIDED),
        (ClaimKind.EXACT, [(NUMERIC, YES), (SAMPLED, NO)], Verdict.UNDECIDED),
        (ClaimKind.EXACT, [(SYMBOLIC, SILENT)], Verdict.UNDECIDED),
        (ClaimKind.EXACT, [], Verdict.UNDECIDED),
    ],
)
def test_rules(kind, found, verdict):
    assert judge(kind, evidence(*found)).verdict is verdict


def test_a_failure_carries_the_counterexample_and_a_holding_claim_its_domain():
    failing = judge(ClaimKind.EXACT, evidence((SYMBOLIC, NO), (NUMERIC, YES)))
    assert failing.counterexample == {"rho": 3}
    assert failing.error == 0.5
    holding = judge(ClaimKind.EXACT, evidence((NUMERIC, YES)))
    assert holding.domain_found == "rho > 2"
    assert holding.counterexample is None


def test_undecided_says_what_is_missing():
    assert "quadrature" in judge(ClaimKind.EXACT, evidence((NUMERIC, SILENT))).reason


def test_a_refutation_without_counterexample_is_refused():
    with pytest.raises(InputError, match="needs a counterexample"):
        Finding.refutes("no", counterexample={})


@pytest.mark.parametrize(("error", "agrees"), [(0.1, True), (0.11, False), (float("nan"), False)])
def test_within_decides_by_the_tolerance(error, agrees):
    assert Finding.within(error, 0.1, "…", worst={"t": 5}).agrees is agrees


def claim(**changes):
    fields = {
        "id": "test.two-is-two",
        "source": "V",
        "statement": "2 = 2",
        "kind": ClaimKind.EXACT,
        "domain_stated": "none",
        "formula": 2,
        "checks": (Check(NUMERIC, lambda f, _: YES if f == 2 else NO),),
        "mutants": {"three": 3},
    }
    return Claim(**{**fields, **changes})


def test_a_mutant_is_decided_by_the_same_checks():
    assert claim().decide().verdict is Verdict.HOLDS
    assert claim().mutant("three").decide().verdict is Verdict.FAILS


def test_checks_beyond_the_budget_are_postponed():
    slow = claim(checks=(Check(TRAINED, lambda f, _: YES, Budget.FULL),))
    assert slow.decide(budget=Budget.FAST).verdict is Verdict.NOT_RUN
    assert slow.decide(budget=Budget.FULL).verdict is Verdict.HOLDS_WITHIN


def test_an_approximation_without_tolerance_is_refused():
    with pytest.raises(InputError, match="needs a tolerance"):
        claim(kind=ClaimKind.APPROXIMATION)


def test_the_noise_of_a_sample_is_no_error_of_what_was_computed():
    noisy = Finding.supports("sampled", error=0.02)
    assert judge(ClaimKind.EXACT, evidence((NUMERIC, YES), (SAMPLED, noisy))).error == 1e-16
    assert judge(ClaimKind.EXACT, evidence((SAMPLED, noisy))).error == 0.02


def test_where_a_failing_claim_holds_may_come_from_evidence_that_agrees():
    ruling = judge(ClaimKind.EXACT, evidence((NUMERIC, NO), (NUMERIC, YES)))
    assert ruling.domain_found == "rho > 2"


def test_a_check_that_raises_leaves_the_claim_undecided_and_says_why():
    raising = claim(checks=(Check(NUMERIC, lambda f, c: 1 / 0),))
    ruling = raising.decide()
    assert ruling.verdict is Verdict.UNDECIDED
    assert "ZeroDivisionError" in ruling.reason


def test_a_counterexample_says_in_words_what_no_number_in_json_can():
    """An interval may have no upper end."""
    found = Finding.refutes("no", counterexample={"high": float("inf"), "var": float("nan")})
    assert found.counterexample == {"high": "infinite", "var": "undefined"}
