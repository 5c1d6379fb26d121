"""The compiled kernel: one sweep of a tile moves its averages and sums the powers of each statistic.

Imported only where numba is used. The arrays and numbers of a call have one precision, float32 or float64,
in which everything is computed; only the sums over a strip of trajectories are added up in float64, strip
by strip. Every operation is IEEE's and every sum has an order of its own, halves on halves: the bits do not
depend on how the compiler arranges the code, which it does in one way when it compiles and in another when
it loads what it has kept.
"""

import math

import numpy as np
from numba import njit

# Trajectories swept at once: their averages and powers stay in the first-level cache.
STRIP = 1024
# Halving ends here: what a vector register holds is added up one by one, in float64.
LAST = 16
# Trajectories whose means give the centres.
FEW = 16
# Division as NumPy does it: Python's check for a zero would forbid vectors.
OPTIONS = {"nogil": True, "error_model": "numpy"}


def kernel(function):
    """Compile at the first call; kept on disk where there is a folder that can be written to."""
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # numba found no such folder
        return njit(**OPTIONS)(function)


# Parts of a kernel are compiled into it, and not kept by themselves.
part = njit(**OPTIONS)


@part
def _moved(average, value, beta, complement):
    """The average moved on, from the nearer end: so its weights sum to 1 without rounding."""
    step = value - average
    return average + complement * step if complement < 0.5 else value - beta * step


@part
def _floored(v, smallest):
    """``v``, not below ``smallest``; NaN stays NaN."""
    return smallest if v < smallest else v


@part
def _next_psi(x, shift, beta, complement, v, smallest, centre, d):
    """Move the averages ``v`` on by a row; psi less ``centre`` into ``d``."""
    one = x.dtype.type(1)
    for i in range(x.shape[0]):
        g = x[i] + shift
        a = _moved(v[i], g * g, beta, complement)
        v[i] = a
        d[i] = one / math.sqrt(_floored(a, smallest)) - centre


@part
def _inverse_v(v, smallest, centre, d):
    """1/v less ``centre`` into ``d``."""
    one = v.dtype.type(1)
    for i in range(v.shape[0]):
        d[i] = one / _floored(v[i], smallest) - centre


@part
def _next_update(x, shift, beta, complement, m, v, smallest, centre, d):
    """Move the averages ``m`` on by a row; m/sqrt(v) less ``centre`` into ``d``."""
    for i in range(x.shape[0]):
        a = _moved(m[i], x[i] + shift, beta, complement)
        m[i] = a
        d[i] = a / math.sqrt(_floored(v[i], smallest)) - centre


@part
def _less(values, centre, d):
    """``values`` less ``centre`` into ``d``."""
    for i in range(values.shape[0]):
        d[i] = values[i] - centre


@part
def _halved(p):
    """Sum of the first half strip of ``p``, which is used up."""
    half = STRIP // 4
    while half >= LAST:
        for i in range(half):
            p[i] += p[i + half]
        half //= 2
    total = 0.0
    for i in range(LAST):
        total += np.float64(p[i])
    return total


@part
def _add_powers(d, size, p1, p2, p3, p4, entry):
    """Add the sums of the powers of ``d``, its first ``size`` elements, to an entry."""
    zero, half = d.dtype.type(0), STRIP // 2
    for i in range(size, STRIP):
        d[i] = zero
    for i in range(half):
        a, b = d[i], d[i + half]
        a2, b2 = a * a, b * b
        p1[i] = a + b
        p2[i] = a2 + b2
        p3[i] = a2 * a + b2 * b
        p4[i] = a2 * a2 + b2 * b2
    entry[1] += _halved(p1)
    entry[2] += _halved(p2)
    entry[3] += _halved(p3)
    entry[4] += _halved(p4)


@part
def _keep(v, smallest, kept):
    for i in range(v.shape[0]):
        kept[i] = _floored(v[i], smallest)


@part
def _mean(values):
    total, share = values.dtype.type(0), values.dtype.type(1) / values.dtype.type(values.shape[0])
    for i in range(values.shape[0]):
        total += values[i] * share
    return total


@part
def _open(entry, centre):
    """Start an entry: what the sums are taken about, and four sums of nothing."""
    entry[0] = centre
    entry[1:] = 0.0


@part
def _open_rows(
    x,
    shift,
    beta2,
    complement2,
    beta1,
    complement1,
    smallest,
    v,
    m,
    psi,
    inverse_v,
    update,
    entries,
):
    """Take as centres the statistics at the mean v and m of the few trajectories given, row by row.

    Unlike a statistic of one trajectory this is no outlier where tails are heavy. Averages are linear: the
    mean of v follows from the mean of the squares.
    """
    one = x.dtype.type(1)
    share = one / x.dtype.type(x.shape[1])
    for row in range(x.shape[0]):
        mean, square = x.dtype.type(0), x.dtype.type(0)
        for i in range(x.shape[1]):
            g = x[row, i] + shift
            mean += g * share
            square += g * g * share
        v = _moved(v, square, beta2, complement2)
        m = _moved(m, mean, beta1, complement1)
        floored = _floored(v, smallest)
        _open(entries[psi, row], one / math.sqrt(floored))
        if inverse_v >= 0:
            _open(entries[inverse_v, row], one / floored)
        if update >= 0:
            _open(entries[update, row], m / math.sqrt(floored))


@kernel
def tile_sums(
    x,  # (row, trajectory): the unit path
    size,  # trajectories; the columns beyond are padding
    shifts,  # (member,): mu/sigma
    beta2,
    complement2,  # 1 - b2, rounded once
    beta1,
    complement1,
    smallest,  # v counts as no less
    v,  # (member, trajectory): averages so far, moved on
    m,  # the same for the update; (0, trajectory) if not asked for
    kept,  # (member, row, trajectory): receives v; (0, row, trajectory) if not asked for
    psi,  # place of the statistic
    inverse_v,  # or -1
    update,  # or -1
    entries,  # (member, place, row, 5) float64: receives centre and sums of (statistic - centre)^k
):
    """One tile of settings that share a path and a beta2."""
    few, zero = min(size, FEW), x.dtype.type(0)
    for member in range(shifts.shape[0]):
        _open_rows(
            x[:, :few],
            shifts[member],
            beta2,
            complement2,
            beta1,
            complement1,
            smallest,
            _mean(v[member, :few]),
            _mean(m[member, :few]) if update >= 0 else zero,
            psi,
            inverse_v,
            update,
            entries[member],
        )
    d = np.empty(STRIP, x.dtype)
    p1, p2, p3, p4 = (
        np.empty(STRIP // 2, x.dtype),
        np.empty(STRIP // 2, x.dtype),
        np.empty(STRIP // 2, x.dtype),
        np.empty(STRIP // 2, x.dtype),
    )
    for start in range(0, size, STRIP):
        stop = min(start + STRIP, size)
        n = stop - start
        for member in range(shifts.shape[0]):
            shift, own = shifts[member], v[member, start:stop]
            for row in range(x.shape[0]):
                steps = x[row, start:stop]
                entry = entries[member, psi, row]
                centre = x.dtype.type(entry[0])
                _next_psi(steps, shift, beta2, complement2, own, smallest, centre, d)
                _add_powers(d, n, p1, p2, p3, p4, entry)
                if inverse_v >= 0:
                    entry = entries[member, inverse_v, row]
                    _inverse_v(own, smallest, x.dtype.type(entry[0]), d)
                    _add_powers(d, n, p1, p2, p3, p4, entry)
                if update >= 0:
                    entry = entries[member, update, row]
                    _next_update(
                        steps,
                        shift,
                        beta1,
                        complement1,
                        m[member, start:stop],
                        own,
                        smallest,
                        x.dtype.type(entry[0]),
                        d,
                    )
                    _add_powers(d, n, p1, p2, p3, p4, entry)
                if kept.shape[0] > 0:
                    _keep(own, smallest, kept[member, row, start:stop])


@kernel
def value_sums(values, size, place, entries):
    """Centres and sums of a statistic whose ``values`` (member, row, trajectory) are there already."""
    d = np.empty(STRIP, values.dtype)
    p1, p2, p3, p4 = (
        np.empty(STRIP // 2, values.dtype),
        np.empty(STRIP // 2, values.dtype),
        np.empty(STRIP // 2, values.dtype),
        np.empty(STRIP // 2, values.dtype),
    )
    for member in range(values.shape[0]):
        for row in range(values.shape[1]):
            entry, centre = entries[member, place, row], values[member, row, 0]
            _open(entry, centre)
            for start in range(0, size, STRIP):
                stop = min(start + STRIP, size)
                _less(values[member, row, start:stop], centre, d)
                _add_powers(d, stop - start, p1, p2, p3, p4, entry)
