"""The diagonal of M⁻¹, exactly, where one side is small enough for a dense inverse.

With L the inverse of the reduced equations' matrix K (normal_equations.py), the kept side's block
of M⁻¹ is L, and the eliminated side's diagonal is, with a = g/s,

    D_u + D_u² [c_u² (1/(λ_u s) + aᵀ L a) - 2 c_u (A L a)_u + (A L Aᵀ)_uu]
"""

import numpy as np

from mlbias.core.model import Penalty
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray, dot

_MOST_KEPT = 2_000
_MOST_ENTRIES = 40_000_000


def is_small(incidence: Incidence) -> bool:
    """Whether the smaller side, and the whole table, are small enough."""
    s = incidence.statistics
    small = min(s.n_users, s.n_items) <= _MOST_KEPT
    return small and s.n_users * s.n_items <= _MOST_ENTRIES


class DenseInverse:
    """M⁻¹ at any λ's, from the whole table of ones; 8 bytes for each pair of a user and an item.

    By BLAS, whose last bits depend on its threads; the command line gives it one.

    Args:
        incidence: see is_small; its columns cost a product each.
    """

    def __init__(self, incidence: Incidence) -> None:
        s = incidence.statistics
        self._keeps_items = s.n_items <= s.n_users
        product = incidence.per_user if self._keeps_items else incidence.per_item
        n_kept = min(s.n_items, s.n_users)
        n_gone = max(s.n_items, s.n_users)
        self._ones = np.empty((n_gone, n_kept))
        unit = np.zeros(n_kept)
        for k in range(n_kept):
            unit[k] = 1
            self._ones[:, k] = product(unit)
            unit[k] = 0
        counts = s.user_counts, s.item_counts
        self._gone, self._kept = counts if self._keeps_items else counts[::-1]

    def diagonals(self, penalty: Penalty) -> tuple[FloatArray, FloatArray]:
        """Of the users' and the items' block, (n_users,) and (n_items,), for λ's above 0."""
        penalties = (penalty.user, penalty.item)
        gone_penalty, kept_penalty = penalties if self._keeps_items else penalties[::-1]
        a, counts = self._ones, self._gone
        shrinkage = 1 / (counts + gone_penalty)
        coupling, level = a.T @ shrinkage, dot(counts, shrinkage)
        k = np.diag(self._kept + kept_penalty) - a.T @ (shrinkage[:, None] * a)
        k -= gone_penalty * np.outer(coupling, coupling) / level
        inverse = np.linalg.inv(k)
        shared = inverse @ (coupling / level)
        within = 1 / (gone_penalty * level) + dot(coupling / level, shared)
        across = ((a @ inverse) * a).sum(axis=1)
        gone = shrinkage + shrinkage**2 * (counts**2 * within - 2 * counts * (a @ shared) + across)
        kept = np.diag(inverse).copy()
        return (gone, kept) if self._keeps_items else (kept, gone)

    def traces(self, _: Incidence, penalty: Penalty) -> tuple[float, float]:
        """tr_u and tr_i."""
        user, item = self.diagonals(penalty)
        return float(user.sum()), float(item.sum())
