"""The paper's two controls: Adam-eps and Adam-2k; R section 3.1.

At the first step psi_eps = sqrt(1-b2) / (eps + sqrt((1-b2) g^2)) = 1/(e + abs(g)) with
e = eps / sqrt(1-b2), so its moments under N(0, s^2) are elementary up to one function, J.
"""

from __future__ import annotations

import math

import mpmath as mp
import sympy as sp

from varlab.core import require
from varlab.theory.checking import DIGITS, Checked, Outcome, check_equal
from varlab.theory.derivation import Derivation, Step
from varlab.theory.domain import Domain, between
from varlab.theory.first_step import normal_density
from varlab.theory.moving_average import ema_weight
from varlab.theory.symbols import b1, b2, eps, g, i, s, t, x, y

DOMAIN = Domain({eps: between(0, 1), b2: between(0, 1), g: between(-3, 3)})
SCALED = Domain({y: between(0, 5)})
# Quadrature at 50 digits keeps this many digits when the integrand bends on the scale of e.
QUADRATURE_AGREEMENT = mp.mpf(10) ** -30


def effective_eps(eps: sp.Expr = eps, b2: sp.Expr = b2, t: sp.Expr = sp.S.One) -> sp.Expr:
    """Eps beside the uncorrected root as an eps beside the corrected one, eps / sqrt(1-b2^t)."""
    return eps / sp.sqrt(1 - b2**t)


def psi_eps_first(eps: sp.Expr = eps, b2: sp.Expr = b2, g: sp.Expr = g) -> sp.Expr:
    """psi_eps at t = 1 as R section 3.1 prints it."""
    return sp.sqrt(1 - b2) / (eps + sp.sqrt((1 - b2) * g**2))


def printed_variance(eps: sp.Expr = eps) -> sp.Expr:
    """R section 3.1: 1/(12 eps^2), the variance of a uniform variable on (0, 1/eps)."""
    return 1 / (12 * eps**2)


def J(y: sp.Expr = y) -> sp.Expr:
    """J(y) = integral over x > 0 of exp(-x^2/2)/(x+y), y > 0, in closed form."""
    return sp.exp(-(y**2) / 2) * (sp.pi * sp.erfi(y / sp.sqrt(2)) - sp.Ei(y**2 / 2)) / 2


def J_integral(y: sp.Expr = y) -> sp.Expr:
    """The definition of J."""
    return sp.Integral(sp.exp(-(x**2) / 2) / (x + y), (x, 0, sp.oo))


def J_leading(y: sp.Expr = y) -> sp.Expr:
    """J(y) = -ln y + (ln 2 - gamma)/2 + O(y)."""
    return -sp.log(y) + (sp.log(2) - sp.EulerGamma) / 2


def mean(y: sp.Expr = y, s: sp.Expr = s) -> sp.Expr:
    """E[1/(e + abs(g))] for g ~ N(0, s^2), with y = e/s."""
    return sp.sqrt(2 / sp.pi) * J(y) / s


def second_moment(y: sp.Expr = y, s: sp.Expr = s) -> sp.Expr:
    """E[1/(e + abs(g))^2] for g ~ N(0, s^2), with y = e/s."""
    return (sp.sqrt(2 / sp.pi) * (1 / y + y * J(y)) - 1) / s**2


def variance(y: sp.Expr = y, s: sp.Expr = s) -> sp.Expr:
    """Var[psi_eps] at t = 1 for g ~ N(0, s^2), with y = e/s; exact."""
    return second_moment(y, s) - mean(y, s) ** 2


def leading_variance(eps: sp.Expr = eps, b2: sp.Expr = b2, s: sp.Expr = s) -> sp.Expr:
    """sqrt(2/pi) / (s e): the leading term as eps -> 0, one power of eps, not two."""
    return sp.sqrt(2 / sp.pi) / (s * effective_eps(eps, b2))


def first_update_mean(y: sp.Expr = y) -> sp.Expr:
    """E[abs(g)/(e + abs(g))] = 1 - sqrt(2/pi) y J(y): the mean first step of Adam-eps over lr."""
    return 1 - sp.sqrt(2 / sp.pi) * y * J(y)


def delayed_update_mean(frozen: int, b2: float, b1: float | None = None) -> float:
    """E[abs(u)] of the first update after ``frozen`` steps that updated only v; g ~ N(0, s^2).

    E[abs(g) vhat^(-1/2)] = sqrt(2)/pi * integral of z^(-1/2) (1 + 2 z w_n)^(-1/2)
    prod_i (1 + 2 z w_i)^(-1/2) dz with n = frozen + 1 squared gradients in vhat: the exact law of
    the EMA with one factor for the newest gradient, which stands in the numerator too.

    Parameters
    ----------
    frozen : int
        Steps with frozen parameters and first moment, >= 0; 1999 or 2000 for Adam-2k.
    b2 : float
        In (0, 1).
    b1 : float, optional
        When given, the first moment's bias correction counts all n steps, so that the update is
        multiplied by (1-b1)/(1-b1^n); otherwise it starts anew and mhat = g.
    """
    require(frozen >= 0, "frozen", "be an integer >= 0", frozen)
    require(0 < b2 < 1, "b2", "lie in (0, 1)", b2)
    require(b1 is None or 0 <= b1 < 1, "b1", "lie in [0, 1)", b1)
    count = frozen + 1
    weight = sp.lambdify(i, ema_weight(i, sp.Integer(count), sp.Float(b2)), "math")
    weights = [weight(count - lag) for lag in range(count)]

    def integrand(root: mp.mpf) -> mp.mpf:
        # z = root^2 removes the singularity of z^(-1/2); factors 1 + 2 z w_i in double precision.
        z = float(root) ** 2
        logarithm = math.fsum(math.log1p(2 * z * w) for w in weights)
        return 2 * math.exp(-(logarithm + math.log1p(2 * z * weights[0])) / 2)

    # With many weights the integrand falls like exp(-root^2), below 1e-15 at 6; with few, like a power.
    nodes = [0, 2, 6] if count > 500 else [0, 1, 4, 64, mp.inf]
    integral = mp.quad(integrand, nodes, maxdegree=5)
    factor = 1 if b1 is None else (1 - b1) / (1 - b1**count)
    return float(factor * mp.sqrt(2) / mp.pi * integral)


def check_by_quadrature(expression: sp.Expr, integral: sp.Integral) -> Checked:
    """Compare a closed form in y with its defining integral at 50 digits."""
    worst = mp.mpf(0)
    for point in (sp.Rational(1, 1000), sp.Rational(1, 3), sp.Integer(2)):
        with mp.workdps(DIGITS):
            function = sp.lambdify(x, integral.function.subs(y, point), "mpmath")
            at = mp.mpf(point.p) / point.q
            value = mp.quad(function, [0, at / 10, at, 10 * at, 1 + 10 * at, 6 + 10 * at, 40])
            exact = mp.mpf(sp.N(expression.subs(y, point), DIGITS))
            worst = max(worst, abs(value / exact - 1))
            if worst > QUADRATURE_AGREEMENT:
                shown = {"y": str(point), "integral": mp.nstr(value), "closed": mp.nstr(exact)}
                return Checked(Outcome.REFUTED, f"they differ at y = {point}", shown, float(worst))
    return Checked(Outcome.CONFIRMED, "quadrature at 50 digits, three y", None, float(worst))


def check_parts() -> Checked:
    """d/dx [-exp(-x^2/2)/(x+y)] = exp(-x^2/2)/(x+y)^2 + x exp(-x^2/2)/(x+y), from 1/y to 0."""
    bell = sp.exp(-(x**2) / 2)
    edge = -bell / (x + y)
    domain = Domain({x: between(0, 5), y: between(0, 5)})
    same = check_equal(
        sp.diff(edge, x), bell / (x + y) ** 2 + x * bell / (x + y), domain, prover=sp.simplify
    )
    if not same:
        return same
    ends = sp.limit(edge, x, sp.oo) - edge.subs(x, 0)
    normal = sp.integrate(bell, (x, 0, sp.oo))
    right = ends - normal + y * J()
    return check_equal(right, sp.sqrt(sp.pi / 2) * (second_moment(y, sp.S.One)), SCALED)


def adam_eps() -> Derivation:
    """Var[psi_eps] at the first step under N(0, s^2), against R section 3.1's uniform law."""
    bell = sp.exp(-(x**2) / 2)
    corrected = 1 / (effective_eps() + sp.Abs(g))
    return Derivation(
        "adam_eps",
        "The variance of the adaptive rate with a large eps",
        "R section 3.1",
        (
            Step(
                "Bias-corrected form",
                sp.Eq(psi_eps_first(), corrected),
                "Dividing by sqrt(1-b2): the support is (0, sqrt(1-b2)/eps).",
                lambda: check_equal(psi_eps_first(), corrected, DOMAIN),
                "R section 3.1",
            ),
            Step(
                "Mean",
                sp.Eq(J_integral(), J()),
                "E[psi_eps] = sqrt(2/pi) J(e/s)/s.",
                lambda: check_by_quadrature(J(), J_integral()),
            ),
            Step(
                "Second moment",
                sp.Eq(
                    sp.Integral(bell / (x + y) ** 2, (x, 0, sp.oo)),
                    1 / y - sp.sqrt(sp.pi / 2) + y * J(),
                ),
                "By parts: the boundary gives 1/y, and x/(x+y) = 1 - y/(x+y).",
                check_parts,
            ),
            Step(
                "Second moment by quadrature",
                sp.Eq(
                    sp.sqrt(2 / sp.pi) * sp.Integral(bell / (x + y) ** 2, (x, 0, sp.oo)),
                    second_moment(y, sp.S.One),
                ),
                "E[psi_eps^2] for s = 1 against the integral itself.",
                lambda: check_by_quadrature(
                    second_moment(y, sp.S.One) * sp.sqrt(sp.pi / 2),
                    sp.Integral(bell / (x + y) ** 2, (x, 0, sp.oo)),
                ),
            ),
            Step(
                "Leading order",
                sp.Eq(sp.Limit(y * variance(y, sp.S.One), y, 0, "+"), sp.sqrt(2 / sp.pi)),
                "As eps -> 0 the variance is sqrt(2/pi)/(s e): inversely proportional to eps, "
                "because psi_eps comes near its supremum only when abs(g) is about e, which has "
                "a probability proportional to e.",
                lambda: check_limit(y * variance(y, sp.S.One), sp.sqrt(2 / sp.pi)),
            ),
            Step(
                "The printed order",
                sp.Eq(sp.Limit(y**2 * variance(y, sp.S.One), y, 0, "+"), 0),
                "Divided by eps^-2 the variance vanishes: a uniform law on the same support has "
                "the wrong order in eps.",
                lambda: check_limit(y**2 * variance(y, sp.S.One), sp.S.Zero),
                "R section 3.1",
            ),
        ),
    )


def check_limit(expression: sp.Expr, expected: sp.Expr) -> Checked:
    """Limit at y = 0 by J's leading terms, whose remainder is O(y) (checked by SymPy's limit)."""
    remainder = sp.limit(J() - J_leading(), y, 0, "+")
    if sp.simplify(remainder) != 0:
        return Checked(Outcome.UNKNOWN, f"SymPy finds J - leading -> {remainder}")
    limit = sp.limit(sp.expand(expression.subs(J(), J_leading())), y, 0, "+")
    if sp.simplify(limit - expected) != 0:
        shown = {"limit": str(limit), "expected": str(expected)}
        return Checked(Outcome.REFUTED, f"SymPy finds the limit {limit}", shown)
    return Checked(Outcome.PROVED, "SymPy's limits of J and of the expression")


def first_updates() -> Derivation:
    """The first update of Adam, of Adam-2k and of Adam-eps, for N(0, s^2) gradients."""
    ratio = (1 - b1) / (1 - b1**t)
    return Derivation(
        "first_updates",
        "The size of the first update under the two controls",
        "R section 3.1",
        (
            Step(
                "Adam",
                sp.Eq(g / sp.sqrt(g**2), sp.sign(g)),
                "mhat = g and vhat = g^2: the step is the learning rate in size, with no "
                "randomness but the sign, although E[psi] is infinite.",
                lambda: check_equal((g / sp.sqrt(g**2)) ** 2, sp.S.One, DOMAIN),
                "A Alg. 1",
            ),
            Step(
                "Adam-2k, correction restarted",
                sp.Eq(
                    sp.Integral(sp.Abs(x) * normal_density(x, sp.S.One), (x, -sp.oo, sp.oo)),
                    half_normal(),
                ),
                "vhat has settled at s^2 and mhat = g: the size is that of abs(g)/s, "
                "half-normal with mean sqrt(2/pi).",
                check_half_normal,
            ),
            Step(
                "Adam-2k, correction counting every step",
                sp.Eq(sp.Limit(ratio, t, sp.oo), 1 - b1),
                "If the first moment's correction counts the frozen steps, mhat = "
                "(1-b1) g/(1-b1^t): another factor 1-b1.",
                lambda: check_equal(ratio.subs(b1**t, 0), 1 - b1, Domain({b1: between(0, 1)})),
            ),
            Step(
                "Adam-eps",
                sp.Eq(
                    sp.sqrt(2 / sp.pi)
                    * sp.Integral(x / (x + y) * sp.exp(-(x**2) / 2), (x, 0, sp.oo)),
                    first_update_mean(),
                ),
                "abs(g)/(e + abs(g)) = 1 - e/(e + abs(g)): for e >> s it is about abs(g)/e, so eps "
                "acts as a smaller learning rate.",
                lambda: check_by_quadrature(
                    first_update_mean() * sp.sqrt(sp.pi / 2),
                    sp.Integral(x / (x + y) * sp.exp(-(x**2) / 2), (x, 0, sp.oo)),
                ),
            ),
            Step(
                "Weight of the newest gradient",
                sp.Eq(sp.Limit(ema_weight(t), t, sp.oo), 1 - b2),
                "Under Adam-2k the newest gradient has only the share 1-b2 of vhat: psi and g are "
                "nearly independent, under Adam they are bound to each other.",
                lambda: check_equal(
                    ema_weight(t).subs(b2**t, 0), 1 - b2, Domain({b2: between(0, 1)})
                ),
            ),
        ),
    )


def half_normal() -> sp.Expr:
    """E[abs(g)]/s = sqrt(2/pi)."""
    return sp.sqrt(2 / sp.pi)


def check_half_normal() -> Checked:
    """The mean of abs(g)/s, integrated by SymPy on the half line."""
    value = 2 * sp.integrate(x * normal_density(x, sp.S.One), (x, 0, sp.oo))
    return check_equal(value, half_normal(), SCALED)
