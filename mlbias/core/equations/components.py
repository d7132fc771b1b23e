"""Connected components of the graph whose edges are ratings: between them no level is comparable.

Where both λ's are 0, each component may shift its users up and its items down by a constant of its
own without any error changing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray

Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Components:
    """Which component each user and item is in.

    Args:
        user, item: (n_users,) and (n_items,), labels from 0 on.
        n: how many components there are.
    """

    user: Labels
    item: Labels
    n: int

    @classmethod
    def of(cls, incidence: Incidence) -> "Components":
        """The components of an incidence."""
        user, item = incidence.components()
        return cls(user, item, int(max(user.max(), item.max())) + 1)

    def sums(self, user: FloatArray, item: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sums over each component's users and items, (n,) each."""
        users: FloatArray = np.bincount(self.user, user, self.n).astype(np.float64)
        return users, np.bincount(self.item, item, self.n).astype(np.float64)

    def sizes(self) -> tuple[FloatArray, FloatArray]:
        """How many users and items each component has, (n,) each."""
        return self.sums(np.ones(len(self.user)), np.ones(len(self.item)))

    def diameter_bounds(self, incidence: Incidence) -> FloatArray:
        """An upper bound of each component's diameter, (n,): twice the reach of one of its items.

        Costs two products for each step of a breadth-first search in all components at once.
        """
        reached = np.zeros(len(self.item))
        reached[np.unique(self.item, return_index=True)[1]] = 1
        reach, step = np.zeros(self.n), 0
        users = np.zeros(len(self.user))
        while True:
            step += 1
            now_users = (incidence.per_user(reached) > 0).astype(np.float64)
            reach[self.user[now_users > users]] = step
            step += 1
            now_items = (incidence.per_item(now_users) > 0).astype(np.float64)
            reach[self.item[now_items > reached]] = step
            if (now_items == reached).all():
                return 2 * reach
            users, reached = now_users, now_items
