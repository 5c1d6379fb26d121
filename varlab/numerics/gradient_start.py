"""Adam whose second moment starts at g_0^2 (GI-Adam): law of its step over Adam's, and its variance.

v_t = b2^t g_0^2 + (1-b2^t) vhat_t for i.i.d. N(0, s^2) gradients with g_0 independent of g_1..g_t;
Kalra and Barkeshli, arXiv 2406.09405, section 6.
"""

from __future__ import annotations

import math

import numpy as np

from varlab.numerics.ema_law import depth, ema_form, require_decay_in_range
from varlab.numerics.inputs import below_one, number, positive, whole_from_one
from varlab.numerics.mellin import root_variance
from varlab.numerics.quadratic_form import WeightedChiSquares
from varlab.numerics.weights import bias_correction, ema_atoms

# Asked of the adaptive quadrature, whose integrand is smooth and at most 1.
_ABSOLUTE = 1e-12


def start_variance(t: int, beta2: float) -> float:
    """Var[1/sqrt(v_t)], s = 1.

    Parameters
    ----------
    t : int
        Step, >= 1.
    beta2 : float
        EMA decay in [0, 1).

    Returns
    -------
    float
        Infinite at t = 1 (and for beta2 = 0, where v_t is one squared gradient); relative error
        below 1e-12.

    Raises
    ------
    DomainError
        For t or beta2 outside its domain, or 0 < beta2 < 1e-100.

    Examples
    --------
    >>> start_variance(1, 0.999), round(start_variance(10, 0.999), 3)
    (inf, 6.51)
    """
    step, b = _checked(t, beta2)
    if step < 2 or b == 0.0:
        return math.inf
    require_decay_in_range(b)
    weights, counts = ema_atoms(step, b, depth(b, 2.0))
    scaled = float(bias_correction(step, b)) * weights
    form = WeightedChiSquares(np.append(scaled, b**step), np.append(counts, 1.0), 0.0)
    return root_variance(form)


def start_below(t: int, beta2: float, ratio: float = 1.0) -> float:
    """P(g_0^2 < ratio * vhat_t); at ratio 1 the chance that GI-Adam's step is larger than Adam's.

    Craig's form of the normal tail, P(abs(g_0) > sqrt(v)) = (2/pi) int exp(-v/(2 sin^2 a)) da over
    (0, pi/2), averaged over vhat_t: a single integral of its Laplace transform.

    Parameters
    ----------
    t, beta2
        As for :func:`start_variance`.
    ratio : float
        Finite and > 0.

    Returns
    -------
    float
        Absolute error below 1e-11.

    Raises
    ------
    DomainError
        For a parameter outside its domain, or 0 < beta2 < 1e-100.

    Examples
    --------
    >>> round(start_below(1, 0.999), 6), round(start_below(100, 0.999), 4)
    (0.5, 0.6803)
    """
    from scipy.integrate import quad  # a large part of SciPy that nothing else here needs

    step, b = _checked(t, beta2)
    share = number("ratio", ratio, "be finite and > 0", positive)
    form = ema_form(step, b, 0.0, 0.0)

    def integrand(angle: float) -> float:
        # An angle of 0 is never asked for, but its square may underflow.
        z = 0.5 * share / max(math.sin(angle) ** 2, 1e-290)
        return float(np.exp(form.log_transform(np.array([z])))[0])

    beyond, _ = quad(integrand, 0.0, 0.5 * math.pi, epsabs=_ABSOLUTE, epsrel=0.0, limit=200)
    return 1.0 - 2.0 / math.pi * float(beyond)


def median_multiplier(t: int, beta2: float) -> float:
    """Median of sqrt(vhat_t / v_t), GI-Adam's step over Adam's.

    The multiplier 1/sqrt(1 - b2^t + b2^t x) falls with x = g_0^2/vhat_t, so its median is at the
    median of x. Relative error below 1e-8.

    Parameters
    ----------
    t, beta2
        As for :func:`start_variance`.

    Raises
    ------
    DomainError
        For t or beta2 outside its domain, or 0 < beta2 < 1e-100.

    Examples
    --------
    >>> round(median_multiplier(1, 0.999), 6), round(median_multiplier(100, 0.999), 3)
    (1.0, 1.4)
    """
    from scipy.optimize import brentq

    step, b = _checked(t, beta2)
    # The median of x is 1 at t = 1 and falls to the median of a squared normal, 0.455.
    middle = float(brentq(lambda x: start_below(step, b, x) - 0.5, 0.4, 1.1, xtol=1e-9))
    return 1.0 / math.sqrt(float(bias_correction(step, b)) + b**step * middle)


def _checked(t: int, beta2: float) -> tuple[int, float]:
    step = int(number("t", t, "be an integer >= 1", whole_from_one))
    return step, number("beta2", beta2, "lie in [0, 1)", below_one)
