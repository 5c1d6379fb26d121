"""Sections A and B of the ledger: expected verdicts, domains found, and every mutant caught."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
import sympy as sp

from varlab.claims import (
    appendix_a,
    first_step,
    inverse_chi_law,
    tails,
    theorem1,
    variance_decay,
)
from varlab.claims.inverse_chi_law import _expectation
from varlab.claims.scans import above, compare, function, positive
from varlab.core import Verdict
from varlab.theory.inverse_chi import psi_moment
from varlab.theory.symbols import rho, tau

MODULES = (first_step, inverse_chi_law, theorem1, appendix_a, variance_decay)
CLAIMS = {claim.id: claim for module in MODULES for claim in module.CLAIMS}
FAILS = {"radam.s4.divergent-up-to-4", "radam.appA.eq10"}
MUTANTS = [(name, label) for name, claim in CLAIMS.items() for label in claim.mutants]


def test_sections_a_and_b_are_complete():
    section_a = {
        "radam.s3.inverse-law",
        "radam.s3.first-step-diverges",
        "note.first-step.mean-integral",
        "note.first-step.second-moment-integral",
        "varlab.first-step.any-density",
    }
    assert {claim.id for claim in first_step.CLAIMS} == section_a
    assert len(CLAIMS) == 5 + 17


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(name):
    ruling = CLAIMS[name].decide()
    assert ruling.verdict is (Verdict.FAILS if name in FAILS else Verdict.HOLDS), ruling.reason
    # A claim that fails is refuted by every witness; one that holds has two witnesses that agree.
    answers = [e.agrees for e in ruling.evidence]
    assert answers == [name not in FAILS] * len(answers)
    assert len({e.kind for e in ruling.evidence}) >= 2


@pytest.mark.parametrize(("name", "label"), MUTANTS)
def test_mutant_is_caught(name, label):
    assert CLAIMS[name].mutant(label).decide().verdict is Verdict.FAILS


def test_every_claim_that_holds_has_mutants():
    assert {name for name, claim in CLAIMS.items() if not claim.mutants} == FAILS


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("radam.eq6.mean", "rho > 2"),
        ("radam.eq7.root-mean", "rho > 1"),
        ("radam.eq2.variance", "rho > 2"),
        ("radam.thm1.monotone", "rho > 2"),
        ("radam.lemma1", "t > 2"),
        ("radam.s4.divergent-up-to-4", "rho <= 2"),
        ("radam.appA.digamma-bounds", "x > 0"),
        ("radam.appA.eq10", "no t > 2"),
        ("varlab.log-variance", "rho > 0"),
        ("note.finite-above-4", "psi^2: rho > 4; psi: rho > 2"),
    ],
)
def test_domain_found(name, domain):
    strongest = max(CLAIMS[name].decide().evidence, key=lambda e: e.kind.rank)
    assert strongest.finding.domain == domain


def test_divergence_holds_up_to_two_degrees_of_freedom():
    claim = CLAIMS["radam.s4.divergent-up-to-4"]
    answers = [check.run(sp.Integer(2), None).agrees for check in claim.checks]
    assert answers == [True, True]


def test_counterexample_at_three_degrees_of_freedom():
    found = CLAIMS["radam.s4.divergent-up-to-4"].decide().counterexample
    assert found["rho"] == "3"
    assert found["variance"] == pytest.approx(3 - 6 / np.pi, rel=1e-15)


def test_kershaws_bound_passes_where_eq10_fails():
    from varlab.theory.symbols import nu
    from varlab.theory.theorem1_paper import gamma_quotient, kershaw_bound

    repaired = appendix_a.Inequality(gamma_quotient(), kershaw_bound(), nu)
    points = above(2, nearest=1e-6, farthest=1e6)
    assert positive(repaired.margin, points, "t", what="margin").agrees
    eq10 = CLAIMS["radam.appA.eq10"].formula
    assert not positive(eq10.margin, points, "t", what="margin").agrees


def test_an_order_is_an_upper_bound():
    claim = replace(CLAIMS["radam.s42.order"], formula=sp.Rational(-1, 2), mutants={})
    ruling = claim.decide()
    assert [evidence.agrees for evidence in ruling.evidence] == [True, True, True]
    assert "not sharp" in ruling.evidence[0].finding.detail


def test_single_precision_is_held_against_fifty_digits():
    # The stable form in float32 is off by its own rounding, half a unit, and no more.
    stable = variance_decay.Form("stable", variance_decay._stable)
    errors = variance_decay.breakdown(stable, np.float32, variance_decay.LARGEST_RHO)
    assert 0.1 < errors.amplification <= 0.5 + 1e-6


def test_breaking_points_are_those_of_the_exponent_range():
    for dtype in (np.float64, np.float32):
        border = variance_decay._overflow(dtype)
        either = np.array([border * (1 - 1e-5), border * (1 + 1e-5)])
        below, beyond = variance_decay._as_written(either, dtype)
        assert np.isfinite(below)
        assert beyond == -np.inf


@pytest.mark.parametrize(("rho_", "order"), [(1.0, 2.0), (2.0, 2.0), (3.5, 4.0), (0.5, 1.0)])
def test_infinite_moments_grow_decade_by_decade(rho_, order):
    ratio = tails.psi_moment_ratio(rho_, order)
    assert tails.grows(ratio)
    assert ratio == pytest.approx(10 ** (order - rho_), rel=1e-4)  # O(eps) at eps = 1e-5


@pytest.mark.parametrize(("rho_", "order"), [(3.0, 2.0), (2.1, 2.0), (5.0, 4.0)])
def test_finite_moments_do_not(rho_, order):
    assert not tails.grows(tails.psi_moment_ratio(rho_, order))


def test_the_quadrature_is_good_to_eighteen_digits():
    for order in (1, 2):
        exact = function(psi_moment(order).subs(tau, 1), rho)
        for degrees in (order + 0.5, order + 1.0, 42.0):
            with mpmath.workdps(30):
                found = _expectation(order, degrees)
                assert abs(found / exact(degrees) - 1) < inverse_chi_law.QUADRATURE


def test_scans_catch_what_is_wrong():
    points = [(1.0,), (2.0,)]
    exact = compare(lambda v: v, lambda v: v, points, ("v",), tolerance=1e-15, against="itself")
    wrong = compare(
        lambda v: v, lambda v: v * (1 + 1e-9), points, ("v",), tolerance=1e-12, against="another"
    )
    nan = compare(lambda v: mpmath.nan, lambda v: v, points, ("v",), tolerance=1.0, against="it")
    assert (exact.agrees, wrong.agrees, nan.agrees) == (True, False, False)
    assert positive(lambda v: 0 * v, [1.0], "v", what="zero").agrees is False
    assert positive(lambda v: v, [], "v", what="nothing").agrees is None
