"""Leverages of ratings, w_u xᵀ M⁻¹ x: exactly, or to second order; posterior.py has the equations.

Both are made of vectors over users and items, of which some ratings need no more than their share.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlbias.core.equations.repeated_pairs import Entries, PairValues, Places
from mlbias.core.vectors import FloatArray


class Leverages(Protocol):
    """The leverages of ratings."""

    def __call__(self, users: Places, items: Places) -> FloatArray:
        """Of pairs that were rated, (k,), by their positions."""
        ...

    def at(self, users: Places, items: Places) -> "Leverages":
        """The same for the users and items at these positions, ascending, numbered anew."""
        ...


@dataclass(frozen=True, slots=True)
class ExactLeverages:
    """From the entries of M⁻¹.

    Attributes:
        alpha: (M⁻¹)_αα.
        user, item: the diagonal and twice (M⁻¹)_αu, or (M⁻¹)_αi.
        across: (M⁻¹)_ui of pairs; None where a side is held at 0, so that they are 0.
        weights: of the users.
    """

    alpha: float
    user: FloatArray
    item: FloatArray
    across: PairValues | None
    weights: FloatArray | None

    def __call__(self, users: Places, items: Places) -> FloatArray:
        """Of pairs that were rated, (k,)."""
        found = self.alpha + self.user[users] + self.item[items]
        if self.across is not None:
            found += 2 * self.across.values[self.across.places(users, items)]
        return np.asarray(found if self.weights is None else self.weights[users] * found)

    def at(self, users: Places, items: Places) -> "ExactLeverages":
        """Of these users and items alone."""
        return ExactLeverages(
            self.alpha,
            self.user[users],
            self.item[items],
            None if self.across is None else self.across.at(users, items),
            None if self.weights is None else self.weights[users],
        )


@dataclass(frozen=True, slots=True)
class ExpandedLeverages:
    """With all but α, the user and the item eliminated by themselves, and α exactly.

    Attributes:
        most: the variance without any rating.
        own_user, own_item: a and b but for the pair's own share.
        user, item: D_u and D_i.
        user_level, item_level: their sum squared is the last term.
        entry: A_ui.
        weights: of the users.
    """

    most: float
    own_user: FloatArray
    own_item: FloatArray
    user: FloatArray
    item: FloatArray
    user_level: FloatArray
    item_level: FloatArray
    entry: Entries
    weights: FloatArray | None

    def __call__(self, users: Places, items: Places) -> FloatArray:
        """Of pairs that were rated, (k,)."""
        entry = self.entry(users, items)
        a = self.own_user[users] + entry * entry * self.item[items]
        b = self.own_item[items] + entry * entry * self.user[users]
        level = self.user_level[users] + self.item_level[items]
        found = (a + b - 2 * entry) / (a * b - entry * entry) + level * level
        weight = 1.0 if self.weights is None else self.weights[users]
        return np.asarray(weight * np.minimum(found, self.most / (1 + weight * self.most)))

    def at(self, users: Places, items: Places) -> "ExpandedLeverages":
        """Of these users and items alone."""
        return ExpandedLeverages(
            self.most,
            self.own_user[users],
            self.own_item[items],
            self.user[users],
            self.item[items],
            self.user_level[users],
            self.item_level[items],
            self.entry.at(users, items),
            None if self.weights is None else self.weights[users],
        )
