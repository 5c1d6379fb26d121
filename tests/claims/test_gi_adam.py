"""The readings of GI-Adam's warm-up: which one is refuted, which one stands."""

import numpy as np
import pytest

from varlab.claims import gi_adam
from varlab.claims.recursions import started_moments
from varlab.core import Context, Verdict
from varlab.theory import gradient_start
from varlab.theory.symbols import b2, t

CLAIMS = {claim.id: claim for claim in gi_adam.CLAIMS}


def decide(claim_id, formula):
    claim = CLAIMS[claim_id]
    return claim.checks[0].run(formula, Context(seed=0, claim=claim_id, tolerance=claim.tolerance))


def test_on_constant_squares_the_bias_correction_decides():
    assert decide("gi-adam.warmup", gi_adam.UNCORRECTED).agrees is False
    assert (
        decide("gi-adam.warmup", gi_adam.CORRECTED).agrees is None
    )  # exact there, silent elsewhere


@pytest.mark.parametrize(
    ("claim", "found"),
    [
        ("gi-adam.warmup", [None, False, False]),
        ("varlab.gi-adam.warmup-uncorrected", [False] * 3),
    ],
)
def test_each_witness_speaks_for_itself(claim, found):
    assert [e.agrees for e in CLAIMS[claim].decide().evidence] == found


@pytest.mark.parametrize("decay", [0.9, 0.999])
def test_constant_squares_make_the_start_a_bias_correction(decay):
    signs = np.array([1.0, -1.0, -1.0, 1.0, 1.0])[:, None] * 3.0
    # Rounding of five additions.
    assert started_moments(np.array([3.0]), signs, decay) == pytest.approx(9.0, rel=1e-14)


@pytest.mark.parametrize("step", [1, 10, 1000])
def test_the_ratio_at_which_it_is_the_stated_warmup(step):
    at = {t: step, b2: 0.999}
    ratio = float(gradient_start.ratio_for_warmup().subs(at))
    found = float(gradient_start.multiplier().subs({**at, gradient_start.x: ratio}))
    # Rounding, times the cancellation in 1 - 0.999^1.
    assert found == pytest.approx(gi_adam.UNCORRECTED.over_adam(step, 0.999), rel=1e-12)


def test_the_verdicts():
    verdicts = {name: claim.decide().verdict for name, claim in CLAIMS.items()}
    for name in ("gi-adam.warmup", "varlab.gi-adam.warmup-uncorrected"):
        assert verdicts.pop(name) is Verdict.FAILS
    assert set(verdicts.values()) == {Verdict.HOLDS}
