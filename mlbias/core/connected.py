"""Connected components, a batch of edges at a time, so that no graph of all ratings is needed."""

import numpy as np

from mlbias.core.ratings import Codes


def joined(labels: Codes, one: Codes, other: Codes) -> Codes:
    """The labels after nodes were joined by edges.

    Args:
        labels: (n,) component of each node, from 0 on without gaps.
        one: (k,) nodes, one end of each edge.
        other: (k,) nodes, the other end.
    """
    left, right = labels[one], labels[other]
    apart = left != right
    if not apart.any():
        return labels
    from scipy.sparse import csr_array  # for this alone
    from scipy.sparse.csgraph import connected_components

    n = int(labels.max()) + 1
    edges = left[apart], right[apart]
    graph = csr_array((np.ones(len(edges[0]), np.int8), edges), shape=(n, n))
    _, merged = connected_components(graph, directed=False)
    return np.asarray(merged.astype(np.int32, copy=False)[labels])
