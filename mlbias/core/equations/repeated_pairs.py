"""Products with the squares of the entries of A, or of W A where ratings are weighted.

A trace or a variance sums A_ui² over pairs. All entries of A are 1 except those of repeated pairs,
so the correction needs only these: m² - m for a pair with m ratings.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import Codes
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class RepeatedPairs:
    """Pairs with several ratings.

    Attributes:
        incidence: that they are of.
        user: (k,) their users.
        item: (k,) their items.
        excess: (k,) m² - m, where m is the number of ratings of the pair.
    """

    incidence: Incidence
    user: Codes
    item: Codes
    excess: FloatArray

    @classmethod
    def of(cls, incidence: Incidence) -> "RepeatedPairs":
        """Those of an incidence."""
        user, item, times = incidence.repeated_pairs()
        return cls(incidence, user, item, times * times - times)

    def entries(self) -> Callable[[Places, Places], FloatArray | float]:
        """From pairs (k,) that were rated to their entries: how often, times the weight."""
        weights, n_items = self.incidence.statistics.weights, self.incidence.statistics.n_items
        if len(self.excess) == 0:
            return lambda user, _: 1.0 if weights is None else weights[user]
        keys = self.user.astype(np.int64) * n_items + self.item
        order = np.argsort(keys)
        keys, times = keys[order], (np.sqrt(self.excess[order] + 0.25) + 0.5).round()

        def found(user: Places, item: Places) -> FloatArray:
            wanted = user * n_items + item
            at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            count = np.where(keys[at] == wanted, times[at], 1.0)
            return count if weights is None else count * weights[user]

        return found

    def squared(self, of_items: FloatArray, of_users: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Σ_i A_ui² v_i, (n_users,), and Σ_u A_ui² v_u, (n_items,), in one pass."""
        around_user, around_item = self.incidence.both(of_items, of_users)
        return (
            self.squared_per_user(of_items, around_user),
            self.squared_per_item(of_users, around_item),
        )

    def squared_per_user(self, of_items: FloatArray, plain: FloatArray) -> FloatArray:
        """Σ_i A_ui² v_i, (n_users,), from Σ_i A_ui v_i."""
        weights = self.incidence.statistics.weights
        squared = plain if weights is None else weights * plain
        if len(self.excess) == 0:
            return squared
        more = np.bincount(self.user, self.excess * of_items[self.item], len(plain))
        return squared + (more if weights is None else weights * weights * more)

    def squared_per_item(self, of_users: FloatArray, plain: FloatArray) -> FloatArray:
        """Σ_u A_ui² v_u, (n_items,), from Σ_u A_ui v_u; weights cost a product of their own."""
        weights = self.incidence.statistics.weights
        if weights is not None:
            plain = self.incidence.per_item(weights * of_users)
            of_users = weights * weights * of_users
        if len(self.excess) == 0:
            return plain
        return plain + np.bincount(self.item, self.excess * of_users[self.user], len(plain))
