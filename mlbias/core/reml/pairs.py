"""The distinct pairs of user and item behind an incidence, read from its products.

A product with a unit vector gives one column of A. Items of different connected components share no
user, so one vector can have a 1 in every component at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray

IntArray = NDArray[np.int64]

_AT_ONCE = 64
# Beyond these, reading the pairs takes longer than an estimate without them.
_MOST_RATINGS = 3_000_000
_MOST_WORK = 600_000_000


@dataclass(frozen=True, slots=True)
class Pairs:
    """Entries of A that are not 0.

    Attributes:
        user: (k,) positions of the users.
        item: (k,) positions of the items.
        count: (k,) ratings of each pair.
    """

    user: IntArray
    item: IntArray
    count: FloatArray


def at_hand(incidence: Incidence) -> Incidence:
    """The same in the memory of this process, if it is so small that all pairs are read anyway."""
    is_small = incidence.statistics.n_ratings <= _MOST_RATINGS
    return incidence.at_hand() if is_small else incidence


def distinct_pairs(incidence: Incidence) -> Pairs | None:
    """All pairs; None where reading them from the products would take too long."""
    s = incidence.statistics
    if s.n_ratings > _MOST_RATINGS:
        return None
    user, item = incidence.components()
    most_users, most_items = np.bincount(user).max(), np.bincount(item).max()
    work = int(min(most_users, most_items)) * (s.n_ratings + s.n_users + s.n_items)
    if work > _MOST_WORK:
        return None
    if most_items <= most_users:
        users, items, count = _columns(incidence.per_user, item, user)
    else:
        items, users, count = _columns(incidence.per_item, user, item)
    return Pairs(users, items, count)


def _columns(
    product: Callable[[FloatArray], FloatArray], own: NDArray[np.int32], other: NDArray[np.int32]
) -> tuple[IntArray, IntArray, FloatArray]:
    """Positions on the other side, on this one, and counts, from the components of each."""
    order = np.argsort(own, kind="stable")
    first = np.searchsorted(own[order], np.arange(own.max() + 1))
    rank = np.empty(len(own), np.int64)
    rank[order] = np.arange(len(own)) - first[own[order]]
    rows, columns, counts = [], [], []
    for start in range(0, int(rank.max()) + 1, _AT_ONCE):
        here = np.flatnonzero((rank >= start) & (rank < start + _AT_ONCE))
        units = np.zeros((min(_AT_ONCE, int(rank.max()) + 1 - start), len(own)))
        units[rank[here] - start, here] = 1
        sums = product(units)
        which, row = np.nonzero(sums)
        rows.append(row)
        columns.append(order[first[other[row]] + start + which])
        counts.append(sums[which, row])
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(counts)
