"""The exact inverse of M where the ratings allow one, and which of the two ways it takes.

Sparse graphs are factorised along an elimination order (sparse_inverse.py). Where one side is
small, or the core of the elimination is larger than it, the other side is eliminated as a whole
(dense_inverse.py). The choice depends only on the graph.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mlbias.core.model import Penalty
from mlbias.core.reml.dense_inverse import DenseInverse, dense_table
from mlbias.core.reml.elimination import elimination_order
from mlbias.core.reml.inverse import Inverse, Traces
from mlbias.core.reml.pairs import Pairs, distinct_pairs
from mlbias.core.reml.sparse_inverse import SparseInverse
from mlbias.core.statistics import Incidence, Statistics
from mlbias.core.vectors import dot

# Floating-point operations of one inverse: some 2 s of one core at most.
_MOST_WORK = 2.7e10
# Up to this many users or items the dense inverse takes no time to speak of.
_FEW = 200
# A product of sparse matrices takes about as long as this many operations of a dense one.
_SPARSE_COST = 50.0


@dataclass(frozen=True, slots=True)
class ExactInverse:
    """How to invert M exactly for these ratings.

    Attributes:
        by: "sparse" or "dense".
        at: from λ's above 0 and finite to the inverse there.
    """

    by: Literal["sparse", "dense"]
    at: Callable[[Penalty], Inverse]

    def traces(self, penalty: Penalty) -> Traces:
        """tr_u and tr_i, and the inverse that they are of."""
        inverse = self.at(penalty)
        user, item = inverse.diagonals()
        return Traces(float(user.sum()), float(item.sum()), inverse)


def exact_inverse(incidence: Incidence) -> ExactInverse | None:
    """The way for these ratings; None where an exact inverse would take too long."""
    s = incidence.statistics
    pairs = distinct_pairs(incidence)
    if pairs is None:
        return None
    dense_work = _dense_work(s)
    if min(s.n_users, s.n_items) > _FEW:
        most = min(dense_work, _MOST_WORK)
        order = elimination_order(pairs, s.n_users, s.n_items, most)
        if order is not None and order.work <= most:
            return ExactInverse("sparse", lambda penalty: SparseInverse(s, pairs, order, penalty))
    if dense_work > _MOST_WORK:
        return None
    return _dense(s, pairs)


def _dense(s: Statistics, pairs: Pairs) -> ExactInverse:
    table = dense_table(pairs, s.n_users, s.n_items)
    return ExactInverse("dense", lambda penalty: DenseInverse(s, table, penalty))


def _dense_work(s: Statistics) -> float:
    """Floating-point operations of the dense way, to within a small factor."""
    kept = min(s.n_users, s.n_items)
    eliminated = s.user_counts if s.n_items <= s.n_users else s.item_counts
    products = dot(eliminated, eliminated) + kept * float(s.n_ratings)
    return float(kept) ** 3 + _SPARSE_COST * products
