r"""Radii for sample means and variances that hold at every sample size, from exact moments of psi_t alone.

With x = log psi_t - E[log psi_t], E[e^(kx)] is exact for every k below psi_t's moment bound. Chernoff's
inequality bounds the mean of x by it directly. For a sum of squares Y = y(x)^2, with y(x) = x (log psi_t)
or y(x) = e^x - 1 (psi_t), the law is compared with

    h_k(x) = cosh(kx) - 1 - (kx)^2/2,    E[h_k(x)] exact:

where c = max (e^(lambda Y) - 1 - lambda Y)/h_k(x) over the range that none of the n values leaves, but for
a share of the false-fail rate (Markov), E[e^(lambda Y)] <= 1 + lambda E[Y] + c E[h_k(x)]. Both sides vanish
like x^4, so that little is lost: at 5000 values of a nearly normal law the radius is a quarter above the
normal quantile's, whose rate is far off at small samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from varlab.simulate.exact import ExactLaw

# Orders k of the exponential moments, in units of 1/sd(log psi): the first two carry the bulk, the last
# the range of n values; besides them sqrt(2 log(1/rate)/n), the best for a normal law's mean.
ORDERS = (0.4, 0.8, 1.2, 2.5, 6.0)
# Shares of a larger order's function that are added to the smallest's: its growth at little cost.
SHARES = (0.002, 0.02, 0.2)
# Steps in x, in units of sd(log psi), at which the upper tail is taken from the law itself where few
# moments exist.
TAIL_STEPS = np.geomspace(3, 48, 16)
# Of the order from which on E[psi^k] diverges; closer to it the moments grow without bound.
LARGEST_SHARE = 0.9
# The quadrature of E[psi^k] takes sqrt(k) nodes.
LARGEST_ORDER = 1e6
# Share of the rate of each of the two main events.
MAIN = 0.44
# Nodes on either side of 0 at which functions are compared, within the range and beyond, and parameters
# lambda tried.
NODES, FAR_NODES, TRIED = 60, 30, 20
# kx up to which functions are compared beyond the range, where the sums fall.
FAR = 60.0
# cosh(kx) is held constant from here on, in the range of float64: smaller bounding functions bound too.
LARGEST_EXPONENT = 600.0
# Smaller orders, in units of 1/sd(log psi), leave E[h_k] to cancellation.
LEAST_ORDER = 0.03
# For Y = (e^x - 1)^2, Y/h_k falls on both sides of 0 when k >= 4; so does x^2/h_k for every k.
LEAST_ORDER_OF_PSI = 4.0


@dataclass(frozen=True)
class ExponentialMoments:
    """Of x = log psi_t - E[log psi_t].

    Attributes
    ----------
    variance : float
        Var[x].
    orders : ndarray of shape (k,)
        Positive, each with both moments finite.
    up, down : ndarray of shape (k,)
        E[e^(kx)] and E[e^(-kx)].
    deepest : tuple of float
        The last of :data:`ORDERS` and its log E[e^(-kx)], which exists also beyond the moment bound.
    tail : ndarray of shape (2, points)
        x, rising, and log P(X > x); empty where the moments tell as much.
    mean_of_psi, variance_of_psi : float
        E[e^x - 1] and Var[e^x], infinite where they diverge.
    """

    variance: float
    orders: np.ndarray
    up: np.ndarray
    down: np.ndarray
    deepest: tuple[float, float]
    tail: np.ndarray
    mean_of_psi: float
    variance_of_psi: float


def exponential_moments(
    law: ExactLaw, bound: float, extra_order: float = 0.0
) -> ExponentialMoments:
    """Moments of a law with E[log psi] = 0.

    Parameters
    ----------
    law : ExactLaw
        In units in which E[log psi] = 0, so that no power leaves the range of float64.
    bound : float
        E[psi^k] diverges from this order on.
    extra_order : float
        Beside :data:`ORDERS`, in the same units.
    """
    variance = float(law.log_var())
    wanted = [k for k in (extra_order, *ORDERS) if k > 0] if variance > 0 else []
    most = min(LARGEST_SHARE * bound, LARGEST_ORDER)
    capped = sorted({min(k / math.sqrt(variance), most) for k in wanted} - {0.0})
    pairs = np.array([(k, float(law.moment(k)), float(law.moment(-k))) for k in capped])
    pairs = pairs.reshape(-1, 3)
    orders, up, down = pairs[np.isfinite(pairs).all(axis=1)].T
    tail, deepest = np.empty((2, 0)), (math.inf, 0.0)
    if variance > 0:
        k = min(ORDERS[-1] / math.sqrt(variance), LARGEST_ORDER)
        deepest = (k, math.log(law.moment(-k)))
    if capped and capped[-1] == most:
        x = math.sqrt(variance) * TAIL_STEPS
        with np.errstate(divide="ignore"):
            tail = np.stack([x, np.log(law.sf(np.exp(x)))])
    return ExponentialMoments(
        variance, orders, up, down, deepest, tail, float(law.mean()) - 1.0, float(law.var())
    )


def log_mean_radius(moments: ExponentialMoments, n: int, rate: float) -> float:
    """The mean of n values of log psi is off by more with probability at most ``rate``: Chernoff."""
    if moments.variance == 0:
        return 0.0
    reach = [
        np.min((np.log(side) + math.log(2 / rate) / n) / moments.orders, initial=math.inf)
        for side in (moments.up, moments.down)
    ]
    return _finite(max(reach))


def log_variance_radius(moments: ExponentialMoments, n: int, rate: float) -> float:
    """The same of the sample variance of n values of log psi."""
    return _variance_radius(moments, lambda x: x, 0.0, moments.variance, n, rate)


def relative_psi_variance_radius(moments: ExponentialMoments, n: int, rate: float) -> float:
    """The same of the sample variance of n values of psi, over Var[psi]; 0 where psi does not vary.

    NaN where E[psi^4] is infinite: a sample variance has no standard error there.
    """
    if moments.variance == 0:
        return 0.0
    mean, variance = moments.mean_of_psi, moments.variance_of_psi
    if not math.isfinite(variance):
        return math.nan
    kept = _restricted(moments, LEAST_ORDER_OF_PSI)
    return _variance_radius(kept, np.expm1, mean, variance, n, rate) / variance


def _restricted(moments: ExponentialMoments, least: float) -> ExponentialMoments:
    """The orders from ``least`` on."""
    kept = moments.orders >= least
    return replace(
        moments, orders=moments.orders[kept], up=moments.up[kept], down=moments.down[kept]
    )


def _variance_radius(
    moments: ExponentialMoments,
    deviation: Callable[[np.ndarray], np.ndarray],
    mean: float,
    variance: float,
    n: int,
    rate: float,
) -> float:
    """For y = ``deviation(x)`` of that mean and variance; (n-1)/n S^2 = avg(y^2) - avg(y)^2.

    avg(y^2) too large and too small have MAIN of the rate each; a value out of range, avg(y) too large
    and too small share the rest.
    """
    if moments.variance == 0:
        return 0.0
    moments = _restricted(moments, LEAST_ORDER / math.sqrt(moments.variance))
    orders, up, down = moments.orders, moments.up, moments.down
    if not len(orders):
        return math.nan
    rest = (1 - 2 * MAIN) / 3
    main, small = -math.log(MAIN * rate), -math.log(rest * rate)
    x, inside = _range(moments, small + math.log(2 * n))
    y = deviation(x)
    square = mean**2 + variance
    # cosh(kx) - 1 and h_k over their leading coefficients, shape (order, node), and expectations
    z = np.clip(orders[:, None] * x, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    second = 4 * np.sinh(z / 2) ** 2
    fourth = np.where(np.abs(z) < 0.1, z**4 * (1 + z**2 / 30), 12 * (second - z**2))
    second_mean = up + down - 2
    fourth_mean = 12 * (second_mean - orders**2 * moments.variance)
    mixed = _mixtures(len(orders))
    second, second_mean = mixed / orders**2 @ second, mixed / orders**2 @ second_mean
    fourth, fourth_mean = mixed / orders**4 @ fourth, mixed / orders**4 @ fourth_mean
    top, bottom = (
        _deviation_bound(y**2, inside, square, fourth, fourth_mean, n, main, sign)
        for sign in (1, -1)
    )
    right, left = (
        _deviation_bound(y, inside, mean, second, second_mean, n, small, sign) for sign in (1, -1)
    )
    # bounds of avg(y)^2
    least, most = max(mean - left, 0.0) ** 2, max(mean + right, left - mean) ** 2
    above = n * (top + mean**2 - least) + variance
    below = n * (bottom - mean**2 + most) - variance
    return _finite(max(above, below) / (n - 1))


def _mixtures(orders: int) -> np.ndarray:
    """Each order's function alone, and the first with a share of another, shape (mixture, order)."""
    alone = np.eye(orders)
    return np.concatenate([alone, *(alone[0] + share * alone[1:] for share in SHARES)])


def _range(moments: ExponentialMoments, log_chance: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes x, rising, and which lie in the range.

    x leaves the range on either side with probability exp(-log_chance) at most.
    """
    high, low = (
        float(np.min((np.log(side) + log_chance) / moments.orders))
        for side in (moments.up, moments.down)
    )
    beyond = moments.tail[0, moments.tail[1] <= -log_chance]
    high = min(high, float(np.min(beyond, initial=math.inf)))
    low = min(low, (moments.deepest[1] + log_chance) / moments.deepest[0])
    side = np.arange(1, NODES + 1) / NODES
    edge = FAR / moments.orders[0]
    left, right = (
        reach * np.geomspace(1, max(edge / reach, 2), FAR_NODES + 1)[1:] for reach in (low, high)
    )
    return (
        np.concatenate([-left[::-1], -low * side[::-1], high * side, right]),
        np.r_[FAR_NODES * [False], 2 * NODES * [True], FAR_NODES * [False]],
    )


def _deviation_bound(
    values: np.ndarray,
    inside: np.ndarray,
    mean: float,
    basis: np.ndarray,
    basis_mean: np.ndarray,
    n: int,
    log_term: float,
    sign: int,
) -> float:
    """A radius r with P(sign (avg - mean) > r) <= e^(-log_term) for n values in range, by Chernoff's inequality.

    Where u = sign lambda value < 0, e^u <= 1 + u + c basis(x) is asked for at all nodes and also beyond
    them: there e^u - 1 - u < -u, and -u/basis falls. Where u > 0 it is asked for within the range alone:
    the right side is positive, and its part beyond can only add to the bound.

    Parameters
    ----------
    values : ndarray of shape (node,)
        What is averaged, as a function of x.
    inside : ndarray of shape (node,), bool
        Which nodes lie in the range.
    mean : float
        Expectation of what is averaged.
    basis : ndarray of shape (mixture, node)
        Functions that bound e^u - 1 - u.
    basis_mean : ndarray of shape (mixture,)
        Their expectations.
    """
    # the parameter that is best for a normal average, and its surroundings
    shown = values[inside]
    spread = float(np.min(np.max(shown**2 / basis[:, inside], axis=1) * basis_mean))
    normal = math.sqrt(2 * log_term / (n * spread))
    least = min(0.2 * normal, 1 / float(np.abs(shown).max()))
    best = math.inf
    for pull in np.geomspace(least, 3 * normal, TRIED):
        u = sign * pull * values
        with np.errstate(over="ignore"):
            excess = np.where(np.abs(u) < 1e-4, u**2 / 2 * (1 + u / 3), np.expm1(u) - u)
            excess = np.where(inside | (u < 0), excess, 0.0)
            for edge in (0, -1):
                excess[edge] = max(excess[edge], -u[edge])
            factor = np.max(excess / basis, axis=1)
            moment = float(np.min(sign * pull * mean + factor * basis_mean))
        best = min(best, (math.log1p(moment) + log_term / n) / pull - sign * mean)
    return best


def _finite(radius: float) -> float:
    return float(radius) if math.isfinite(radius) else math.nan
