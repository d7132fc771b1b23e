"""The ratings in the blocks of a matrix of ones: products with them, and the statistics."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mlbias.core.blocks import UserBlocks, added, transposed
from mlbias.core.compact import Column
from mlbias.core.statistics import Statistics, center_near, range_and_mean
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError


@dataclass(frozen=True, slots=True)
class RatedBlocks:
    """R, which has the ratings, less a center, in the place of the ones of A.

    Attributes:
        blocks: A.
        value: (n,) ratings in the same order; looked into when products ask for them.
    """

    blocks: UserBlocks
    value: Column[np.floating[Any]]

    def per_user(self, item_bias: FloatArray, center: float) -> FloatArray:
        """R·b_item, (n_users,)."""
        columns = self.blocks.spread(item_bias)
        return self._of_users(lambda rated: np.asarray(rated @ columns), center)

    def squares_per_user(self, center: float) -> FloatArray:
        """Each user's ratings squared and added up, (n_users,)."""
        ones = np.ones(self.blocks.width)

        def squared(rated: csr_array) -> FloatArray:
            rated.data = rated.data * rated.data
            return np.asarray(rated @ ones)

        return self._of_users(squared, center)

    def per_item(self, user_bias: FloatArray, center: float) -> FloatArray:
        """Rᵀ·b_user, (n_items,)."""

        def lane(blocks: NDArray[np.intp]) -> FloatArray:
            sums = np.zeros(self.blocks.width)
            for k in blocks:
                of_users = user_bias[self.blocks.users(k)]
                rated = self._block(k, center)
                sums += transposed(rated) @ of_users
            return sums

        return self.blocks.gathered(added(self.blocks.map(lane)))

    def statistics(self, user_counts: FloatArray, item_counts: FloatArray) -> Statistics:
        """The statistics of the ratings, which decide on the center.

        Args:
            user_counts: (n_users,) ratings of each user.
            item_counts: (n_items,) ratings of each item.

        Raises:
            DataError: the ratings are too large to be squared in float64.
        """
        low, high, mean = range_and_mean(self.blocks.kept(self.value))
        center = center_near(mean, low, high)
        user_sums = np.empty(self.blocks.n_users)
        totals, squares = np.empty((2, len(self.blocks)))

        def lane(blocks: NDArray[np.intp]) -> FloatArray:
            sums = np.zeros(self.blocks.width)
            for k in blocks:
                rated = self._block(k, center)
                user_sums[self.blocks.users(k)] = rated @ np.ones(self.blocks.width)
                sums += transposed(rated) @ np.ones(rated.shape[0])
                own = self.blocks.picked(k, rated.data)
                totals[k], squares[k] = own.sum(), (own * own).sum()
            return sums

        with np.errstate(over="ignore"):
            item_sums = self.blocks.gathered(added(self.blocks.map(lane)))
            sum_of_squares = float(squares.sum())
        if not np.isfinite(sum_of_squares):
            raise DataError("the ratings are too large: the sum of their squares overflows.")
        return Statistics(
            n_ratings=self.blocks.n_ratings,
            center=center,
            total=float(totals.sum()),
            squares=sum_of_squares,
            low=low,
            high=high,
            user_counts=user_counts,
            item_counts=item_counts,
            user_sums=user_sums,
            item_sums=item_sums,
        )

    def _of_users(self, sums_of: Callable[[csr_array], FloatArray], center: float) -> FloatArray:
        """Sums of each block's users, from the block with the ratings in it, (n_users,)."""
        sums = np.empty(self.blocks.n_users)

        def lane(blocks: NDArray[np.intp]) -> None:
            for k in blocks:
                sums[self.blocks.users(k)] = sums_of(self._block(k, center))

        for _ in self.blocks.map(lane):
            pass
        return sums

    def _block(self, k: int, center: float) -> csr_array:
        """A block with the centered ratings in the place of its ones."""
        rated = copy(self.blocks.at(k)[0])
        rated.data = self.value[self.blocks.ratings(k)].astype(np.float64)
        rated.data -= center
        rated.data = self.blocks.masked(k, rated.data)
        return rated
