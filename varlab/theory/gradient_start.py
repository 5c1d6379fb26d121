"""Adam whose second moment starts at g_0^2 (GI-Adam): Kalra and Barkeshli, arXiv 2406.09405, section 6.

v_0 = g_0^2 and v_t = b2 v_(t-1) + (1-b2) g_t^2 without bias correction, so that
v_t = b2^t g_0^2 + (1-b2^t) vhat_t, with vhat_t Adam's corrected average of g_1..g_t.
"""

from __future__ import annotations

import sympy as sp

from varlab.theory.checking import (
    Checked,
    Outcome,
    all_of,
    by_evaluation,
    check_equal,
    check_limit,
    check_relation,
)
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import Domain, above
from varlab.theory.exact_law import factor
from varlab.theory.moving_average import DOMAIN, ema_weight
from varlab.theory.sums import by_closing_sums
from varlab.theory.symbols import b2, i, s, t, v, w, x, z

RATIOS = DOMAIN.restrict(x, above(0))
SIZES = Domain({x: above(0)})


def start_weight(t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """Weight of g_0^2 in v_t: b2^t."""
    return b2**t


def weights_total(start: sp.Expr | None = None) -> sp.Expr:
    """All weights of v_t: that of g_0^2 and (1-b2) b2^(t-i) of g_i^2."""
    first = start_weight() if start is None else start
    return first + sp.Sum((1 - b2) * b2 ** (t - i), (i, 1, t))


def multiplier(x: sp.Expr = x, t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """sqrt(vhat_t / v_t), the step over Adam's, for x = g_0^2 / vhat_t."""
    return 1 / sp.sqrt(1 - b2**t + b2**t * x)


def stated_warmup(t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """The warm-up that the start at g_0^2 is said to amount to: sqrt(1-b2^t)."""
    return sp.sqrt(1 - b2**t)


def ratio_for_warmup(t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """The only g_0^2 / vhat_t at which the multiplier of Adam's step is sqrt(1-b2^t)."""
    return (2 - b2**t) / (1 - b2**t)


def size_distribution(x: sp.Expr = x) -> sp.Expr:
    """P(g^2 < x s^2) of a normal gradient: erf(sqrt(x/2))."""
    return sp.erf(sp.sqrt(x / 2))


def finite_from(order: int) -> int:
    """Smallest step at which E[v_t^(-order/2)] is finite: one Gaussian more than in vhat_t.

    The Mellin integrand z^(order/2-1) E[exp(-z v_t)] falls like z^(order/2-1-(t+1)/2).
    """
    return max(1, order)


def gradient_start() -> Derivation:
    """GI-Adam: what the start at g_0^2 does to the average, to the step and to its spread."""
    weight = ema_weight()
    return Derivation(
        "gradient_start",
        "Adam whose second moment starts at the square of a gradient",
        "Kalra and Barkeshli, section 6",
        (
            equality(
                "No bias",
                weights_total(),
                sp.S.One,
                DOMAIN,
                "The weights sum to 1: E[v_t] = E[g^2] for stationary gradients, with nothing to correct.",
                source="KB section 6",
                prover=by_closing_sums,
            ),
            equality(
                "A mixture",
                (1 - b2) * b2 ** (t - i),
                sp.Mul(1 - b2**t, weight, evaluate=False),
                Domain({**DOMAIN.intervals, i: above(0, integer=True)}),
                "Term by term: v_t = b2^t g_0^2 + (1-b2^t) vhat_t.",
            ),
            equality(
                "Over Adam's step",
                v / (b2**t * x * v + (1 - b2**t) * v),
                multiplier() ** 2,
                Domain({**RATIOS.intervals, v: above(0)}),
                "The first moments are the same, so the steps differ by sqrt(vhat_t/v_t) (squared here), "
                "with x = g_0^2/vhat_t: larger than Adam's exactly when g_0^2 < vhat_t.",
            ),
            equality(
                "Gradients of constant square",
                sp.Subs(multiplier(), x, 1),
                sp.S.One,
                DOMAIN,
                "x = 1: the start at g_0^2 is the bias correction, and the step is Adam's. Over Adam "
                "without that correction, whose denominator is sqrt((1-b2^t) vhat_t), it is sqrt(1-b2^t).",
                prover=by_evaluation,
            ),
            equality(
                "Where it is the stated warm-up",
                multiplier(ratio_for_warmup()) ** 2,
                stated_warmup() ** 2,
                DOMAIN,
                "The multiplier falls with x and takes the value sqrt(1-b2^t) at this ratio alone: "
                "about 2/(t (1-b2)) early on.",
                source="KB section 6",
            ),
            Step(
                "A concave distribution",
                sp.Lt(sp.Derivative(size_distribution(), (x, 2)), 0, evaluate=False),
                "F(x) = P(g_0^2 < x s^2) is concave, and P(g_0^2 < vhat_t) = E[F(vhat_t/s^2)]. By Jensen "
                "over the weights it is at least sum w_i E[F(g_i^2/s^2)] = 1/2, and over the draw at "
                "most F(1) = 0.6827.",
                check_concave,
            ),
            Step(
                "Half",
                sp.Eq(
                    sp.Integral(
                        size_distribution() * sp.diff(size_distribution(), x), (x, 0, sp.oo)
                    ),
                    sp.S.Half,
                    evaluate=False,
                ),
                "E[F(g^2/s^2)], the integral of F F': F rises from 0 to 1, so F^2/2 does to 1/2.",
                check_half,
            ),
            Step(
                "Finite one step sooner",
                sp.Eq(
                    sp.Limit(sp.sqrt(z) * factor(), z, sp.oo),
                    1 / sp.sqrt(2 * w * s**2),
                    evaluate=False,
                ),
                "v_t has t + 1 independent Gaussian terms where vhat_t has t: E[v_t^(-k/2)] is finite "
                "iff t + 1 > k, so Var[1/sqrt(v_t)] from t = 2, and infinite at t = 1.",
                lambda: all_of(
                    *(check_tail(step) for step in (1, 2, 3)),
                    how="z^((t+1)/2) E[exp(-z v_t)] tends to a positive constant at t = 1, 2, 3",
                ),
            ),
        ),
    )


def check_concave() -> Checked:
    """F'' is negative by the signs of its factors."""
    bend = sp.simplify(sp.diff(size_distribution(), x, 2))
    if bend.is_negative:
        return Checked(Outcome.PROVED, f"F'' = {bend}, negative for x > 0", None, 0.0)
    return Checked(Outcome.UNKNOWN, f"the sign of {bend} is not plain")


def check_half() -> Checked:
    """F(0) = 0 and F(oo) = 1, and F F' is the derivative of F^2/2."""
    f = size_distribution()
    return all_of(
        check_limit(f, x, 0, 0),
        check_limit(f, x, sp.oo, 1),
        check_equal(sp.diff(f**2 / 2, x), f * sp.diff(f, x), SIZES),
        how="F F' = (F^2/2)', with F(0) = 0 and F(oo) = 1",
    )


def check_tail(steps: int) -> Checked:
    """Decide the power with which E[exp(-z v_t)] falls at t = ``steps``, for g_0 independent."""
    weights = [start_weight(sp.Integer(steps))]
    weights += [(1 - b2) * b2 ** (steps - j) for j in range(1, steps + 1)]
    limit = sp.prod([sp.limit(sp.sqrt(z) * factor(z, w), z, sp.oo).subs(w, u) for u in weights])
    return check_relation(sp.Gt(limit, 0), Domain({b2: DOMAIN.intervals[b2], s: above(0)}))
