"""Products with the squares of A's entries, which differ from A where a pair was rated twice.

A trace or a variance sums A_ui² over pairs. All entries are 1 but for repeated pairs, so that what
these add is all that has to be known: m² - m for a pair with m ratings.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from mlbias.core.ratings import Codes
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray


@runtime_checkable
class HasRepeats(Protocol):
    """An incidence that knows its repeated pairs, which products alone do not tell."""

    def repeats(self) -> tuple[Codes, Codes, FloatArray]:
        """Users and items of repeated pairs, (k,), and their numbers of ratings, 2 or more."""
        ...


@dataclass(frozen=True, slots=True)
class Repeats:
    """Repeated pairs: users, items, and m² - m of each, (k,)."""

    user: Codes
    item: Codes
    more: FloatArray

    @classmethod
    def of(cls, incidence: Incidence) -> "Repeats":
        """Those of an incidence; none, if it does not know them."""
        if not isinstance(incidence, HasRepeats):
            nothing = np.empty(0, np.int32)
            return cls(nothing, nothing, np.empty(0))
        user, item, times = incidence.repeats()
        return cls(user, item, times * times - times)

    def squared_per_user(self, of_items: FloatArray, plain: FloatArray) -> FloatArray:
        """Σ_i A_ui² v_i, (n_users,), from Σ_i A_ui v_i."""
        if len(self.more) == 0:
            return plain
        return plain + np.bincount(self.user, self.more * of_items[self.item], len(plain))

    def squared_per_item(self, of_users: FloatArray, plain: FloatArray) -> FloatArray:
        """Σ_u A_ui² v_u, (n_items,), from Σ_u A_ui v_u."""
        if len(self.more) == 0:
            return plain
        return plain + np.bincount(self.item, self.more * of_users[self.user], len(plain))
