"""Ratings whose weights belong to their users, seen as an incidence like any other.

With W the diagonal matrix of the weights w, the weighted cost Σ w e² + λ_u ‖b_u‖² + λ_i ‖b_i‖² has
the normal equations of ratings whose matrix is W A instead of A, whose counts are w_u c_u and
Aᵀ w, and whose sums are w_u R_u and Rᵀ w. So whatever is written against an Incidence serves both.
"""

from copy import copy
from dataclasses import replace

import numpy as np

from mlbias.core.model import Parameters
from mlbias.core.ratings import Codes
from mlbias.core.statistics import Incidence, Statistics
from mlbias.core.vectors import FloatArray, dot


class WeightedIncidence:
    """An incidence whose ratings count as their users' weights say.

    Args:
        incidence: of the ratings, not weighted yet.
        weights: (n_users,), above 0; scaled to a mean of 1 over ratings.
        squares: from ``squares_per_user``, which costs a pass.

    ``weights`` are the scaled ones.
    """

    def __init__(self, incidence: Incidence, weights: FloatArray, squares: FloatArray) -> None:
        s = incidence.statistics
        weights = weights * (s.n_ratings / dot(weights, s.user_counts))
        user_sums = weights * s.user_sums
        self._incidence, self.weights = incidence, weights
        self._statistics = replace(
            s,
            total=float(user_sums.sum()),
            squares=dot(weights, squares),
            user_counts=weights * s.user_counts,
            item_counts=incidence.per_item(weights),
            user_sums=user_sums,
            item_sums=incidence.rated_per_item(weights),
            weights=weights,
        )

    @property
    def statistics(self) -> Statistics:
        """The sufficient statistics of the weighted ratings."""
        return self._statistics

    def per_user(self, item_bias: FloatArray) -> FloatArray:
        """W A·b_item, (n_users,); of several at once, a row each."""
        return self.weights * self._incidence.per_user(item_bias)

    def per_item(self, user_bias: FloatArray) -> FloatArray:
        """(W A)ᵀ·b_user, (n_items,); of several at once, a row each."""
        return self._incidence.per_item(self.weights * user_bias)

    def both(
        self,
        item_bias: FloatArray,
        user_bias: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """W A·b_item and (W A)ᵀ·(b_user + w·W A·b_item) in one pass; see Incidence."""
        of_items, of_users = self._incidence.both(
            item_bias,
            None if user_bias is None else self.weights * user_bias,
            None if weights is None else self.weights * self.weights * weights,
        )
        return self.weights * of_items, of_users

    def rated_per_user(self, item_bias: FloatArray) -> FloatArray:
        """W R·b_item, (n_users,)."""
        return self.weights * self._incidence.rated_per_user(item_bias)

    def rated_per_item(self, user_bias: FloatArray) -> FloatArray:
        """(W R)ᵀ·b_user, (n_items,)."""
        return self._incidence.rated_per_item(self.weights * user_bias)

    def squares_per_user(self) -> FloatArray:
        """Each user's centered ratings squared, weighted and added up, (n_users,)."""
        return self.weights * self._incidence.squares_per_user()

    def repeated_pairs(self) -> tuple[Codes, Codes, FloatArray]:
        """Users and items of pairs with several ratings, (k,) each, and how many they have."""
        return self._incidence.repeated_pairs()

    def components(self) -> tuple[Codes, Codes]:
        """The connected component of each user (n_users,) and of each item (n_items,), from 0."""
        return self._incidence.components()

    def at_hand(self) -> "WeightedIncidence":
        """The same with all ratings in the memory of this process."""
        return self.over(self._incidence.at_hand())

    def over(self, incidence: Incidence) -> "WeightedIncidence":
        """The same weights of the same ratings, kept elsewhere."""
        other = copy(self)
        other._incidence = incidence
        return other


def squared_errors_per_user(
    incidence: Incidence, squares: FloatArray, at: Parameters
) -> FloatArray:
    """Σe² of each user, (n_users,); costs three products.

    Σ (r - a - b_i)² with a = α + b_u is Σr² - 2 a R_u + c_u a² - 2 (R b_i)_u + 2 a (A b_i)_u + (A
    b_i²)_u.
    """
    s = incidence.statistics
    level, item = at.alpha + at.user_bias, at.item_bias
    of_items = incidence.per_user(np.stack([item, item * item]))
    errors = squares - 2 * incidence.rated_per_user(item) + of_items[1]
    errors = errors + level * (s.user_counts * level - 2 * s.user_sums + 2 * of_items[0])
    return np.asarray(np.maximum(errors, 0.0))
