"""Rectification: R section 4.2 and 4.3, Algorithm 2."""

from __future__ import annotations

import sympy as sp

from varlab.core import require
from varlab.theory.checking import Checked, Outcome, by_evaluation, check_equal
from varlab.theory.delta_method import delta_method_variance
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import Domain, above, between
from varlab.theory.kish import along_u, scaled_paper
from varlab.theory.moving_average import DOMAIN, gap_to_limit, rho_limit, rho_t
from varlab.theory.symbols import C_var, b2, r, rho, rho_inf, t, tau, x, y

ADAPTIVE_DOMAIN = Domain({rho: above(4), rho_inf: above(4), tau: above(0)})
THRESHOLD = sp.Integer(4)  # Eq. 5 has its last pole there; R Alg. 2 tests rho_t > 4


def rectification_of(rho: sp.Expr = rho, rho_inf: sp.Expr = rho_inf) -> sp.Expr:
    """R as a function of rho_t and rho_inf; R section 4.2."""
    return sp.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


def rectification(t: sp.Expr = t, b2: sp.Expr = b2) -> sp.Expr:
    """r_t of R Algorithm 2, for rho_t > 4."""
    return rectification_of(rho_t(t, b2), rho_limit(b2))


def solve_rectification() -> sp.Expr:
    """The positive r with Var[r psi] = r^2 Var[psi] = C_var, both variances by Eq. 5."""
    target = delta_method_variance(rho_inf, tau)
    solutions = sp.solve(sp.Eq(r**2 * delta_method_variance(rho, tau), C_var), r)
    return solutions[-1].subs(C_var, target) if len(solutions) == 1 else sp.nan


def degenerate_decays(threshold: sp.Expr = THRESHOLD) -> sp.Set:
    """The beta2 in (0, 1) with rho_inf <= threshold: no step is ever adaptive."""
    inequality = rho_limit(b2) <= threshold
    return sp.solve_univariate_inequality(
        inequality, b2, relational=False, domain=sp.Interval.open(0, 1)
    )


def degrees_polynomial(step: int, threshold: sp.Expr = THRESHOLD) -> sp.Poly:
    """Polynomial in beta2 that is positive on (0, 1) exactly where rho_step > threshold.

    rho_t + 1 is twice the mean age, sum k b^(k-1) / sum b^(k-1), a ratio of polynomials with
    positive coefficients; no power of 1 - beta2 is left to cancel.
    """
    ages = sum(j * b2 ** (j - 1) for j in range(1, step + 1))
    total = sum(b2 ** (j - 1) for j in range(1, step + 1))
    return sp.Poly(2 * ages - (threshold + 1) * total, b2)


def adaptive_decay(step: int, threshold: int = int(THRESHOLD)) -> sp.Expr:
    """The beta2 above which rho_step > threshold, an algebraic number in (0, 1).

    Raises
    ------
    DomainError
        When step <= threshold: then rho_step < step <= threshold for every beta2.
    """
    require(step > threshold, "step", f"exceed the threshold {threshold}", step)
    polynomial = degrees_polynomial(step, sp.Integer(threshold))
    roots = [root for root in polynomial.real_roots() if 0 < root < 1]
    return roots[0] if len(roots) == 1 else sp.nan


def scaled_rectification(u: sp.Expr = y) -> sp.Expr:
    """Limit of r_t as b2 -> 1 with t (1-b2) -> u: sqrt(1 - u/(e^u - 1)), one curve for every beta2."""
    return sp.sqrt(scaled_paper(u))


def rectification_term() -> Derivation:
    """R section 4.2: r_t from the target variance."""
    solved = solve_rectification()
    return Derivation(
        "rectification",
        "The rectification term",
        "R section 4.2",
        (
            Step(
                "Target",
                sp.Eq(r**2 * delta_method_variance(rho, tau), C_var),
                "Var[r psi] = r^2 Var[psi] is to equal C_var = Var[psi] at rho_inf, by Eq. 5.",
                check_target,
                "R section 4.2",
            ),
            Step(
                "Solved",
                sp.Eq(r, rectification_of()),
                "The positive solution; the scale tau cancels. Both sides being positive, their "
                "squares are compared.",
                lambda: check_equal(solved**2, rectification_of() ** 2, ADAPTIVE_DOMAIN),
                "R section 4.2",
            ),
            equality(
                "At the limit",
                sp.Subs(rectification_of(), rho, rho_inf),
                sp.S.One,
                ADAPTIVE_DOMAIN,
                "r -> 1 as rho_t -> rho_inf.",
                prover=by_evaluation,
            ),
            Step(
                "Degenerate decays",
                sp.Contains(b2, degenerate_decays()),
                "rho_inf <= 4 exactly there, and rho_t < rho_inf: no step is adaptive.",
                check_degenerate,
                "R section 4.2",
            ),
        ),
    )


def warmup_shape() -> Derivation:
    """R section 4.3: the shape of r_t as a warm-up, in the limit beta2 -> 1."""
    return Derivation(
        "warmup_shape",
        "The shape of the rectification as a warm-up",
        "R section 4.3",
        (
            Step(
                "One curve",
                sp.Eq(
                    sp.Limit(along_u(rho_t()), x, 0),
                    scaled_rectification() ** 2,
                    evaluate=False,
                ),
                "r_t^2 ~ rho_t/rho_inf once both are large, and (1-b2) rho_inf/2 -> 1.",
                check_scaled_rectification,
            ),
            Step(
                "Square-root start",
                sp.Eq(sp.Limit(scaled_rectification() / sp.sqrt(y), y, 0), 1 / sp.sqrt(2)),
                "r_t starts like sqrt(t (1-b2)/2): slope 1/2 on log-log axes, where the linear "
                "warm-up has slope 1.",
                check_square_root_start,
            ),
        ),
    )


def check_target() -> Checked:
    """r_t^2 Var (Eq. 5) at rho equals Eq. 5 at rho_inf."""
    left = rectification_of() ** 2 * delta_method_variance(rho, tau)
    return check_equal(left, delta_method_variance(rho_inf, tau), ADAPTIVE_DOMAIN)


def check_degenerate() -> Checked:
    """The solved set is (0, 3/5], and rho_inf exceeds rho_t by a positive gap."""
    below = degenerate_decays()
    same = check_equal(rho_limit() - rho_t(), gap_to_limit(), DOMAIN)
    if not same or below.sup != sp.Rational(3, 5) or not below.contains(below.sup):
        return Checked(Outcome.UNKNOWN, f"SymPy solves rho_inf <= 4 to {below}")
    return Checked(same.outcome, f"SymPy solves rho_inf <= 4 to {below}; rho_t < rho_inf")


def check_scaled_rectification() -> Checked:
    """Limit of r_t^2 along beta2 = exp(-u/t) by SymPy."""
    squared = rectification() ** 2
    along = sp.simplify(squared.subs({b2: sp.exp(-y * x), t: 1 / x}, simultaneous=True))
    limit = sp.limit(along, x, 0, "+")
    domain = Domain({y: between(0, 20)})
    return check_equal(limit, scaled_rectification() ** 2, domain)


def check_square_root_start() -> Checked:
    """Limit of R(u)/sqrt(u) at 0 by SymPy."""
    limit = sp.limit(scaled_rectification() ** 2 / y, y, 0, "+")
    return check_equal(limit, sp.Rational(1, 2), Domain({y: above(0)}))
