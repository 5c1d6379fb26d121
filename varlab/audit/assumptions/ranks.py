"""Rank correlations across replicas, vectorised, and their moments under independence, ties included."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def rank_scores(x: Array) -> Array:
    """Ranks along axis 0 (ties share their mean), centred, of unit norm; 0 where all are equal.

    The inner product of two columns is Spearman's correlation.
    """
    ranks = np.asarray(stats.rankdata(x, axis=0), dtype=np.float64)
    centred = ranks - (len(x) + 1) / 2
    norm = np.sqrt(np.sum(centred**2, axis=0))
    return np.asarray(np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 0))


def shape(scores: Array) -> Array:
    """What the law of a correlation depends on: 1, p_4, p_3^2 and p_6 along a new last axis.

    ``p_k`` is the sum over axis 0 of the k-th powers; all four are 0 where all scores are.
    """
    squares = scores * scores
    cubes = squares * scores
    p2, p4, p6 = (np.einsum("i...,i...->...", a, a) for a in (scores, squares, cubes))
    return np.stack([p2, p4, cubes.sum(axis=0) ** 2, p6], axis=-1)


# Where a product of power sums stands in a shape.
_PLACES = {(2,): 0, (2, 2): 0, (2, 2, 2): 0, (4,): 1, (2, 4): 1, (3, 3): 2, (6,): 3}


@lru_cache(maxsize=64)
def moment_form(order: int, n: int) -> Array:
    """Matrix M with E[r^order] = shape(u) M shape(v) over all permutations of ``n`` units, n >= order.

    E[(sum_i u_i v_pi(i))^k] is a sum over the set partitions of the k factors: those in one block
    have the same i, those in different blocks different ones. Sums over distinct i are polynomials in
    power sums by Moebius inversion on the lattice of partitions (David & Kendall 1949); p_1 = 0 and
    p_2 = 1.

    Parameters
    ----------
    order : {2, 4, 6}
    n : int
    """
    form = np.zeros((4, 4))
    for partition in _partitions((1,) * order):
        sizes = tuple(sum(block) for block in partition)
        sums = np.zeros(4)
        for joined in _partitions(sizes):
            powers = tuple(sorted(sum(group) for group in joined))
            if powers[0] > 1:
                sign = math.prod((-1) ** (len(g) - 1) * math.factorial(len(g) - 1) for g in joined)
                sums[_PLACES[powers]] += sign
        form += np.outer(sums, sums) / math.perm(n, len(sizes))
    return form


def _partitions(items: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """All set partitions; equal items are different ones."""
    if not items:
        yield ()
        return
    first, rest = items[:1], items[1:]
    for partition in _partitions(rest):
        yield (first, *partition)
        for i, block in enumerate(partition):
            yield (*partition[:i], first + block, *partition[i + 1 :])
