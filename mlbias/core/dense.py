"""The diagonal of M⁻¹, exactly, where one side is small enough for a dense inverse.

With L the inverse of the reduced equations' matrix K (normal_equations.py), the kept side's block
of M⁻¹ is L, and the eliminated side's diagonal is, with a = g/s,

    D_u + D_u² [c_u² (1/(λ_u s) + aᵀ L a) - 2 c_u (A L a)_u + (A L Aᵀ)_uu]
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.sparse import csc_array, csr_array

from mlbias.core.model import Penalty
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray, dot

_T = TypeVar("_T")

_MOST_KEPT = 2_000
_MOST_ENTRIES = 40_000_000


def is_small(incidence: Incidence) -> bool:
    """Whether the smaller side, and the whole table, are small enough."""
    s = incidence.statistics
    small = min(s.n_users, s.n_items) <= _MOST_KEPT
    return small and s.n_users * s.n_items <= _MOST_ENTRIES


@dataclass(frozen=True, slots=True)
class _Inverse:
    """What M⁻¹ consists of at some λ's: the letters of the equation above."""

    kept: FloatArray  # L
    shrinkage: FloatArray  # D_u
    within: float  # 1/(λ_u s) + aᵀ L a
    shared: FloatArray  # L a


class DenseInverse:
    """The diagonal of M⁻¹ at any λ's, by the dense inverse of the smaller side's equations.

    By BLAS, whose last bits depend on its threads; the command line gives it one.

    Args:
        incidence: see is_small; its columns cost a product each.
    """

    def __init__(self, incidence: Incidence) -> None:
        s = incidence.statistics
        self._keeps_items = s.n_items <= s.n_users
        product = incidence.per_user if self._keeps_items else incidence.per_item
        self._table = _table(product, min(s.n_items, s.n_users))
        self._gone, self._kept = self._sides(s.user_counts, s.item_counts)

    def diagonals(self, penalty: Penalty) -> tuple[FloatArray, FloatArray]:
        """Of the users' and the items' block, (n_users,) and (n_items,), for λ's above 0."""
        m, a, counts = self._inverse(penalty), self._table, self._gone
        across = a.multiply(a @ m.kept).sum(axis=1)
        through = counts**2 * m.within - 2 * counts * (a @ m.shared) + across
        return self._sides(m.shrinkage + m.shrinkage**2 * through, np.diag(m.kept).copy())

    def traces(self, _: Incidence, penalty: Penalty) -> tuple[float, float]:
        """tr_u and tr_i; as the sums of the diagonals, but faster."""
        m, a, counts = self._inverse(penalty), self._table, self._gone
        squares = m.shrinkage**2
        across = float(self._between(squares).multiply(m.kept).sum())
        through = counts**2 * m.within - 2 * counts * (a @ m.shared)
        gone = float(m.shrinkage.sum()) + dot(squares, through) + across
        return self._sides(gone, float(np.trace(m.kept)))

    def _inverse(self, penalty: Penalty) -> _Inverse:
        gone, kept = self._sides(penalty.user, penalty.item)
        shrinkage = 1 / (self._gone + gone)
        coupling, level = self._table.T @ shrinkage, dot(self._gone, shrinkage)
        k = np.diag(self._kept + kept) - self._between(shrinkage).toarray()
        k -= gone * np.outer(coupling, coupling) / level
        inverse = np.linalg.inv(k)
        shared = inverse @ (coupling / level)
        within = 1 / (gone * level) + dot(coupling / level, shared)
        return _Inverse(inverse, shrinkage, within, shared)

    def _between(self, weights: FloatArray) -> csr_array:
        """Aᵀ diag(weights) A over the kept side."""
        return csr_array(self._table.T @ self._table.multiply(weights[:, None]))

    def _sides(self, one: _T, other: _T) -> tuple[_T, _T]:
        """From (eliminated, kept) to (user, item) and back: the same exchange, or none."""
        return (one, other) if self._keeps_items else (other, one)


def _table(product: Callable[[FloatArray], FloatArray], n_kept: int) -> csr_array:
    """A, a row for each of the eliminated side, whose columns are products with unit vectors."""
    unit, rows, entries = np.zeros(n_kept), [], []
    for k in range(n_kept):
        unit[k] = 1
        column = product(unit)
        unit[k] = 0
        rows.append(np.flatnonzero(column))
        entries.append(column[rows[-1]])
    starts = np.cumsum([0, *map(len, rows)])
    shape = len(column), n_kept
    return csr_array(
        csc_array((np.concatenate(entries), np.concatenate(rows), starts), shape=shape)
    )
