"""The scaled inverse chi-square law of psi^2 and the moments of psi (R section 3.2, Eqs. 2, 6, 7, 8).

With rho degrees of freedom and scale tau^2 = 1/s^2,

    X = psi^2 = rho tau^2 / Q,  Q ~ chi^2(rho),

so every moment is one Gamma integral after the substitution y = rho tau^2 / (2x), and the moment
exists exactly where that integral converges: E[psi^p] is finite if and only if rho > p.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from varlab.theory import symbols as sym
from varlab.theory.checking import Checked, Outcome, all_of, check_equal
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import Domain, above
from varlab.theory.symbols import p, rho, tau, x, y

LAW = Domain({x: above(0), rho: above(0), tau: above(0)})


def where_finite(order: sp.Expr | int) -> Domain:
    """The domain on which E[psi^order] is finite."""
    return Domain({rho: above(sp.Max(order, 0)), tau: above(0)})


def chi_square_density(rho: sp.Expr = sym.rho, at: sp.Expr = sym.y) -> sp.Expr:
    """Density of chi^2(rho) at ``at`` > 0."""
    return at ** (rho / 2 - 1) * sp.exp(-at / 2) / (2 ** (rho / 2) * sp.gamma(rho / 2))


def density(rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau, at: sp.Expr = sym.x) -> sp.Expr:
    """Density of Scale-inv-chi^2(rho, tau^2) at ``at`` > 0, as R states it (Eq. 6)."""
    shape = (tau**2 * rho / 2) ** (rho / 2) / sp.gamma(rho / 2)
    return shape * sp.exp(-rho * tau**2 / (2 * at)) / at ** (1 + rho / 2)


def density_by_change_of_variables() -> sp.Expr:
    """The same from chi-square: f_X(x) = f_Q(q(x)) |dq/dx| with q = rho tau^2 / x."""
    chi_square = rho * tau**2 / x
    return chi_square_density(rho, chi_square) * -sp.diff(chi_square, x)


def gamma_integrand(order: sp.Expr = sym.p) -> sp.Expr:
    """What remains of E[psi^order] under y = rho tau^2/(2x), up to a constant factor."""
    return y ** ((rho - order) / 2 - 1) * sp.exp(-y)


@cache
def existence(order: sp.Expr = sym.p) -> sp.Basic:
    """When E[psi^order] is finite: the convergence condition of the Gamma integral, for rho.

    SymPy integrates over (0, oo) and attaches the condition; it is solved for rho here, never typed.
    """
    integral = sp.integrate(gamma_integrand(p), (y, 0, sp.oo))
    condition = integral.args[0][1]  # of a Piecewise: (value, condition), (the integral, True)
    bound = sp.solve(condition.lhs - condition.rhs, rho)[0]
    # The condition is linear in rho: test on one side to learn its direction.
    direction = sp.Gt if condition.subs(rho, bound + 1) == sp.true else sp.Lt
    return direction(rho, bound.subs(p, order), evaluate=False)


def threshold(order: sp.Expr | int) -> sp.Expr:
    """The degrees of freedom above which E[psi^order] is finite."""
    return existence(sp.sympify(order)).lts


def psi_moment(
    order: sp.Expr | int = sym.p, rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau
) -> sp.Expr:
    """E[psi^order] = tau^order (rho/2)^(order/2) Gamma((rho-order)/2) / Gamma(rho/2), rho > order."""
    order = sp.sympify(order)
    scale = tau**order * (rho / 2) ** (order / 2)
    return scale * sp.gamma((rho - order) / 2) / sp.gamma(rho / 2)


def square_mean(rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau) -> sp.Expr:
    """E[psi^2] = rho tau^2 / (rho - 2), rho > 2 (R Eq. 6)."""
    return rho * tau**2 / (rho - 2)


def square_variance(rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau) -> sp.Expr:
    """Var[psi^2] = 2 rho^2 tau^4 / ((rho-2)^2 (rho-4)), rho > 4."""
    return 2 * rho**2 * tau**4 / ((rho - 2) ** 2 * (rho - 4))


def psi_mean(rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau) -> sp.Expr:
    """E[psi] as R states it, tau sqrt(rho) Gamma((rho-1)/2) / (sqrt 2 Gamma(rho/2)) (Eq. 7)."""
    return tau * sp.sqrt(rho) * sp.gamma((rho - 1) / 2) / (sp.sqrt(2) * sp.gamma(rho / 2))


def psi_variance_gamma(rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau) -> sp.Expr:
    """Var[psi] = E[psi^2] - E[psi]^2 from the moments, rho > 2."""
    return psi_moment(2, rho, tau) - psi_moment(1, rho, tau) ** 2


def psi_variance_beta(rho: sp.Expr = sym.rho, tau: sp.Expr = sym.tau) -> sp.Expr:
    """Var[psi] as R states it, tau^2 (rho/(rho-2) - rho 2^(2 rho-5)/pi B((rho-1)/2,(rho-1)/2)^2) (Eqs. 2, 8)."""
    beta = sp.beta((rho - 1) / 2, (rho - 1) / 2)
    return tau**2 * (rho / (rho - 2) - rho * 2 ** (2 * rho - 5) / sp.pi * beta**2)


def by_duplication(difference: sp.Expr) -> sp.Expr:
    """Rewrite Beta by Gamma, apply Legendre's duplication to Gamma(v - 1), and simplify."""
    for v in (rho, sym.nu):
        half = sp.gamma((v - 1) / 2) * sp.gamma(v / 2) * 2 ** (v - 2) / sp.sqrt(sp.pi)
        difference = sp.expand_func(difference.rewrite(sp.gamma)).subs(sp.gamma(v - 1), half)
    return sp.simplify(sp.gammasimp(sp.expand(difference)))


def check_normalised(pdf: sp.Expr, domain: Domain = LAW) -> Checked:
    """Decide whether ``pdf`` in x integrates to 1 over (0, oo), by SymPy's integration."""
    total = sp.integrate(pdf, (x, 0, sp.oo), conds="none")
    others = Domain({s: i for s, i in domain.intervals.items() if s != x})
    return check_equal(total, sp.Integer(1), others)


def check_mean(mean: sp.Expr) -> Checked:
    """Decide E[x] = ``mean`` on rho > 2, by SymPy's integral of x against the density."""
    integral = sp.integrate(x * density(), (x, 0, sp.oo), conds="none")
    return check_equal(integral, mean, where_finite(2))


def law() -> Derivation:
    """Eq. 6: the density from the chi-square, its total mass and its mean."""
    return Derivation(
        "inverse-chi-law",
        "The scaled inverse chi-square law of psi^2",
        "R section 3.2, Eq. 6",
        (
            equality(
                "Change of variables",
                density_by_change_of_variables(),
                density(),
                LAW,
                "X = rho tau^2/Q falls in Q, so f_X(x) = f_Q(rho tau^2/x) |d(rho tau^2/x)/dx|.",
                source="R Eq. 6",
            ),
            Step(
                "Total mass",
                sp.Eq(sp.Integral(density(), (x, 0, sp.oo)), 1, evaluate=False),
                "The substitution y = rho tau^2/(2x) leaves Gamma(rho/2)/Gamma(rho/2).",
                lambda: check_normalised(density()),
                "R Eq. 6",
            ),
            Step(
                "Mean",
                sp.Eq(sp.Integral(x * density(), (x, 0, sp.oo)), square_mean(), evaluate=False),
                "A Gamma integral again, one order lower: Gamma(rho/2 - 1) = Gamma(rho/2)/(rho/2 - 1).",
                lambda: check_mean(square_mean()),
                "R Eq. 6",
            ),
        ),
    )


def substituted_integrand() -> sp.Expr:
    """E[psi^p] as an integral in y = rho tau^2/(2x): the integrand, with its constant."""
    at = rho * tau**2 / (2 * y)
    return density(at=at) * at ** (p / 2) * -sp.diff(at, y)


def moments() -> Derivation:
    """E[psi^p] for any real p, where it exists, and Eqs. 7, 2 and 8 from it."""
    constant = tau**p * (rho / 2) ** (p / 2) / sp.gamma(rho / 2)
    everywhere = Domain({**LAW.intervals, y: above(0), p: above(-3)})
    return Derivation(
        "inverse-chi-moments",
        "Moments of psi of any real order",
        "R Eqs. 7, 2 and 8",
        (
            equality(
                "Substitution",
                substituted_integrand(),
                constant * gamma_integrand(),
                everywhere,
                "y = rho tau^2/(2x) turns the density times x^(p/2) into a Gamma integrand.",
            ),
            Step(
                "Where it converges",
                sp.Equivalent(existence(), sp.Gt(rho - p, 0, evaluate=False), evaluate=False),
                "At y -> 0 the integrand is y^((rho-p)/2 - 1), integrable only if rho > p; "
                "at infinity the exponential wins.",
                _check_existence,
            ),
            Step(
                "Any order",
                sp.Eq(
                    sp.Integral(density() * x ** (p / 2), (x, 0, sp.oo)),
                    psi_moment(),
                    evaluate=False,
                ),
                "The Gamma integral, with its constant.",
                check_any_order,
            ),
            Step(
                "Mean of psi",
                sp.Eq(
                    sp.Integral(density() * sp.sqrt(x), (x, 0, sp.oo)), psi_mean(), evaluate=False
                ),
                "p = 1; it exists for rho > 1, where the paper asks for rho > 4.",
                check_psi_mean,
                "R Eq. 7",
            ),
            equality(
                "Mean of psi^2",
                psi_moment(2),
                square_mean(),
                where_finite(2),
                "p = 2; it exists for rho > 2.",
                source="R Eq. 6",
            ),
            equality(
                "Variance of psi^2",
                psi_moment(4) - psi_moment(2) ** 2,
                square_variance(),
                where_finite(4),
                "p = 4 and p = 2; it exists for rho > 4, which is where the paper's bound comes from.",
            ),
            equality(
                "The paper's Beta form",
                psi_variance_gamma(),
                psi_variance_beta(),
                where_finite(2),
                "B(a,a) = Gamma(a)^2/Gamma(2a) with a = (rho-1)/2, and Legendre's duplication of "
                "Gamma(rho-1). Valid for rho > 2, where the paper asks for rho > 4.",
                source="R Eqs. 2 and 8",
                prover=by_duplication,
            ),
        ),
    )


def check_any_order() -> Checked:
    """E[psi^p] for a symbolic real p, by SymPy's Gamma integral times the constant."""
    gamma_value = sp.integrate(gamma_integrand(), (y, 0, sp.oo), conds="none")
    constant = tau**p * (rho / 2) ** (p / 2) / sp.gamma(rho / 2)
    # p = rho - x with x > 0 runs over exactly the domain of convergence, negative orders too.
    shifted = {p: rho - x}
    domain = Domain({rho: above(0), x: above(0), tau: above(0)})
    return check_equal((constant * gamma_value).subs(shifted), psi_moment().subs(shifted), domain)


def check_psi_mean() -> Checked:
    """The integral of any order at p = 1, against the mean as R states it."""
    return all_of(
        check_any_order(),
        check_equal(psi_moment(1), psi_mean(), where_finite(1)),
        how="the moment of any order, at p = 1",
    )


def _check_existence() -> Checked:
    found = existence()
    if found == sp.Gt(rho, p, evaluate=False):
        return Checked(Outcome.PROVED, "convergence condition of SymPy's integral")
    return Checked(Outcome.REFUTED, f"found {found}", {"condition": str(found)})
