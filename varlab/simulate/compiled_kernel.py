"""The compiled kernel: one sweep of a tile moves its averages and sums the powers of each statistic.

Imported only where numba is used. The arrays and numbers of a call have one precision, float32 or float64,
in which everything is computed; only the sums over a strip of trajectories are added up in float64, strip
by strip. The order of all sums follows from the shape of a tile, so their bits do.
"""

import math

from numba import njit

# Trajectories swept at once: their averages stay in the first-level cache along the rows of a tile.
STRIP = 2048
# Trajectories whose means give the centres.
FEW = 16
# Sums in vector registers and fused multiply-adds; infinities and NaN keep their meaning, 1/sqrt its
# rounding. Division as NumPy does it: Python's check for a zero would forbid vectors.
OPTIONS = {
    "nogil": True,
    "fastmath": {"reassoc", "contract", "nsz"},
    "error_model": "numpy",
}


def compiled(function):
    """Compile at the first call; kept on disk where there is a folder that can be written to."""
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # numba found no such folder
        return njit(**OPTIONS)(function)


@compiled
def _moved(average, value, beta, complement):
    """The average moved on, from the nearer end: so its weights sum to 1 without rounding."""
    step = value - average
    return average + complement * step if complement < 0.5 else value - beta * step


@compiled
def _floored(v, smallest):
    """``v``, not below ``smallest``; NaN stays NaN."""
    return smallest if v < smallest else v


@compiled
def _with_powers(sums, d):
    """Four sums, the powers of ``d`` added."""
    s1, s2, s3, s4 = sums
    d2 = d * d
    return s1 + d, s2 + d2, s3 + d2 * d, s4 + d2 * d2


@compiled
def _next_psi(x, shift, beta, complement, v, smallest, centre):
    """Move the averages ``v`` on by a row; power sums of psi about ``centre``."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    sums = (zero, zero, zero, zero)
    for i in range(x.shape[0]):
        g = x[i] + shift
        a = _moved(v[i], g * g, beta, complement)
        v[i] = a
        sums = _with_powers(sums, one / math.sqrt(_floored(a, smallest)) - centre)
    return sums


@compiled
def _inverse_v(v, smallest, centre):
    """Power sums of 1/v about ``centre``."""
    zero, one = v.dtype.type(0), v.dtype.type(1)
    sums = (zero, zero, zero, zero)
    for i in range(v.shape[0]):
        sums = _with_powers(sums, one / _floored(v[i], smallest) - centre)
    return sums


@compiled
def _next_update(x, shift, beta, complement, m, v, smallest, centre):
    """Move the averages ``m`` on by a row; power sums of m/sqrt(v) about ``centre``."""
    zero = x.dtype.type(0)
    sums = (zero, zero, zero, zero)
    for i in range(x.shape[0]):
        a = _moved(m[i], x[i] + shift, beta, complement)
        m[i] = a
        sums = _with_powers(sums, a / math.sqrt(_floored(v[i], smallest)) - centre)
    return sums


@compiled
def _power_sums(values, centre):
    """Power sums of ``values`` about ``centre``."""
    zero = values.dtype.type(0)
    sums = (zero, zero, zero, zero)
    for i in range(values.shape[0]):
        sums = _with_powers(sums, values[i] - centre)
    return sums


@compiled
def _keep(v, smallest, kept):
    for i in range(v.shape[0]):
        kept[i] = _floored(v[i], smallest)


@compiled
def _mean(values):
    total, share = values.dtype.type(0), values.dtype.type(1) / values.dtype.type(values.shape[0])
    for i in range(values.shape[0]):
        total += values[i] * share
    return total


@compiled
def _open(entry, centre):
    """Start an entry: what the sums are taken about, and four sums of nothing."""
    entry[0] = centre
    entry[1:] = 0.0


@compiled
def _add(entry, sums):
    for power in range(4):
        entry[1 + power] += sums[power]


@compiled
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


@compiled
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
    for start in range(0, size, STRIP):
        stop = min(start + STRIP, size)
        for member in range(shifts.shape[0]):
            shift, own = shifts[member], v[member, start:stop]
            for row in range(x.shape[0]):
                part = x[row, start:stop]
                entry = entries[member, psi, row]
                centre = x.dtype.type(entry[0])
                _add(entry, _next_psi(part, shift, beta2, complement2, own, smallest, centre))
                if inverse_v >= 0:
                    entry = entries[member, inverse_v, row]
                    _add(entry, _inverse_v(own, smallest, x.dtype.type(entry[0])))
                if update >= 0:
                    entry = entries[member, update, row]
                    sums = _next_update(
                        part,
                        shift,
                        beta1,
                        complement1,
                        m[member, start:stop],
                        own,
                        smallest,
                        x.dtype.type(entry[0]),
                    )
                    _add(entry, sums)
                if kept.shape[0] > 0:
                    _keep(own, smallest, kept[member, row, start:stop])


@compiled
def value_sums(values, size, place, entries):
    """Centres and sums of a statistic whose ``values`` (member, row, trajectory) are there already."""
    for member in range(values.shape[0]):
        for row in range(values.shape[1]):
            entry = entries[member, place, row]
            _open(entry, values[member, row, 0])
            for start in range(0, size, STRIP):
                part = values[member, row, start : min(start + STRIP, size)]
                _add(entry, _power_sums(part, values[member, row, 0]))
