"""Products with the squares of the entries of A, or of W A where ratings are weighted.

A trace or a variance sums A_ui² over pairs. All entries of A are 1 except those of repeated pairs,
so the correction needs only these: m² - m for a pair with m ratings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import Codes
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class PairValues:
    """Values of some pairs.

    Attributes:
        keys: (k,) user · n_items + item of the pairs, ascending.
        values: (k,) theirs.
        n_items: of all users together.
    """

    keys: NDArray[np.int64]
    values: FloatArray
    n_items: int

    def places(self, user: Places, item: Places) -> Places:
        """Where pairs that have a value have it, (k,)."""
        return np.searchsorted(self.keys, user * self.n_items + item)

    def at(self, users: Places, items: Places) -> "PairValues":
        """Those of the users and items at these positions, ascending, numbered anew."""
        user, item = np.divmod(self.keys, self.n_items)
        here = np.isin(user, users) & np.isin(item, items)
        own = np.searchsorted(users, user[here]), np.searchsorted(items, item[here])
        return PairValues(own[0] * len(items) + own[1], self.values[here], len(items))


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of A, or of W A: how often a pair was rated, times the weight.

    Attributes:
        repeated: of pairs with several ratings, how many.
        weights: of the users, if there are any.
    """

    repeated: PairValues
    weights: FloatArray | None

    def __call__(self, user: Places, item: Places) -> FloatArray | float:
        """Of pairs (k,) that were rated."""
        keys, times = self.repeated.keys, self.repeated.values
        if len(keys) == 0:
            return 1.0 if self.weights is None else self.weights[user]
        wanted = user * self.repeated.n_items + item
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        count = np.where(keys[at] == wanted, times[at], 1.0)
        return count if self.weights is None else count * self.weights[user]

    def at(self, users: Places, items: Places) -> "Entries":
        """Those of the users and items at these positions, ascending, numbered anew."""
        weights = None if self.weights is None else self.weights[users]
        return Entries(self.repeated.at(users, items), weights)


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

    def entries(self) -> "Entries":
        """The entries of the matrix."""
        n_items = self.incidence.statistics.n_items
        keys = self.user.astype(np.int64) * n_items + self.item
        order = np.argsort(keys)
        times = (np.sqrt(self.excess[order] + 0.25) + 0.5).round()
        pairs = PairValues(keys[order], times, n_items)
        return Entries(pairs, self.incidence.statistics.weights)

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
