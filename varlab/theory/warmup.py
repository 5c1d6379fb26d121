"""Untuned warm-up: the size of Adam's update and the effective period of warm-up rules; U section 4, 5.

Second moment of the update u_t = mhat_t / sqrt(vhat_t) for symmetric i.i.d. gradients under equal
weights (b2 -> 1), by exchangeability; effective period = sum over t >= 1 of (1 - multiplier).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import sympy as sp

from varlab.core import require
from varlab.theory.checking import Checked, Outcome, check_equal
from varlab.theory.derivation import Derivation, Step
from varlab.theory.domain import Domain, Interval, between
from varlab.theory.moving_average import ema_weight
from varlab.theory.step_bound import DOMAIN, by_powers, momentum_weight
from varlab.theory.symbols import b1, b2, i, k, n, t

Law = Sequence[tuple[sp.Rational, sp.Rational]]

# Symmetric laws without mass at 0 (there vhat could vanish): values with their probabilities.
HALF = sp.Rational(1, 2)
RADEMACHER: Law = ((sp.Integer(-1), HALF), (sp.Integer(1), HALF))
TWO_SCALES: Law = tuple((sp.Integer(v), sp.Rational(1, 4)) for v in (-5, -1, 1, 5))
HEAVY: Law = tuple(
    (sp.Integer(sign * v), p / 2)
    for v, p in ((1, sp.Rational(9, 10)), (100, sp.Rational(1, 10)))
    for sign in (-1, 1)
)
# Not symmetric: what the cross terms then add.
SKEWED: Law = ((sp.Integer(-1), sp.Rational(3, 4)), (sp.Integer(3), sp.Rational(1, 4)))
LAWS = {"Rademacher": RADEMACHER, "two scales": TWO_SCALES, "heavy": HEAVY}


def squared_weights(t: sp.Expr = t, b1: sp.Expr = b1) -> sp.Expr:
    """The sum of a_i^2, a_i the weights of mhat_t, as a ``Sum``."""
    return sp.Sum(momentum_weight(i, t, b1) ** 2, (i, 1, t))


def update_second_moment(t: sp.Expr = t, b1: sp.Expr = b1) -> sp.Expr:
    """E[u_t^2] = (1-b1)(1+b1^t) / ((1+b1)(1-b1^t)) for symmetric i.i.d. gradients, b2 -> 1."""
    return (1 - b1) * (1 + b1**t) / ((1 + b1) * (1 - b1**t))


def enumerate_second_moment(
    law: Law, t: int, b1: sp.Rational, b2: sp.Rational | None = None
) -> sp.Rational:
    """E[u_t^2] of a law with finitely many values, by exact enumeration of all sequences.

    Parameters
    ----------
    law : sequence of (value, probability)
        Without mass at 0.
    t : int
        Step; the cost is len(law)^t.
    b1, b2 : sympy Rational
        Decays in (0, 1); equal weights of the squared gradients when ``b2`` is None.
    """
    require(all(value != 0 for value, _ in law), "law", "have no mass at 0", law)
    first = [momentum_weight(sp.Integer(j), sp.Integer(t), b1) for j in range(1, t + 1)]
    second = [
        sp.Rational(1, t) if b2 is None else ema_weight(sp.Integer(j), sp.Integer(t), b2)
        for j in range(1, t + 1)
    ]
    total = sp.Integer(0)
    for draw in product(law, repeat=t):
        mean = sum(a * value for a, (value, _) in zip(first, draw, strict=True))
        square = sum(w * value**2 for w, (value, _) in zip(second, draw, strict=True))
        total += sp.prod([p for _, p in draw]) * mean**2 / square
    return total


def linear_multiplier(t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """The untuned linear rule of U: min(1, (1-b2) t / 2)."""
    return sp.Min(1, (1 - b2) * t / 2)


def exponential_multiplier(t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """The untuned exponential rule of U: 1 - exp(-(1-b2) t)."""
    return 1 - sp.exp(-(1 - b2) * t)


def printed_period(b2: sp.Expr = b2) -> sp.Expr:
    """The effective period that U gives both rules: 1/(1-b2)."""
    return 1 / (1 - b2)


def linear_period(b2: sp.Expr = b2) -> sp.Expr:
    """Sum of 1 - min(1, (1-b2) t/2): with T = 2/(1-b2) and n = floor(T), n - n(n+1)/(2T).

    Equal to 1/(1-b2) - 1/2 when T is an integer.
    """
    length = 2 / (1 - b2)
    whole = sp.floor(length)
    return whole - whole * (whole + 1) / (2 * length)


def exponential_period(b2: sp.Expr = b2) -> sp.Expr:
    """Sum of exp(-(1-b2) t) over t >= 1: 1/(exp(1-b2) - 1)."""
    return 1 / (sp.exp(1 - b2) - 1)


def check_shares(laws: dict[str, Law] | None = None) -> Checked:
    """E[u_t^2] by enumeration of every sequence, exactly, against the closed form."""
    b1 = sp.Rational(9, 10)
    for name, law in (LAWS if laws is None else laws).items():
        for step in (1, 2, 3, 4):
            left = enumerate_second_moment(law, step, b1)
            right = update_second_moment(sp.Integer(step), b1)
            if left != right:
                shown = {"law": name, "t": str(step), "left": str(left), "right": str(right)}
                return Checked(
                    Outcome.REFUTED, f"{left} against {right}: {name}, t = {step}", shown
                )
    how = f"exact enumeration for t = 1..4: {', '.join(laws or LAWS)}"
    return Checked(Outcome.CONFIRMED, how, None, 0.0)


def second_moment() -> Derivation:
    """The second moment of Adam's update by exchangeability."""
    gradients, expectation = sp.IndexedBase("g"), sp.Function("E")
    total = sp.Sum(gradients[n] ** 2, (n, 1, t))
    squared_update = t * sp.Sum(momentum_weight() * gradients[i], (i, 1, t)) ** 2 / total
    return Derivation(
        "update_second_moment",
        "The second moment of Adam's update",
        "varlab, beside U section 4",
        (
            Step(
                "Shares",
                sp.Eq(expectation(gradients[i] ** 2 / total), 1 / t),
                "Under equal weights vhat = sum g^2 / t. The shares g_i^2 / sum g^2 add up to 1 and "
                "are exchangeable, so each has the mean 1/t, whatever the law of g.",
                check_exchangeable_shares,
            ),
            Step(
                "Symmetry and shares together",
                sp.Eq(expectation(squared_update), squared_weights()),
                "Flipping the sign of g_j alone keeps the law and vhat and turns g_i g_j / vhat "
                "round: the cross terms vanish, and E[u^2] = t sum a_i^2 / t. It needs no moment "
                "of g, only symmetry and no mass at 0.",
                check_shares,
            ),
            Step(
                "Closed form",
                sp.Eq(squared_weights(), update_second_moment()),
                "Two geometric sums.",
                lambda: check_equal(
                    squared_weights(), update_second_moment(), DOMAIN, prover=by_powers
                ),
            ),
            Step(
                "First step",
                sp.Eq(sp.Subs(update_second_moment(), t, 1), 1, evaluate=False),
                "The step is the learning rate, although E[psi_1] is infinite.",
                lambda: check_equal(update_second_moment(sp.S.One), sp.S.One, DOMAIN),
                "U section 4",
            ),
            Step(
                "Limit",
                sp.Eq(sp.Limit(update_second_moment(), t, sp.oo), (1 - b1) / (1 + b1)),
                "The power b1^t decays.",
                lambda: check_equal(
                    update_second_moment().subs(b1**t, 0), (1 - b1) / (1 + b1), DOMAIN
                ),
            ),
        ),
    )


def check_exchangeable_shares() -> Checked:
    """Mean share of each position, by enumeration for a skewed law: 1/t exactly."""
    for step in (2, 3, 4):
        for position in range(step):
            share = sum(
                sp.prod([p for _, p in draw])
                * draw[position][0] ** 2
                / sum(value**2 for value, _ in draw)
                for draw in product(SKEWED, repeat=step)
            )
            if share != sp.Rational(1, step):
                shown = {"t": str(step), "position": str(position), "share": str(share)}
                return Checked(Outcome.REFUTED, f"a share of {share}", shown)
    return Checked(Outcome.CONFIRMED, "exact enumeration of a skewed law, t = 2, 3, 4", None, 0.0)


def effective_period() -> Derivation:
    """The effective periods of U's two untuned rules in closed form."""
    ramp = sp.Sum(1 - i / k, (i, 1, t)).subs(k, t)
    integer_domain = Domain({t: DOMAIN.intervals[t]})
    decays = Domain({b2: between(0, 1)})
    geometric = sp.Sum(sp.exp(-(1 - b2) * (n + 1)), (n, 0, sp.oo))
    return Derivation(
        "effective_period",
        "Effective warm-up periods of the untuned rules",
        "U section 5",
        (
            Step(
                "Linear rule",
                sp.Eq(ramp, t / 2 - HALF),
                "With T = 2/(1-b2) = t an integer the multipliers are 1/T, 2/T, ..., 1: "
                "T/2 - 1/2 = 1/(1-b2) - 1/2.",
                lambda: check_equal(ramp.doit(), t / 2 - HALF, integer_domain),
                "U section 5",
            ),
            Step(
                "Linear rule between the integers",
                sp.Eq(linear_period(), printed_period() - HALF),
                "The general form agrees wherever 2/(1-b2) is an integer; elsewhere it is larger by at "
                "most (1-b2)/16.",
                lambda: check_equal(linear_period(1 - 2 / t), t / 2 - HALF, LONGER),
            ),
            Step(
                "Exponential rule",
                sp.Eq(geometric, exponential_period()),
                "A geometric series with ratio exp(-(1-b2)) < 1.",
                check_exponential,
                "U section 5",
            ),
            Step(
                "Both miss 1/(1-b2) by one half",
                sp.Eq(sp.Limit(printed_period() - exponential_period(), b2, 1, "-"), HALF),
                "The relative error of 1/(1-b2) is (1-b2)/2 to first order, for both rules.",
                lambda: check_equal(
                    sp.limit(printed_period() - exponential_period(), b2, 1, "-"), HALF, decays
                ),
                "U section 5",
            ),
        ),
    )


LONGER = Domain({t: Interval(sp.Integer(3), sp.oo, True, False, True, 60)})


def check_exponential() -> Checked:
    """Ratio and first term of the series fix its sum: first/(1-ratio)."""
    ratio = sp.exp(-(1 - b2))
    return check_equal(ratio / (1 - ratio), exponential_period(), Domain({b2: between(0, 1)}))
