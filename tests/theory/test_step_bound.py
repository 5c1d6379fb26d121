"""The sharp step bound: every step checks, against sequences, and wrong forms are caught."""

import random

import pytest
import sympy as sp

from varlab.theory import step_bound as sb
from varlab.theory.checking import Outcome, check_equal
from varlab.theory.symbols import b1, b2, t

PAIRS = [(sp.Rational(9, 10), sp.Rational(999, 1000)), (sp.Rational(9, 10), sp.Rational(81, 100))]


@pytest.mark.parametrize("step", sb.step_bound().steps, ids=lambda s: s.title)
def test_every_step_is_proved(step):
    assert step.check().outcome is Outcome.PROVED


def test_a_limit_without_its_own_domain_is_refuted():
    wrong = sb.sparse_bound() ** 2
    assert sb.check_limit(wrong).outcome is Outcome.REFUTED
    # The finite form means nothing for b1^2 > b2: it is negative, and K_t grows.
    pair = {b1: sp.Rational(99, 100), b2: sp.Rational(9, 10)}
    assert sb.bound_limit().args[0][0].subs(pair) ** 2 < 0
    assert sb.bound(sp.Integer(200), pair[b1], pair[b2]) > 100


def test_scale_invariance_checks():
    assert sb.scale_invariance().holds()


def squared_step(gradients, beta1, beta2):
    """Adam's recursion with exact rationals, as Algorithm 1 of A prints it."""
    mean, square = sp.Integer(0), sp.Integer(0)
    for gradient in gradients:
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
    steps = len(gradients)
    return (mean / (1 - beta1**steps)) ** 2 / (square / (1 - beta2**steps))


@pytest.mark.parametrize(("beta1", "beta2"), PAIRS)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_worst_sequence_attains_the_bound_exactly(beta1, beta2, steps):
    gradients = [sb.worst_gradient(sp.Integer(j), steps, beta1, beta2) for j in range(1, steps + 1)]
    expected = sb.bound(sp.Integer(steps), beta1, beta2) ** 2
    assert sp.simplify(squared_step(gradients, beta1, beta2) - expected) == 0


def test_no_random_sequence_exceeds_the_bound():
    rng = random.Random(0)
    beta1, beta2 = PAIRS[0]
    limit = sb.bound(sp.Integer(6), beta1, beta2) ** 2
    for _ in range(100):
        gradients = [sp.Rational(rng.randint(-99, 99), 7) for _ in range(5)] + [sp.S.One]
        assert squared_step(gradients, beta1, beta2) <= limit


def test_the_limit_is_that_of_the_closed_form():
    beta1, beta2 = PAIRS[0]
    # Floats: powers of rationals to the 100,000th have as many digits.
    far = sb.bound(sp.Integer(10**5), beta1.n(30), beta2.n(30))
    # b2^t is 1e-43 there: nothing but rounding at 20 digits remains.
    assert abs(far / sb.bound_limit(beta1, beta2).n(20) - 1) < sp.Float("1e-18")
    assert sb.bound_limit(sp.Rational(99, 100), sp.Rational(9, 10)) == sp.oo


@pytest.mark.parametrize(
    ("label", "wrong"),
    [
        ("index", sb.head() * (1 - (b1**2 / b2) ** (t - 1)) / (1 - b1**2 / b2)),
        ("ratio b1/b2", sb.head() * (1 - (b1 / b2) ** t) / (1 - b1 / b2)),
    ],
)
def test_a_wrong_closed_form_is_refuted(label, wrong):
    checked = check_equal(sb.bound_sum(), wrong, sb.DOMAIN, prover=sb.by_powers)
    assert checked.outcome is Outcome.REFUTED, label
