"""M⁻¹ by the dense inverse of the smaller side's equations, where that side is small.

With L the inverse of the reduced equations' matrix K (normal_equations.py), the kept side's block
of M⁻¹ is L, and with a = g/s the rest is

    (M⁻¹)_αα = 1/(λ_u s) + aᵀ L a
    (M⁻¹)_ui = -D_u [(A L)_ui - c_u (L a)_i]
    diag (M⁻¹)_uu = D_u + D_u² [c_u² (M⁻¹)_αα - 2 c_u (A L a)_u + (A L Aᵀ)_uu]
    log|M| = log|K| + log(λ_u s) - Σ log D_u
"""

import math
from typing import TypeVar

import numpy as np
from scipy.sparse import csr_array

from mlbias.core.model import ErrorSums, Parameters, Penalty
from mlbias.core.reml.blas import one_thread
from mlbias.core.reml.pairs import Pairs
from mlbias.core.reml.sparse_inverse import inverse_of
from mlbias.core.statistics import Statistics
from mlbias.core.vectors import FloatArray, dot

# Numbers of a product that fit the cache.
_BLOCK = 1 << 17

_T = TypeVar("_T")


def dense_table(pairs: Pairs, n_users: int, n_items: int) -> csr_array:
    """A, a row for each of the larger side, a column for each of the smaller."""
    if n_items <= n_users:
        return csr_array((pairs.count, (pairs.user, pairs.item)), shape=(n_users, n_items))
    return csr_array((pairs.count, (pairs.item, pairs.user)), shape=(n_items, n_users))


class DenseInverse:
    """M⁻¹ at some λ's above 0, neither of them infinite.

    Args:
        statistics: of the ratings.
        table: from dense_table.
        penalty: the λ's.

    Raises:
        LinAlgError: rounding has made M singular, which takes λ's next to 0.
    """

    def __init__(self, statistics: Statistics, table: csr_array, penalty: Penalty) -> None:
        s, self._table = statistics, table
        self._keeps_items = s.n_items <= s.n_users
        self._eliminated, kept = self._sides(s.user_counts, s.item_counts)
        self._penalty, kept_penalty = self._sides(penalty.user, penalty.item)
        self._shrinkage = 1 / (self._eliminated + self._penalty)  # D_u
        coupling = table.T @ self._shrinkage  # g
        self._level = dot(self._eliminated, self._shrinkage)  # s
        k = np.diag(kept + kept_penalty)
        k -= (table.T @ table.multiply(self._shrinkage[:, None])).toarray()
        k -= self._penalty / self._level * np.outer(coupling, coupling)
        with one_thread():
            self._inverse, self._log_determinant = inverse_of(k)
            self._a = coupling / self._level
            self._shared = self._inverse @ self._a
        self._alpha_variance = 1 / (self._penalty * self._level) + dot(self._a, self._shared)

    def log_determinant(self) -> float:
        """log|M|."""
        eliminated = math.log(self._penalty * self._level) - float(np.log(self._shrinkage).sum())
        return self._log_determinant + eliminated

    def diagonals(self) -> tuple[FloatArray, FloatArray]:
        """The diagonal of M⁻¹ for the users and for the items, (n_users,) and (n_items,)."""
        table, counts, shrinkage = self._table, self._eliminated, self._shrinkage
        across = table.multiply(table @ self._inverse).sum(axis=1)
        through = counts**2 * self._alpha_variance - 2 * counts * (table @ self._shared) + across
        return self._sides(shrinkage + shrinkage**2 * through, np.diag(self._inverse).copy())

    def pairs(self) -> csr_array:
        """(M⁻¹)_ui where A has an entry, (n_users, n_items)."""
        table, starts = self._table, self._table.indptr
        found = table.astype(np.float64)
        rows = max(1, _BLOCK // table.shape[1])
        for first in range(0, table.shape[0], rows):
            last = min(first + rows, table.shape[0])
            here = slice(starts[first], starts[last])
            row = np.repeat(np.arange(last - first), np.diff(starts[first : last + 1]))
            across = (table[first:last] @ self._inverse)[row, table.indices[here]]
            shared = self._eliminated[first + row] * self._shared[table.indices[here]]
            found.data[here] = -self._shrinkage[first + row] * (across - shared)
        return found if self._keeps_items else found.T.tocsr()

    def alpha_variance(self) -> float:
        """(M⁻¹)_αα."""
        return self._alpha_variance

    def solve(self, right: ErrorSums) -> Parameters:
        """M⁻¹ times a right-hand side R, R_u and R_i."""
        eliminated_sums, kept_sums = self._sides(right.user, right.item)
        level = dot(self._shrinkage, eliminated_sums) / self._level
        level += (right.total - float(eliminated_sums.sum())) / (self._penalty * self._level)
        f = kept_sums - self._table.T @ (self._shrinkage * eliminated_sums)
        f = f - self._penalty * level * self._level * self._a
        with one_thread():
            b = self._inverse @ f
        alpha = level - dot(self._a, b)
        eliminated = self._shrinkage * (
            eliminated_sums - self._eliminated * alpha - self._table @ b
        )
        return Parameters(alpha, *self._sides(eliminated, b))

    def _sides(self, one: _T, other: _T) -> tuple[_T, _T]:
        """From (user, item) to (eliminated, kept) and back: the same exchange, or none."""
        return (one, other) if self._keeps_items else (other, one)
