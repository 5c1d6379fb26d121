"""The exact law of vhat_t for i.i.d. normal gradients, and the moments of psi_t as single integrals.

vhat_t = sum w_i g_i^2 is a weighted sum of independent chi-squares, so its Laplace transform is a
product; and 1/v^a = 1/Gamma(a) * integral of z^(a-1) e^(-z v) dz turns the transform into moments of
psi_t = vhat_t^(-1/2), with no moving-average and no delta-method approximation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import mpmath as mp
import sympy as sp

from varlab.core import require
from varlab.theory.checking import DIGITS, Checked, all_of, check_equal
from varlab.theory.derivation import Derivation, Step
from varlab.theory.domain import Domain, above, between, integers_from
from varlab.theory.moving_average import ema_weight
from varlab.theory.symbols import b2, g, i, k, mu, n, s, t, theta, w, x, z

FACTOR_DOMAIN = Domain({z: above(0), w: between(0, 1), s: above(0)})
TRANSFORM_DOMAIN = Domain({z: above(0), b2: between(0, 1), s: above(0)})
ANGLE_DOMAIN = Domain({theta: between(0, sp.Rational(3, 2)), w: between(0, 1), s: above(0)})


def normal_density(g: sp.Expr = g, mu: sp.Expr = mu, s: sp.Expr = s) -> sp.Expr:
    """Density of N(mu, s^2) at g."""
    return sp.exp(-((g - mu) ** 2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))


def factor(z: sp.Expr = z, w: sp.Expr = w, s: sp.Expr = s, mu: sp.Expr | int = 0) -> sp.Expr:
    """E[exp(-z w g^2)] for g ~ N(mu, s^2): one factor of the transform.

    (1 + 2 z w s^2)^(-1/2) exp(-z w mu^2 / (1 + 2 z w s^2)): the moment generating function of the
    chi-square, and for mu != 0 of the noncentral chi-square, with one degree of freedom.
    """
    spread = 1 + 2 * z * w * s**2
    return spread ** sp.Rational(-1, 2) * sp.exp(-z * w * sp.sympify(mu) ** 2 / spread)


def transform(
    t: sp.Expr = t,
    b2: sp.Expr = b2,
    z: sp.Expr = z,
    s: sp.Expr = s,
    mu: sp.Expr | int = 0,
) -> sp.Expr:
    """E[exp(-z vhat_t)], the product of the factors over the steps, as a SymPy ``Product``."""
    return sp.Product(factor(z, ema_weight(i, t, b2), s, mu), (i, 1, t))


def pochhammer_argument(
    t: sp.Expr = t, b2: sp.Expr = b2, z: sp.Expr = z, s: sp.Expr = s
) -> sp.Expr:
    """The a of E[exp(-z vhat_t)] = (a; b2)_t^(-1/2), (a; q)_t = prod_{j<t} (1 - a q^j)."""
    return -2 * z * s**2 * (1 - b2) / (1 - b2**t)


def q_pochhammer(a: sp.Expr, q: sp.Expr, n: sp.Expr) -> sp.Expr:
    """The q-Pochhammer symbol (a; q)_n as a finite product."""
    return sp.Product(1 - a * q ** (i - 1), (i, 1, n))


def angular_integrand(order: sp.Expr, t: sp.Expr, b2: sp.Expr, s: sp.Expr) -> sp.Expr:
    """E[psi_t^order] is the integral of this over theta in (0, pi/2).

    The Mellin integral under z = tan(theta)^2: 2/Gamma(k/2) sin^(k-1) cos^(t-k-1)
    prod (cos^2 + 2 s^2 w_i sin^2)^(-1/2), bounded wherever the moment is finite.
    """
    base = sp.cos(theta) ** 2 + 2 * s**2 * ema_weight(i, t, b2) * sp.sin(theta) ** 2
    edge = sp.sin(theta) ** (order - 1) * sp.cos(theta) ** (t - order - 1)
    product = sp.Product(base ** sp.Rational(-1, 2), (i, 1, t))
    return 2 / sp.gamma(order / 2) * edge * product


def finite_from(order: int) -> int:
    """Smallest step at which E[psi_t^order] is finite.

    Each factor falls like z^(-1/2) (:func:`tail_constant` is its positive limit), so the Mellin
    integrand z^(k/2-1) E[exp(-z vhat_t)] falls like z^(k/2 - 1 - t/2), integrable iff t > k.
    """
    exponent = sp.Rational(order, 2) - 1 - t / 2
    condition = sp.solve_univariate_inequality(exponent < -1, t, relational=False)
    return int(sp.floor(condition.inf)) + 1


def tail_constant(mu: sp.Expr | int = 0) -> sp.Expr:
    """Limit of sqrt(z) * factor as z -> infinity; positive and finite for every weight and mean."""
    return sp.limit(sp.sqrt(z) * factor(mu=mu), z, sp.oo)


def over_the_angle(
    order: int, t: int, scaled: Callable[[mp.mpf, mp.mpf], mp.mpf], panels: int
) -> mp.mpf:
    """E[psi_t^order] by Mellin's integral under z = tan(theta)^2, at mpmath's working precision.

    ``scaled(cos, sin)`` is E[exp(-z vhat_t)] / cos^t; ``panels`` split the quarter turn evenly.

    Raises
    ------
    DomainError
        When the moment is infinite (t <= order).
    """
    require(t > order, "t", f"exceed {order}, the order of the moment", t)

    def integrand(angle: mp.mpf) -> mp.mpf:
        cos, sin = mp.cos_sin(angle)
        return sin ** (order - 1) * cos ** (t - order - 1) * scaled(cos, sin)

    pieces = mp.linspace(0, mp.pi / 2, panels + 1)
    integral = mp.quad(integrand, pieces, method="gauss-legendre")
    return 2 / mp.gamma(mp.mpf(order) / 2) * integral


def moment(
    order: int,
    t: int,
    b2: sp.Rational,
    s: sp.Rational = sp.S.One,
    mu: sp.Rational = sp.S.Zero,
    digits: int = DIGITS,
) -> mp.mpf:
    """E[psi_t^order] for i.i.d. N(mu, s^2) gradients from the single integral over the angle.

    Raises
    ------
    DomainError
        When the moment is infinite (t <= order).
    """
    with mp.workdps(digits + 10):
        weights = [as_mpf(ema_weight(sp.Integer(j), sp.Integer(t), b2)) for j in range(1, t + 1)]
        spread, square = 2 * as_mpf(s) ** 2, as_mpf(mu) ** 2

        def scaled(cos: mp.mpf, sin: mp.mpf) -> mp.mpf:
            bases = [cos**2 + spread * weight * sin**2 for weight in weights]
            shift = mp.fsum(weight / base for weight, base in zip(weights, bases, strict=True))
            return mp.exp(-square * sin**2 * shift) / mp.sqrt(mp.fprod(bases))

        return over_the_angle(order, t, scaled, panels=4)


def as_mpf(value: sp.Rational) -> mp.mpf:
    """An exact rational at mpmath's working precision."""
    return mp.mpf(int(value.p)) / int(value.q)


def variance(
    t: int,
    b2: sp.Rational,
    s: sp.Rational = sp.S.One,
    mu: sp.Rational = sp.S.Zero,
    digits: int = DIGITS,
) -> mp.mpf:
    """Var[psi_t] = E[psi^2] - E[psi]^2 to about ``digits`` digits; finite iff t >= 3."""
    with mp.workdps(digits + 10):
        return moment(2, t, b2, s, mu, digits) - moment(1, t, b2, s, mu, digits) ** 2


def first_step_moment(order: sp.Expr = k, s: sp.Expr = s) -> sp.Expr:
    """E[psi_1^k] = Gamma((1-k)/2) / (sqrt(pi) (2 s^2)^(k/2)), finite for k < 1."""
    return sp.gamma((1 - order) / 2) / (sp.sqrt(sp.pi) * (2 * s**2) ** (order / 2))


def second_step_mean(b2: sp.Expr = b2, s: sp.Expr = s) -> sp.Expr:
    """E[psi_2] = 2 K(m) / sqrt(2 pi s^2 w_2), m = 1 - w_1/w_2 = 1 - b2: a complete elliptic integral."""
    newest = ema_weight(sp.Integer(2), sp.Integer(2), b2)
    return 2 * sp.elliptic_k(1 - b2) / sp.sqrt(2 * sp.pi * s**2 * newest)


def third_step_second_moment(b2: sp.Rational, s: sp.Rational = sp.S.One) -> mp.mpf:
    """E[psi_3^2] = 2 R_F(a2 a3, a1 a3, a1 a2), a_i = 2 s^2 w_i: Carlson's symmetric integral."""
    a1, a2, a3 = (
        as_mpf(2 * s**2 * ema_weight(sp.Integer(j), sp.Integer(3), b2)) for j in (1, 2, 3)
    )
    return 2 * mp.elliprf(a2 * a3, a1 * a3, a1 * a2)


def exact_law() -> Derivation:
    """From one squared gradient to the moments of psi_t, and the first three steps in closed form."""
    plain = factor()
    return Derivation(
        "exact_law",
        "The exact law of the EMA of squared gradients",
        "varlab, beside R sections 3.2 and 4.1",
        (
            Step(
                "One factor",
                sp.Eq(
                    sp.Integral(
                        sp.exp(-z * w * g**2) * normal_density(mu=sp.S.Zero), (g, -sp.oo, sp.oo)
                    ),
                    plain,
                ),
                "The chi-square's moment generating function at -z w s^2.",
                lambda: check_factor(plain),
            ),
            Step(
                "A product, by independence",
                sp.Eq(
                    transform(), q_pochhammer(pochhammer_argument(), b2, t) ** sp.Rational(-1, 2)
                ),
                "The weights are geometric: the product is a q-Pochhammer symbol to the power -1/2.",
                check_pochhammer,
            ),
            Step(
                "Mellin integral",
                sp.Eq(
                    x ** (-k / 2),
                    sp.Integral(z ** (k / 2 - 1) * sp.exp(-z * x), (z, 0, sp.oo)) / sp.gamma(k / 2),
                ),
                "Euler's integral; its integrand is positive, so expectation and integral may "
                "change places: E[psi^k] = 1/Gamma(k/2) int z^(k/2-1) E[exp(-z vhat)] dz.",
                check_mellin,
            ),
            Step(
                "Where it is finite",
                sp.Eq(
                    sp.Limit(sp.sqrt(z) * plain, z, sp.oo),
                    1 / sp.sqrt(2 * w * s**2),
                    evaluate=False,
                ),
                "The integrand falls like z^(k/2-1-t/2): finite iff t > k. "
                "So E[psi_t] needs t >= 2 and Var[psi_t] t >= 3.",
                lambda: check_equal(tail_constant(), 1 / sp.sqrt(2 * w * s**2), FACTOR_DOMAIN),
            ),
            Step(
                "A proper integral",
                sp.Eq(
                    1 + 2 * w * s**2 * sp.tan(theta) ** 2,
                    (sp.cos(theta) ** 2 + 2 * w * s**2 * sp.sin(theta) ** 2) / sp.cos(theta) ** 2,
                ),
                "z = tan(theta)^2 leaves 2/Gamma(k/2) int sin^(k-1) cos^(t-k-1) prod (cos^2 + "
                "2 s^2 w_i sin^2)^(-1/2) over (0, pi/2), smooth for every integer t > k.",
                check_angle,
            ),
            Step(
                "First step",
                sp.Eq(
                    sp.Integral(z ** (k / 2 - 1) * factor(w=sp.S.One), (z, 0, sp.oo))
                    / sp.gamma(k / 2),
                    first_step_moment(),
                ),
                "One gradient: the scaled inverse chi-square with one degree of freedom, k < 1.",
                check_first_step,
                "R section 3",
            ),
            Step(
                "Second step",
                sp.Eq(
                    sp.Integral(
                        angular_integrand(sp.S.One, sp.Integer(2), b2, s).doit(),
                        (theta, 0, sp.pi / 2),
                    ),
                    second_step_mean(),
                ),
                "Two gradients: Legendre's complete integral K of parameter 1 - b2.",
                check_second_step,
            ),
        ),
    )


@cache
def check_factor(expression: sp.Expr) -> Checked:
    """``expression`` in z, w, s against the integral over the normal density by SymPy."""
    integral = sp.integrate(
        sp.exp(-z * w * g**2) * normal_density(mu=sp.S.Zero), (g, -sp.oo, sp.oo)
    )
    return check_equal(integral, expression, FACTOR_DOMAIN)


def check_pochhammer(argument: sp.Expr | None = None) -> Checked:
    """The factor of the weight n steps back is (1 - a b2^n)^(-1/2), for symbolic t and n.

    Index t - n of the product runs through 1..t as n runs through 0..t-1, the indices of the
    q-Pochhammer symbol: equal factors make equal products at every t. ``argument`` is a.
    """
    a = pochhammer_argument() if argument is None else argument
    domain = Domain({**TRANSFORM_DOMAIN.intervals, t: integers_from(1), n: integers_from(0)})
    weight = ema_weight(t - n, t)
    return all_of(
        check_equal(2 * z * s**2 * weight, -a * b2**n, domain, prover=sp.cancel),
        check_equal(factor(w=weight) ** -2, 1 - a * b2**n, domain, prover=sp.cancel),
        how="2 z s^2 w_(t-n) = -a b2^n for every t and n, factor by factor",
    )


def check_mellin() -> Checked:
    """Euler's integral by SymPy."""
    integral = sp.integrate(z ** (k / 2 - 1) * sp.exp(-z * x), (z, 0, sp.oo))
    domain = Domain({x: above(0), k: above(0)})
    return check_equal(sp.simplify(integral) / sp.gamma(k / 2), x ** (-k / 2), domain)


def check_angle() -> Checked:
    """The base of each factor and the Jacobian under z = tan(theta)^2."""
    square = sp.tan(theta) ** 2
    base = sp.cos(theta) ** 2 + 2 * w * s**2 * sp.sin(theta) ** 2
    same = check_equal(
        1 + 2 * w * s**2 * square, base / sp.cos(theta) ** 2, ANGLE_DOMAIN, prover=sp.simplify
    )
    if not same:
        return same
    jacobian = sp.diff(square, theta)
    return check_equal(
        jacobian, 2 * sp.sin(theta) / sp.cos(theta) ** 3, ANGLE_DOMAIN, prover=sp.simplify
    )


def check_first_step() -> Checked:
    """The Mellin integral at t = 1, where it converges."""
    integrand = z ** (k / 2 - 1) * (1 + 2 * z * s**2) ** sp.Rational(-1, 2)
    integral = sp.integrate(integrand, (z, 0, sp.oo), conds="none") / sp.gamma(k / 2)
    return check_equal(
        sp.gammasimp(integral), first_step_moment(), Domain({k: between(0, 1), s: above(0)})
    )


def check_second_step() -> Checked:
    """The integrand at t = 2, k = 1 is Legendre's, after theta -> pi/2 - theta."""
    ours = angular_integrand(sp.S.One, sp.Integer(2), b2, s).doit()
    newest = 2 * s**2 * ema_weight(sp.Integer(2), sp.Integer(2), b2)
    # tan(alpha) = sqrt(a) tan(theta), a = 2 s^2 w_2, has d theta / d alpha as below and turns
    # cos^2 + a sin^2 into 1/(cos(alpha)^2 + sin(alpha)^2 / a).
    alpha = theta
    old = sp.atan(sp.tan(alpha) / sp.sqrt(newest))
    moved = ours.subs(theta, old) * sp.diff(old, alpha)
    legendre = 2 / sp.sqrt(sp.pi * newest) / sp.sqrt(1 - (1 - b2) * sp.sin(alpha) ** 2)
    domain = Domain({theta: between(0, sp.Rational(3, 2)), b2: between(0, 1), s: above(0)})
    return check_equal(moved, legendre, domain)
