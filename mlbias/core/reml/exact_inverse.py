"""The exact inverse of M where the ratings allow one, and which of the two ways it takes.

Sparse graphs are factorised along an elimination order (sparse_inverse.py). Where one side is
small, or the core of the elimination is larger than it, the other side is eliminated as a whole
(dense_inverse.py). The choice depends only on the graph.
"""

from dataclasses import dataclass, replace
from typing import Literal

from mlbias.core.model import Penalty
from mlbias.core.reml.dense_inverse import DenseInverse, dense_table
from mlbias.core.reml.elimination import Elimination, elimination_order
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
        statistics: of the ratings.
        pairs: the entries of their matrix.
        order: in which M is factorised; None for the dense way.
    """

    statistics: Statistics
    pairs: Pairs
    order: Elimination | None

    @property
    def by(self) -> Literal["sparse", "dense"]:
        """Which way that is."""
        return "dense" if self.order is None else "sparse"

    def at(self, penalty: Penalty) -> Inverse:
        """The inverse at λ's above 0 and finite.

        Raises:
            LinAlgError: rounding has made M singular, which takes λ's next to 0.
        """
        s = self.statistics
        if self.order is not None:
            return SparseInverse(s, self.pairs, self.order, penalty)
        return DenseInverse(s, dense_table(self.pairs, s.n_users, s.n_items), penalty)

    def weighted(self, statistics: Statistics) -> "ExactInverse":
        """The same way for the same ratings with other weights."""
        assert statistics.weights is not None
        count = self.pairs.count * statistics.weights[self.pairs.user]
        return ExactInverse(statistics, replace(self.pairs, count=count), self.order)

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
            return ExactInverse(s, pairs, order)
    return None if dense_work > _MOST_WORK else ExactInverse(s, pairs, None)


def _dense_work(s: Statistics) -> float:
    """Floating-point operations of the dense way, to within a small factor."""
    kept = min(s.n_users, s.n_items)
    eliminated = s.user_counts if s.n_items <= s.n_users else s.item_counts
    products = dot(eliminated, eliminated) + kept * float(s.n_ratings)
    return float(kept) ** 3 + _SPARSE_COST * products
