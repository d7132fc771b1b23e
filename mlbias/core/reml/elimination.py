"""In which order the unknowns of a sparse M are eliminated, whatever the λ's are.

Unknowns that no rating links can be eliminated at the same time: an independent set of the graph
whose edges are the entries of M. Each stage takes one such set of low degree, which links the
neighbours of every member to each other (the minimum degree heuristic; T. A. Davis, Direct Methods
for Sparse Linear Systems, SIAM 2006, chapter 7, here a set at a time so that NumPy can work on
whole stages). What is left when degrees get high is the core, dense within each of its components.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array

from mlbias.core.reml.pairs import IntArray, Pairs

# Beyond this degree a dense core is the cheaper way.
_HIGHEST_DEGREE = 24
_SMALL_CORE = 300
_MOST_PRODUCTS = 6_000_000
_ROUNDS = 3
# Knuth's multiplicative hash breaks ties without the order that neighbours have.
_HASH = 2_654_435_761


@dataclass(frozen=True, slots=True)
class Stage:
    """One independent set and what its elimination does. Nodes are numbered within the stage.

    Attributes:
        eliminated, kept: nodes that are eliminated, and the others.
        row, column, entry: of each edge between them: the position in ``eliminated``, the position
            in ``kept``, and the number of the edge.
        left, right: of each product of two such edges at one eliminated node, numbered as ``row``.
        target: of each product, the number of the edge of the next stage that it belongs to.
        carried, carried_to: edges among the kept nodes, and their numbers in the next stage.
        n_edges: of the next stage.
    """

    eliminated: IntArray
    kept: IntArray
    row: IntArray
    column: IntArray
    entry: IntArray
    left: IntArray
    right: IntArray
    target: IntArray
    carried: IntArray
    carried_to: IntArray
    n_edges: int


@dataclass(frozen=True, slots=True)
class Core:
    """What is left: a dense block for each connected component, one after the other.

    Attributes:
        blocks: of each component, its nodes.
        offsets: where each block starts, and how many numbers all have.
        diagonal: of each node, the place of its diagonal entry.
        upper, lower: of each edge, the places of its two entries.
    """

    blocks: tuple[IntArray, ...]
    offsets: IntArray
    diagonal: IntArray
    upper: IntArray
    lower: IntArray

    @property
    def work(self) -> float:
        """Floating-point operations of an inverse, to within a small factor."""
        return float(sum(float(len(nodes)) ** 3 for nodes in self.blocks))


@dataclass(frozen=True, slots=True)
class Elimination:
    """The stages, in order, and the core.

    Attributes:
        work: floating-point operations of a factorisation, to within a small factor.
    """

    stages: tuple[Stage, ...]
    core: Core

    @property
    def work(self) -> float:
        """Floating-point operations of an inverse, to within a small factor."""
        return self.core.work + 100.0 * sum(len(stage.target) for stage in self.stages)


def elimination_order(pairs: Pairs, n_users: int, n_items: int, most: float) -> Elimination | None:
    """An order for the users and the items, numbered one after the other.

    Args:
        pairs: the entries of A.
        n_users: how many users there are.
        n_items: how many items.
        most: floating-point operations that the core may take.

    Returns:
        None where the factors fill in too much.
    """
    n = n_users + n_items
    first, second = pairs.user, pairs.item + n_users
    stages: list[Stage] = []
    products = 0
    while n > _SMALL_CORE:
        degree = np.bincount(first, minlength=n) + np.bincount(second, minlength=n)
        lowest = int(degree.min())
        if lowest > _HIGHEST_DEGREE:
            break
        chosen = _independent(first, second, degree, max(lowest + 1, lowest * 5 // 4))
        products += int((degree[chosen] * (degree[chosen] - 1) // 2).sum())
        if products > _MOST_PRODUCTS:
            break
        stage, first, second = _eliminated(first, second, chosen)
        stages.append(stage)
        n = len(stage.kept)
    core = _core(first, second, n)
    return None if core is None or core.work > most else Elimination(tuple(stages), core)


def _independent(first: IntArray, second: IntArray, degree: IntArray, highest: int) -> np.ndarray:
    """Whether each node is in a set of low degree without an edge inside, (n,) booleans."""
    n = len(degree)
    ties = np.arange(n, dtype=np.uint64) * np.uint64(_HASH) % np.uint64(2**32)
    key = np.empty(n, np.int64)
    key[np.lexsort((ties, degree))] = np.arange(n)
    is_free, chosen = degree <= highest, np.zeros(n, bool)
    for _ in range(_ROUNDS):
        own = np.where(is_free, key, n)
        around = np.full(n, n)
        np.minimum.at(around, first, own[second])
        np.minimum.at(around, second, own[first])
        found = is_free & (own < around)
        chosen |= found
        is_free &= ~found
        is_free[first[found[second]]] = False
        is_free[second[found[first]]] = False
    return chosen


def _eliminated(
    first: IntArray, second: IntArray, chosen: np.ndarray
) -> tuple[Stage, IntArray, IntArray]:
    """The stage, and the edges of the next."""
    eliminated, kept = np.flatnonzero(chosen), np.flatnonzero(~chosen)
    number = np.empty(len(chosen), np.int64)
    number[eliminated], number[kept] = np.arange(len(eliminated)), np.arange(len(kept))
    ahead, behind = np.flatnonzero(chosen[first]), np.flatnonzero(chosen[second])
    entry = np.concatenate([ahead, behind])
    row = number[np.concatenate([first[ahead], second[behind]])]
    column = number[np.concatenate([second[ahead], first[behind]])]
    order = np.lexsort((column, row))
    entry, row, column = entry[order], row[order], column[order]
    left, right = _products(row, len(eliminated))
    carried = np.flatnonzero(~chosen[first] & ~chosen[second])
    n = len(kept)
    one, other = number[first[carried]], number[second[carried]]
    old = np.minimum(one, other) * n + np.maximum(one, other)
    keys, places = np.unique(
        np.concatenate([old, column[left] * n + column[right]]), return_inverse=True
    )
    stage = Stage(
        eliminated, kept, row, column, entry, left, right, places[len(old) :], carried,
        places[: len(old)], len(keys),
    )  # fmt: skip
    return stage, keys // n, keys % n


def _products(row: IntArray, n_rows: int) -> tuple[IntArray, IntArray]:
    """All pairs of entries of the same row, of which the first comes before the second."""
    degree = np.bincount(row, minlength=n_rows)
    start = np.cumsum(degree) - degree
    left, right = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for d in np.unique(degree[degree > 1]).tolist():
        one, other = np.triu_indices(d, 1)
        starts = start[degree == d, None]
        left.append((starts + one).ravel())
        right.append((starts + other).ravel())
    return np.concatenate(left), np.concatenate(right)


def _core(first: IntArray, second: IntArray, n: int) -> Core | None:
    """The dense blocks; None where they would not fit into memory."""
    from scipy.sparse.csgraph import connected_components  # takes a moment to import

    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    n_blocks, label = connected_components(graph, directed=False) if n else (0, np.empty(0, int))
    sizes = np.bincount(label, minlength=n_blocks).astype(np.int64)
    if (sizes.astype(float) ** 2).sum() > 2**25:
        return None
    order = np.argsort(label, kind="stable")
    ends = np.cumsum(sizes)
    place = np.empty(n, np.int64)
    place[order] = np.arange(n) - (ends - sizes)[label[order]]
    offsets = np.concatenate([[0], np.cumsum(sizes**2)]).astype(np.int64)
    base, size = offsets[label], sizes[label]
    return Core(
        tuple(np.split(order, ends[:-1])) if n else (),
        offsets,
        base + place * size + place,
        base[first] + place[first] * size[first] + place[second],
        base[first] + place[second] * size[first] + place[first],
    )
