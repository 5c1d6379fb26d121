"""Which replicas are independent of each other: those that share neither initialisation nor data order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

Labels = NDArray[np.int64]


def independent_replicas(inits: Labels | None, orders: Labels | None, replicas: int) -> Labels:
    """Indices of as many replicas as can be chosen without a common label.

    Gradients of replicas with one initialisation (or one order of the data) are correlated at every
    step, so a crossing of I initialisations with J orders has min(I, J) independent replicas, not
    I J. In the graph whose nodes are labels and whose edges are replicas this is a maximum matching.

    Parameters
    ----------
    inits, orders : ndarray of int, shape (replica,), or None
        None where unknown: each replica its own.
    replicas : int

    Returns
    -------
    ndarray of int
        Increasing.
    """
    own = np.arange(replicas)
    rows = own if inits is None else np.unique(inits, return_inverse=True)[1]
    columns = own if orders is None else np.unique(orders, return_inverse=True)[1]
    shape = (int(rows.max()) + 1, int(columns.max()) + 1)
    edges = csr_array((np.ones(replicas, dtype=np.int64), (rows, columns)), shape=shape)
    partner = maximum_bipartite_matching(edges, perm_type="column")
    first: dict[tuple[int, int], int] = {}
    for replica in own[::-1]:
        first[int(rows[replica]), int(columns[replica])] = int(replica)
    chosen = [first[row, int(column)] for row, column in enumerate(partner) if column >= 0]
    return np.sort(np.array(chosen, dtype=np.int64))
