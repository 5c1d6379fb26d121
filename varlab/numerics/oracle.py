"""The slow, obvious twin of every fast function, in mpmath at 50 digits.

Textbook definitions: Gamma functions, sums written as loops, mp.quad of the defining integrals, a
determinant where the law is correlated. Float arguments are taken at their exact binary value. Nothing
here uses SciPy, NumPy or any function of the layer's other modules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import mpmath as mp

Real: TypeAlias = Any  # mpmath's mpf carries no types

DIGITS = 50
# Digits carried beyond those asked for: the textbook forms cancel by up to 12 (rho_t at beta2 =
# 1 - 1e-6), the variance at rho = 1e9 by 19.
_GUARD = 25


def at_digits(function: Callable[..., Real]) -> Callable[..., Real]:
    """Evaluate with guard digits; keyword ``digits`` (50) sets how many are wanted."""

    def evaluated(*args: Any, digits: int = DIGITS, **kwargs: Any) -> Real:
        with mp.workdps(digits + _GUARD):
            return function(*args, **kwargs)

    evaluated.__doc__, evaluated.__name__ = function.__doc__, function.__name__
    return evaluated


# --- the scaled inverse chi law ---------------------------------------------------------------


@at_digits
def psi_moment(rho: float, k: float, tau: float = 1.0) -> Real:
    """E[psi^k] = tau^k (rho/2)^(k/2) Gamma((rho-k)/2)/Gamma(rho/2), by R Eq. 6; k < rho."""
    r, order = mp.mpf(rho), mp.mpf(k)
    if order >= r:
        return mp.inf
    ratio = mp.gamma((r - order) / 2) / mp.gamma(r / 2)
    return mp.mpf(tau) ** order * (r / 2) ** (order / 2) * ratio


@at_digits
def psi_variance(rho: float) -> Real:
    """Var[psi] = rho/(rho-2) - rho 2^(2rho-5)/pi B((rho-1)/2, (rho-1)/2)^2; R Eq. 2."""
    r = mp.mpf(rho)
    if r <= 2:
        return mp.inf
    with mp.workdps(mp.mp.dps + int(mp.log10(r)) + 1):
        log_beta = 2 * mp.loggamma((r - 1) / 2) - mp.loggamma(r - 1)
        return r / (r - 2) - r / mp.pi * mp.exp((2 * r - 5) * mp.log(2) + 2 * log_beta)


@at_digits
def log_psi_mean(rho: float, tau: float = 1.0) -> Real:
    """E[log psi] = log tau + (log(rho/2) - digamma(rho/2))/2."""
    half = mp.mpf(rho) / 2
    return mp.log(mp.mpf(tau)) + (mp.log(half) - mp.digamma(half)) / 2


@at_digits
def log_psi_variance(rho: float) -> Real:
    """Var[log psi] = trigamma(rho/2)/4."""
    return mp.psi(1, mp.mpf(rho) / 2) / 4


@at_digits
def delta_method_variance(rho: float) -> Real:
    """rho/(2(rho-2)(rho-4)); R Eq. 5."""
    r = mp.mpf(rho)
    return r / (2 * (r - 2) * (r - 4)) if r > 4 else mp.inf


@at_digits
def psi_density(rho: float, x: float, tau: float = 1.0) -> Real:
    """Density of psi from that of psi^2 (R Eq. 6): f(x^2) 2x."""
    r, y, s = mp.mpf(rho), mp.mpf(x) ** 2, mp.mpf(tau) ** 2
    density = (s * r / 2) ** (r / 2) / mp.gamma(r / 2) * mp.exp(-r * s / (2 * y))
    return density / y ** (1 + r / 2) * 2 * mp.mpf(x)


@at_digits
def psi_distribution(rho: float, x: float, tau: float = 1.0) -> Real:
    """P(psi <= x) = P(chi2_rho >= rho tau^2/x^2)."""
    half = mp.mpf(rho) / 2
    return mp.gammainc(half, half * (mp.mpf(tau) / mp.mpf(x)) ** 2, regularized=True)


# --- degrees of freedom, rectification, warm-up, bound ------------------------------------------


@at_digits
def rho_inf(beta2: float) -> Real:
    """2/(1-beta2) - 1; R section 4.1."""
    return 2 / (1 - mp.mpf(beta2)) - 1


@at_digits
def sma_degrees(t: int, beta2: float) -> Real:
    """rho_t = 2/(1-beta2) - 1 - 2 t beta2^t/(1-beta2^t), as printed; R Eq. 4."""
    b = mp.mpf(beta2)
    return 2 / (1 - b) - 1 - 2 * t * b**t / (1 - b**t)


@at_digits
def kish_degrees(t: int, beta2: float) -> Real:
    """n_t = (sum w)^2 / sum w^2 with both geometric sums in closed form."""
    b = mp.mpf(beta2)
    if b == 0:
        return mp.mpf(1)
    first, second = (1 - b**t) / (1 - b), (1 - b ** (2 * t)) / (1 - b**2)
    return first**2 / second


@at_digits
def kish_degrees_by_summation(t: int, beta2: float) -> Real:
    """n_t = 1/sum w_i^2, term by term."""
    return 1 / mp.fsum(w**2 for w in _weights(t, beta2))


@at_digits
def sma_degrees_by_summation(t: int, beta2: float) -> Real:
    """The length f with (f+1)/2 = the EMA's mean age, counted from 1, term by term; R Eq. 4."""
    ages = range(t, 0, -1)
    return 2 * mp.fsum(w * age for w, age in zip(_weights(t, beta2), ages, strict=True)) - 1


@at_digits
def radam_factor(t: int, beta2: float) -> Real:
    """r_t as printed in R section 4.2; NaN where rho_t <= 4."""
    digits = mp.mp.dps
    r, limit = sma_degrees(t, beta2, digits=digits), rho_inf(beta2, digits=digits)
    if r <= 4:
        return mp.nan
    return mp.sqrt((r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r))


@at_digits
def kish_factor(t: int, beta2: float) -> Real:
    """sqrt(Var[psi_inf]/Var[psi_t]) of the scaled inverse chi law at Kish's degrees of freedom."""
    digits = mp.mp.dps
    now, limit = kish_degrees(t, beta2, digits=digits), rho_inf(beta2, digits=digits)
    if now <= 2:
        return mp.nan
    return mp.sqrt(psi_variance(limit, digits=digits) / psi_variance(now, digits=digits))


@at_digits
def first_adaptive_step(beta2: float, threshold: float, last: int) -> int | None:
    """First t <= last with rho_t > threshold, by trying one after the other."""
    for t in range(1, last + 1):
        if sma_degrees(t, beta2) > threshold:
            return t
    return None


@at_digits
def warmup_period(beta2: float, multiplier: Callable[[int, float], Real], last: int) -> Real:
    """Sum of 1 - multiplier over t = 1..last; a NaN multiplier counts as 0."""
    values = (multiplier(t, beta2) for t in range(1, last + 1))
    return mp.fsum(1 - (0 if mp.isnan(value) else value) for value in values)


@at_digits
def linear_multiplier(t: int, beta2: float) -> Real:
    """min(1, (1-beta2) t/2)."""
    return min(mp.mpf(1), (1 - mp.mpf(beta2)) * t / 2)


@at_digits
def exponential_multiplier(t: int, beta2: float) -> Real:
    """1 - exp(-(1-beta2) t)."""
    return 1 - mp.exp(-(1 - mp.mpf(beta2)) * t)


@at_digits
def step_bound(t: int, beta1: float, beta2: float) -> Real:
    """sqrt(sum a_i^2/w_i), term by term; 0 < beta2."""
    pairs = zip(_weights(t, beta1), _weights(t, beta2), strict=True)
    return mp.sqrt(mp.fsum(a**2 / w for a, w in pairs))


@at_digits
def ema_weights(t: int, beta2: float) -> list[Real]:
    """w_i = (1-beta2) beta2^(t-i)/(1-beta2^t), i = 1..t."""
    return _weights(t, beta2)


def _weights(t: int, beta2: float) -> list[Real]:
    b = mp.mpf(beta2)
    return [(1 - b) * b ** (t - i) / (1 - b**t) for i in range(1, t + 1)]
