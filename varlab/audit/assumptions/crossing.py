"""Variances across replicas that share initialisations or data orders, and their intervals.

Replicas with a common label are correlated, so the sample variance over all of them falls short of
that between independent ones by what the labels share: with two initialisations by half of their
part. Products of replicas without a common label estimate squared means without bias; intervals leave
out whole labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlab.audit.assumptions.quadratic import about, jackknife_variance

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

FEWEST_LABELS = 3  # so that two remain when one is left out


@dataclass(frozen=True)
class Crossing:
    """Labels of each replica, from 0, in two partitions.

    Attributes
    ----------
    inits, orders : ndarray of int, shape (replica,)
        A label that all replicas have is no label: everything is conditional on it.
    """

    inits: Labels
    orders: Labels

    @classmethod
    def of(cls, inits: Labels | None, orders: Labels | None) -> Crossing | None:
        """From labels as recorded, None where unknown; None if no two replicas have one in common."""
        known = [labels for labels in (inits, orders) if labels is not None]
        if not known:
            return None
        first = _coded(known[0])
        second = _coded(known[1]) if len(known) > 1 else np.arange(len(first))
        shared = any(len(np.unique(labels)) < len(labels) for labels in (first, second))
        return cls(first, second) if shared else None

    @property
    def partitions(self) -> tuple[Labels, Labels, Labels]:
        """By initialisation, by order, and by both."""
        both = self.inits * (int(self.orders.max()) + 1) + self.orders
        return self.inits, self.orders, np.asarray(np.unique(both, return_inverse=True)[1])

    def products(self, x: Array) -> Array:
        """Mean product of two replicas without a common label; NaN if all have one.

        Parameters
        ----------
        x : ndarray, shape (replica, ...)
        """
        total, pairs = x.sum(axis=0) ** 2, float(len(x) ** 2)
        for labels, sign in zip(self.partitions, (-1, -1, 1), strict=True):
            count = int(labels.max()) + 1
            sums = x
            if count < len(x):
                member = np.equal.outer(np.arange(count), labels).astype(np.float64)
                sums = np.tensordot(member, x, axes=1)
            total = total + sign * np.sum(sums**2, axis=0)
            pairs += sign * float(np.sum(np.bincount(labels) ** 2))
        return np.asarray(total / pairs if pairs else np.full_like(total, np.nan))

    def variance(self, x: Array) -> Array:
        """Variance of ``x`` (replica, ...) between independent replicas, without bias."""
        deviations = x - x.mean(axis=0)
        return np.asarray(np.mean(deviations**2, axis=0) - self.products(deviations))

    def interval(
        self, x: Array, estimate: Callable[[Array, Crossing], float], level: float
    ) -> tuple[float, float]:
        """Of a positive ``estimate(x, crossing)``, on its logarithm; NaN with fewer than 3 labels.

        Variances of the two jackknives add up, less that over single replicas in Cameron, Gelbach &
        Miller (2011); leaving it in errs on the wide side, by little where labels matter.
        """
        variances, counts = [], []
        for labels in (self.inits, self.orders):
            count = int(labels.max()) + 1
            if count == len(labels):
                continue  # shared by no two: the other partition's labels hold these replicas
            if count < FEWEST_LABELS:
                return float("nan"), float("nan")
            left = np.array([estimate(*self._without(x, labels == one)) for one in range(count)])
            if not np.all(left > 0):
                return float("nan"), float("nan")
            variances.append(jackknife_variance(np.log(left)))
            counts.append(count)
        whole = estimate(x, self)
        if not whole > 0:
            return float("nan"), float("nan")
        return about(whole, sum(variances), min(counts) - 1, level)

    def _without(self, x: Array, gone: NDArray[np.bool_]) -> tuple[Array, Crossing]:
        kept = ~gone
        return x[kept], Crossing(_ranked(self.inits[kept]), _ranked(self.orders[kept]))


def _ranked(labels: Labels) -> Labels:
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)


def _coded(labels: Labels) -> Labels:
    """From 0; all alike are told apart instead, since nothing varies with them."""
    codes = _ranked(labels)
    return codes if codes.any() else np.arange(len(codes), dtype=np.int64)
