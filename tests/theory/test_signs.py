"""Signs by coefficients: shown where they hold, never where they do not."""

import pytest
import sympy as sp

from varlab.core import DomainError
from varlab.theory.domain import Domain, Interval, above, between, integers_from
from varlab.theory.signs import follows_from_assumptions, is_positive
from varlab.theory.symbols import n, rho, x, y

FROM_TWO = Domain({rho: above(2)})


@pytest.mark.parametrize(
    ("expression", "domain"),
    [
        (rho / (rho - 2), FROM_TWO),
        (rho - 2, FROM_TWO),
        (1 / (rho - 1) - 1 / rho, FROM_TWO),
        (x * (1 - x), Domain({x: between(0, 1)})),
        ((n - sp.Rational(1, 2)) ** 2 / (x + n), Domain({x: above(0), n: integers_from(1)})),
        (sp.pi - 3 + x, Domain({x: above(0, closed=True)})),
    ],
)
def test_positive_functions_are_recognised(expression, domain):
    assert is_positive(expression, domain)


@pytest.mark.parametrize(
    ("expression", "domain"),
    [
        (rho - 3, FROM_TWO),
        (2 - rho, FROM_TWO),
        (x, Domain({x: above(0, closed=True)})),  # zero at the closed end
        (x - x**2, Domain({x: above(0)})),
        (x * (1 - x) - sp.Rational(1, 4), Domain({x: between(0, 1)})),
        (sp.log(x), Domain({x: above(1)})),  # true, but no rational function
        (x * y, Domain({x: above(0)})),  # nothing known of y
        (sp.Integer(0) * x, Domain({x: above(0)})),
    ],
)
def test_nothing_else_is(expression, domain):
    assert not is_positive(expression, domain)


def test_an_empty_interval_is_refused():
    with pytest.raises(DomainError, match="lie below its upper end"):
        Interval(sp.Integer(2), sp.Integer(1))


def test_irrational_ends_are_sampled_inside():
    import random

    interval = between(sp.sqrt(2), sp.pi)
    rng = random.Random(0)
    assert all(sp.sqrt(2) < interval.sample(rng) < sp.pi for _ in range(50))


def draws_nothing(*_, **__):
    raise AssertionError("evaluated at a random point")


@pytest.mark.parametrize(
    "relation",
    [
        sp.Ge(sp.gamma(x + 1), x * sp.gamma(x), evaluate=False),
        sp.Ge((x + y) ** 2, x**2 + 2 * x * y + y**2, evaluate=False),
        sp.Gt(x + 1, x, evaluate=False),
        sp.Lt(sp.exp(-x) * x, sp.exp(-x) * (x + y), evaluate=False),
        sp.Gt(sp.exp(x), 0, evaluate=False),
        sp.Ge(sp.sin(x) ** 2 + sp.cos(x) ** 2, 1, evaluate=False),
        sp.Le(6 / sp.pi, 2, evaluate=False),
    ],
)
def test_what_follows_from_assumptions_is_shown_without_random_points(relation, monkeypatch):
    monkeypatch.setattr(sp.Expr, "_random", draws_nothing)
    assert follows_from_assumptions(relation)


@pytest.mark.parametrize(
    "relation",
    [
        sp.Gt(sp.gamma(x + 1), x * sp.gamma(x), evaluate=False),  # equal
        sp.Gt(x, y, evaluate=False),
        sp.Gt(sp.exp(x), x, evaluate=False),  # true, but of no assumption
        sp.Ge(x - 1, 0, evaluate=False),
        sp.Le(sp.exp(x), 0, evaluate=False),
        sp.Gt(6 / sp.pi, 2, evaluate=False),
    ],
)
def test_what_does_not_follow_from_assumptions_is_not_shown(relation, monkeypatch):
    monkeypatch.setattr(sp.Expr, "_random", draws_nothing)
    assert not follows_from_assumptions(relation)
