"""The exact law of vhat_t for gradients with a mean, and for any stationary Gaussian sequence.

With W = diag(w_1..w_t) and g ~ N(0, Sigma), vhat_t = g' W g is a Gaussian quadratic form and
E[exp(-z vhat_t)] = det(I + 2 z W^(1/2) Sigma W^(1/2))^(-1/2). AR(1) gradients have
Sigma_ij = s^2 phi^|i-j|.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import mpmath as mp
import sympy as sp

from varlab.theory.checking import DIGITS, Checked, Outcome, all_of, check_equal
from varlab.theory.derivation import Derivation, Step
from varlab.theory.domain import Domain, Interval, above, between, integers_from
from varlab.theory.exact_law import as_mpf, factor, normal_density, over_the_angle
from varlab.theory.moving_average import ema_weight
from varlab.theory.symbols import b2, g, k, mu, n, phi, s, w, x, y, z

MEANS = Interval(sp.Integer(-3), sp.Integer(3))
NONCENTRAL_DOMAIN = Domain({z: above(0), w: between(0, 1), s: above(0), mu: MEANS})
# Positive weights of no particular form, for identities that hold whatever the weights.
FREE_WEIGHTS = (w, x, y, k)
FREE_DOMAIN = Domain(
    {z: above(0), s: above(0), phi: between(-1, 1)} | {v: between(0, 1) for v in FREE_WEIGHTS}
)
AR1_DOMAIN = Domain({z: above(0), b2: between(0, 1), s: above(0), phi: between(-1, 1)})


def ema_weights(t: int, b2: sp.Expr = b2) -> tuple[sp.Expr, ...]:
    """The weights w_1..w_t of vhat_t, oldest first."""
    return tuple(ema_weight(sp.Integer(j), sp.Integer(t), b2) for j in range(1, t + 1))


def ar1_covariance(t: int, s: sp.Expr = s, phi: sp.Expr = phi) -> sp.Matrix:
    """Sigma_ij = s^2 phi^|i-j|: a stationary AR(1) sequence with marginal variance s^2."""
    return sp.Matrix(t, t, lambda row, column: s**2 * phi ** abs(row - column))


def determinant(
    weights: Sequence[sp.Expr], z: sp.Expr = z, s: sp.Expr = s, phi: sp.Expr = phi
) -> sp.Expr:
    """det(I + 2 z W Sigma), equal to det(I + 2 z W^(1/2) Sigma W^(1/2)) by Sylvester's identity."""
    form = sp.diag(*weights) * ar1_covariance(len(weights), s, phi)
    return (sp.eye(len(weights)) + 2 * z * form).det("berkowitz")


def continuant(
    weights: Sequence[sp.Expr], z: sp.Expr = z, s: sp.Expr = s, phi: sp.Expr = phi
) -> sp.Expr:
    """The same determinant by a three-term recursion.

    AR(1)'s precision matrix is tridiagonal, so det(Sigma^-1 + 2 z W) is a continuant, and
    det Sigma = s^(2t) (1 - phi^2)^(t-1).
    """
    steps = len(weights)
    scale = s**2 * (1 - phi**2)

    def diagonal(j: int) -> sp.Expr:
        neighbours = (j > 0) + (j < steps - 1)
        return (1 - phi**2 + neighbours * phi**2) / scale + 2 * z * weights[j]

    before, current = sp.S.One, diagonal(0)
    for j in range(1, steps):
        before, current = current, diagonal(j) * current - (phi / scale) ** 2 * before
    return s ** (2 * steps) * (1 - phi**2) ** (steps - 1) * current


def ar1_moment(
    order: int,
    t: int,
    b2: sp.Rational,
    phi: sp.Rational,
    s: sp.Rational = sp.S.One,
    digits: int = DIGITS,
) -> mp.mpf:
    """E[psi_t^order] for AR(1) gradients: the Mellin integral under z = tan(theta)^2.

    Raises
    ------
    DomainError
        When the moment is infinite (t <= order).
    """
    with mp.workdps(digits + 10):
        exact = sp.diag(*ema_weights(t, b2)) * ar1_covariance(t, s, phi)
        form = mp.matrix(t, t)
        for row in range(t):
            for column in range(t):
                form[row, column] = as_mpf(sp.Rational(exact[row, column]))

        def scaled(cos: mp.mpf, sin: mp.mpf) -> mp.mpf:
            return 1 / mp.sqrt(mp.det(cos**2 * mp.eye(t) + 2 * sin**2 * form))

        return over_the_angle(order, t, scaled, panels=2)


def correlated_law() -> Derivation:
    """The noncentral factor, the Gaussian quadratic form, and AR(1)."""
    return Derivation(
        "correlated_law",
        "The exact law with a mean and with correlation",
        "varlab, beside R section 3",
        (
            Step(
                "Noncentral factor",
                sp.Eq(
                    sp.Integral(sp.exp(-z * w * g**2) * normal_density(), (g, -sp.oo, sp.oo)),
                    factor(mu=mu),
                ),
                "Completing the square: the noncentral chi-square's transform. A mean changes no "
                "power of z, so the moments exist from the same step.",
                lambda: check_noncentral_factor(factor(mu=mu)),
                "R section 5.3",
            ),
            Step(
                "Gaussian quadratic form",
                sp.Eq(bivariate_integral() ** -2, determinant(ema_weights(2)), evaluate=False),
                "Integrating exp(-z vhat) against the bivariate normal density, one variable after "
                "the other, leaves det(I + 2 z W Sigma)^(-1/2): shown at t = 2, its square inverted.",
                lambda: check_bivariate(determinant(ema_weights(2))),
            ),
            Step(
                "AR(1) by recursion",
                sp.Eq(determinant(FREE_WEIGHTS[:3]), continuant(FREE_WEIGHTS[:3]), evaluate=False),
                "The determinant equals the continuant of AR(1)'s tridiagonal precision matrix.",
                check_continuant,
            ),
            Step(
                "Uncorrelated case",
                sp.Eq(
                    1 / determinant(FREE_WEIGHTS[:3], phi=sp.S.Zero),
                    independent(FREE_WEIGHTS[:3]),
                    evaluate=False,
                ),
                "phi = 0 gives back the product over independent gradients.",
                lambda: check_equal(
                    1 / determinant(FREE_WEIGHTS[:3], phi=sp.S.Zero),
                    independent(FREE_WEIGHTS[:3]),
                    FREE_DOMAIN,
                    prover=sp.cancel,
                ),
            ),
        ),
    )


def independent(weights: Sequence[sp.Expr]) -> sp.Expr:
    """The squared transform for independent gradients: the product of the squared factors."""
    return sp.Mul(*(factor(w=weight) ** 2 for weight in weights))


@cache
def check_noncentral_factor(expression: sp.Expr) -> Checked:
    """``expression`` in z, w, s, mu against the integral over the normal density by SymPy."""
    return check_equal(noncentral_integral(), expression, NONCENTRAL_DOMAIN)


@cache
def gaussian_integral() -> sp.Expr:
    """The integral of exp(-x g^2/2 - mu g) over g, x > 0, by SymPy; its two erf terms cancel."""
    integral = sp.integrate(sp.exp(-x * g**2 / 2 - mu * g), (g, -sp.oo, sp.oo))
    return sp.simplify(integral)


def noncentral_integral() -> sp.Expr:
    """E[exp(-z w g^2)] for g ~ N(mu, s^2): the exponent is -(1/s^2 + 2 z w) g^2/2 + mu g/s^2 - ..."""
    inner = gaussian_integral().subs({x: 1 / s**2 + 2 * z * w, mu: -mu / s**2}, simultaneous=True)
    return normal_density(sp.S.Zero) * inner


def bivariate_integral() -> sp.Expr:
    """E[exp(-z vhat_2)] for AR(1) gradients as an integral over both, not carried out."""
    gradients = sp.IndexedBase("g", real=True)
    pair = sp.Matrix([gradients[1], gradients[2]])
    covariance = ar1_covariance(2)
    average = sum(weight * each**2 for weight, each in zip(ema_weights(2), pair, strict=True))
    exponent = -sp.cancel((pair.T * covariance.inv() * pair)[0, 0]) / 2
    norm = 2 * sp.pi * sp.sqrt(sp.collect(covariance.det(), s))
    limits = ((each, -sp.oo, sp.oo) for each in pair)
    return sp.Integral(sp.exp(-z * average) * sp.exp(exponent) / norm, *limits)


def gaussian_integral_squared() -> sp.Expr:
    """E[exp(-z vhat_2)]^-2 for AR(1) gradients by two one-dimensional Gaussian integrals.

    The exponent is -(A g1^2 + 2 B g1 g2 + C g2^2)/2. The integral over g1 leaves exp(B^2 g2^2/(2A)),
    and so the same integral over g2 with C - B^2/A for A.
    """
    precision = ar1_covariance(2).inv() + 2 * z * sp.diag(*ema_weights(2))
    a, b, c = precision[0, 0], precision[0, 1], precision[1, 1]
    # The first integral has mu = B g2: the coefficient of mu^2 in its exponent is what it adds.
    left = sp.expand_log(sp.log(gaussian_integral()), force=True).coeff(mu**2)
    remaining = sp.cancel(c - 2 * b**2 * left.subs(x, a))
    widths = (gaussian_integral().subs({mu: 0, x: each}) for each in (a, remaining))
    norm = (2 * sp.pi) ** 2 * ar1_covariance(2).det()
    return sp.cancel(norm / sp.Mul(*(width**2 for width in widths)))


@cache
def check_bivariate(squared: sp.Expr) -> Checked:
    """``squared`` against the iterated integral over the bivariate density, to the power -2.

    Exact, but at t = 2 alone: confirmed, not proved, for the other steps.
    """
    checked = check_equal(gaussian_integral_squared(), squared, AR1_DOMAIN, prover=sp.cancel)
    if checked.outcome is not Outcome.PROVED:
        return checked
    how = "equal rational functions at t = 2, which stands for the other steps here"
    return Checked(Outcome.CONFIRMED, how, None, checked.error)


@cache
def check_continuant(steps: int = 3) -> Checked:
    """Determinant and recursion for free weights: exact for t = 1..steps, by its entries beyond.

    At every t, Sigma times the tridiagonal matrix is the identity, entry by entry at lag n; that
    its determinant is the continuant and det Sigma = s^(2t) (1-phi^2)^(t-1) is checked up to
    ``steps`` only, so the outcome is confirmed at best.
    """
    checks = [
        check_equal(determinant(weights), continuant(weights), FREE_DOMAIN, prover=sp.cancel)
        for weights in (FREE_WEIGHTS[:t] for t in range(1, steps + 1))
    ]
    checked = all_of(check_precision(), *checks, how="")
    if checked.outcome is not Outcome.PROVED:
        return checked
    how = (
        f"equal rational functions for any weights, t = 1..{steps}; the precision matrix is "
        "tridiagonal at every t"
    )
    return Checked(Outcome.CONFIRMED, how, None, checked.error)


def check_precision() -> Checked:
    """(1-phi^2) s^2 Sigma^-1 has 1 at both ends of the diagonal, 1 + phi^2 between, -phi beside it.

    Row times column at lag n: three terms inside, two in the first and last column.
    """
    lags = Domain({phi: between(-1, 1), n: integers_from(1)})
    inside = phi**n * (1 + phi**2) - phi * (phi ** (n + 1) + phi ** (n - 1))
    edge = phi**n - phi * phi ** (n - 1)
    on_diagonal = (1 + phi**2) - 2 * phi * phi
    return all_of(
        check_equal(inside, sp.S.Zero, lags, prover=_by_power_of_lag),
        check_equal(edge, sp.S.Zero, lags, prover=_by_power_of_lag),
        check_equal(on_diagonal, 1 - phi**2, lags),
        how="entry by entry at lag n",
    )


def _by_power_of_lag(expression: sp.Expr) -> sp.Expr:
    # At each n a polynomial in phi: 0 for phi > 0, where powers split, means 0 for every phi.
    split = sp.expand_power_exp(expression.subs(phi, x))
    return sp.expand(split / x ** (n - 1))
