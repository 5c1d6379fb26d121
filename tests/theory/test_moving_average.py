"""From the EMA's weights to degrees of freedom: R sections 3.2 and 4.1."""

from fractions import Fraction

import mpmath as mp
import pytest
import sympy as sp

from varlab.theory import kish, moving_average
from varlab.theory.checking import Outcome, check_equal
from varlab.theory.symbols import b2, f, i, t, y

SETTINGS = [
    (1, Fraction(9, 10)),
    (2, Fraction(1, 2)),
    (5, Fraction(999, 1000)),
    (40, Fraction(7, 8)),
]
DERIVATIONS = (
    moving_average.simple_average,
    moving_average.centre_of_mass,
    kish.degrees_of_freedom,
)


def weights(steps, decay):
    """The definition, unrolled: exact fractions, no closed form."""
    raw = [decay ** (steps - j) for j in range(1, steps + 1)]
    return [w / sum(raw) for w in raw]


def exactly(expression, steps, decay):
    value = expression.subs({t: steps, b2: sp.Rational(decay)}).doit()
    return Fraction(int(value.p), int(value.q))


@pytest.mark.parametrize("build", DERIVATIONS, ids=lambda b: b.__name__)
def test_every_step_is_proved(build):
    derivation = build()
    outcomes = {step.title: step.check().outcome for step in derivation.steps}
    assert set(outcomes.values()) == {Outcome.PROVED}, outcomes


@pytest.mark.parametrize("build", DERIVATIONS, ids=lambda b: b.__name__)
def test_every_statement_can_be_read(build):
    derivation = build()
    assert all(step.statement not in (sp.true, sp.false) for step in derivation.steps)
    assert derivation.to_latex().count(r"\item") == len(derivation.steps)
    assert all(page.startswith("<math") for page in derivation.to_mathml())


@pytest.mark.parametrize(("steps", "decay"), SETTINGS)
def test_closed_forms_equal_their_definitions_exactly(steps, decay):
    w = weights(steps, decay)
    assert [
        exactly(moving_average.ema_weight(sp.Integer(j)), steps, decay) for j in range(1, steps + 1)
    ] == w
    mean_age = sum((steps + 1 - j) * w[j - 1] for j in range(1, steps + 1))
    assert exactly(moving_average.rho_t(), steps, decay) == 2 * mean_age - 1
    assert exactly(kish.kish(), steps, decay) == 1 / sum(x**2 for x in w)
    assert exactly(moving_average.relative_spread(), steps, decay) == 1 - min(w) / max(w)
    assert exactly(moving_average.ema_variance(sp.S.One), steps, decay) == 2 * sum(x**2 for x in w)


def test_eq4_has_one_solution_and_it_is_the_papers():
    solved = moving_average.solve_centre_of_mass()
    assert not solved.has(f, i)
    assert check_equal(solved, moving_average.rho_t(), moving_average.DOMAIN)


def test_a_wrong_index_is_caught():
    wrong = moving_average.rho_t(t + 1)
    checked = check_equal(moving_average.solve_centre_of_mass(), wrong, moving_average.DOMAIN)
    assert checked.outcome is Outcome.REFUTED


def test_scaling_limits_are_approached():
    u, ratio = (mp.mpf(str(value)) for value in kish.widest_gap())
    gap = mp.mpf(10) ** -6
    rho, n, paper, other = (
        sp.lambdify((t, b2) if expression.has(t) else y, expression, "mpmath")
        for expression in (
            moving_average.rho_t(),
            kish.kish(),
            kish.scaled_paper(),
            kish.scaled_kish(),
        )
    )
    at = (u / gap, 1 - gap)
    # Corrections to the limit are of order 1 - beta2 = 1e-6.
    assert abs(rho(*at) / n(*at) - ratio) < 1e-5
    assert abs(rho(*at) * gap / 2 - paper(u)) < 1e-5
    assert abs(n(*at) * gap / 2 - other(u)) < 1e-5


def test_the_widest_gap_is_a_minimum_of_the_ratio():
    u, ratio = kish.widest_gap()
    for other in (u * sp.Rational(9, 10), u * sp.Rational(11, 10)):
        assert kish.scaled_paper(other) / kish.scaled_kish(other) > ratio
