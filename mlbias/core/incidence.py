"""The incidence matrix in memory: its products, and the statistics by the same products."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.bits import Bits
from mlbias.core.blocks import UserBlocks, added, repeated
from mlbias.core.compact import Column, UserRuns, as_array
from mlbias.core.connected import joined
from mlbias.core.kept_blocks import KeptBlocks
from mlbias.core.rated_blocks import RatedBlocks
from mlbias.core.ratings import CodedRatings, Codes, order_of_users, runs_of
from mlbias.core.rest import HeldOut, statistics_without
from mlbias.core.statistics import Statistics
from mlbias.core.vectors import FloatArray

Values = Column[np.floating[Any]]


class BlockIncidence:
    """A in memory, 4 bytes a rating, in blocks of users.

    SciPy's products release the GIL, so that lanes of blocks run side by side; each has an item
    accumulator of its own, and these are added in order, so that the bits do not depend on the
    number of threads.

    Args:
        ratings: at least one.
        threads: how many work at a time; by default one for each core.

    Raises:
        DataError: the ratings are too large to be squared in float64.
    """

    def __init__(self, ratings: CodedRatings, threads: int | None = None) -> None:
        user, item, value = ratings.user_column, ratings.item, ratings.value_column
        order = order_of_users(user, ratings.n_users)
        if order is not None:
            user, item = as_array(user)[order], item[order]
            value = as_array(value)[order]
        runs = runs_of(user, ratings.n_users)
        self._lay_out(UserBlocks(item, runs.starts, ratings.n_items, threads), value)
        self._statistics = self._summed(np.diff(runs.starts).astype(np.float64))

    @classmethod
    def in_order(
        cls,
        item: Codes,
        user_counts: FloatArray,
        n_items: int,
        value: Values,
        threads: int | None = None,
    ) -> "BlockIncidence":
        """The incidence of ratings in the order of users, without a column of these.

        Args:
            item: (n,) codes of the items; used as it is.
            user_counts: (n_users,) ratings of each user, at least one.
            n_items: distinct items.
            value: (n,) ratings.
            threads: as above.

        Raises:
            DataError: the ratings are too large to be squared in float64.
        """
        incidence = cls.__new__(cls)
        starts = UserRuns.of_counts(user_counts).starts
        incidence._lay_out(UserBlocks(item, starts, n_items, threads), value)
        incidence._statistics = incidence._summed(user_counts)
        return incidence

    @classmethod
    def restored(
        cls,
        item: Codes,
        value: Values,
        statistics: Statistics,
        threads: int | None = None,
    ) -> "BlockIncidence":
        """The incidence of ratings whose statistics are known, without a pass over them.

        Args:
            item: (n,) codes of the items, the ratings in the order of their users; used as it is,
                so that it may be a file that is mapped into memory.
            value: (n,) ratings in the same order; looked into when products ask for them.
            statistics: of the same ratings.
            threads: as above.
        """
        incidence = cls.__new__(cls)
        starts = UserRuns.of_counts(statistics.user_counts).starts
        incidence._lay_out(UserBlocks(item, starts, statistics.n_items, threads), value)
        incidence._statistics = statistics
        return incidence

    @classmethod
    def rest(
        cls, whole: CodedRatings, statistics: Statistics, kept: Bits, held_out: HeldOut,
        threads: int | None = None,
    ) -> "BlockIncidence":  # fmt: skip
        """The incidence of the ratings that are not held out, without a copy of them.

        Args:
            whole: all ratings, in the order of users.
            statistics: of the same.
            kept: (n,) which ratings are not held out, at least one.
            held_out: the others, measured from the center of all.
            threads: as above.
        """
        incidence = cls.__new__(cls)
        starts = runs_of(whole.user_column, whole.n_users).starts
        user_counts = statistics.user_counts - held_out.user_counts
        item_counts = statistics.item_counts - held_out.item_counts
        blocks = KeptBlocks(whole.item, starts, kept, user_counts, item_counts, threads)
        incidence._lay_out(blocks, whole.value_column)
        known = statistics_without(held_out, statistics, whole.value_column)
        incidence._statistics = known or incidence._rated.statistics(
            user_counts[user_counts > 0], item_counts[item_counts > 0]
        )
        return incidence

    def _lay_out(self, blocks: UserBlocks, value: Values) -> None:
        self._blocks, self._rated = blocks, RatedBlocks(blocks, value)
        self._known_pairs: tuple[Codes, Codes, FloatArray] | None = None

    @property
    def statistics(self) -> Statistics:
        """The sufficient statistics of the ratings."""
        return self._statistics

    def per_user(self, item_bias: FloatArray) -> FloatArray:
        """A·b_item, (n_users,); of several at once, a row each."""
        columns = self._blocks.spread(np.ascontiguousarray(item_bias.T))
        sums = np.empty((self._blocks.n_users, *columns.shape[1:]))

        def lane(blocks: NDArray[np.intp]) -> None:
            for k in blocks:
                sums[self._blocks.users(k)] = self._blocks.at(k)[0] @ columns

        for _ in self._blocks.map(lane):
            pass
        return sums.T

    def per_item(self, user_bias: FloatArray) -> FloatArray:
        """Aᵀ·b_user, (n_items,); of several at once, a row each."""
        return self._summed_by_item(lambda users: user_bias[..., users], user_bias.shape[:-1])

    def _summed_by_item(
        self, of_users: Callable[[slice], FloatArray], shape: tuple[int, ...]
    ) -> FloatArray:
        """The same of values that are asked for by the block."""

        def lane(blocks: NDArray[np.intp]) -> FloatArray:
            sums = np.zeros((self._blocks.width, *shape))
            for k in blocks:
                values = np.ascontiguousarray(of_users(self._blocks.users(k)).T)
                sums += self._blocks.at(k)[1] @ values
            return sums

        return self._blocks.gathered(added(self._blocks.map(lane))).T

    def both(
        self,
        item_bias: FloatArray,
        user_bias: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """A·b_item and Aᵀ·(b_user + w·A·b_item) in one pass; see Incidence."""
        if item_bias.ndim > 1:  # sums of several vectors leave the cache no room for the others
            of_items = self.per_user(item_bias)

            def through(users: slice) -> FloatArray:
                parts = (None if of is None else of[..., users] for of in (user_bias, weights))
                return _through(of_items[..., users], *parts)

            return of_items, self._summed_by_item(through, item_bias.shape[:-1])
        of_items, columns = np.empty(self._blocks.n_users), self._blocks.spread(item_bias)

        def lane(blocks: NDArray[np.intp]) -> FloatArray:
            sums = np.zeros(self._blocks.width)
            for k in blocks:
                here, (block, across) = self._blocks.users(k), self._blocks.at(k)
                of_items[here] = block @ columns
                parts = (None if of is None else of[here] for of in (user_bias, weights))
                sums += across @ _through(of_items[here], *parts)
            return sums

        of_users = self._blocks.gathered(added(self._blocks.map(lane)))
        return of_items, of_users

    def rated_per_user(self, item_bias: FloatArray) -> FloatArray:
        """R·b_item, where R has the centered ratings in the place of A's ones, (n_users,)."""
        return self._rated.per_user(item_bias, self._statistics.center)

    def rated_per_item(self, user_bias: FloatArray) -> FloatArray:
        """Rᵀ·b_user, (n_items,)."""
        return self._rated.per_item(user_bias, self._statistics.center)

    def squares_per_user(self) -> FloatArray:
        """Each user's centered ratings squared and added up, (n_users,)."""
        return self._rated.squares_per_user(self._statistics.center)

    def repeated_pairs(self) -> tuple[Codes, Codes, FloatArray]:
        """Users and items of pairs with several ratings, (k,) each, and how many they have."""
        if self._known_pairs is not None:
            return self._known_pairs
        parts = list(self._blocks.map_each(lambda k: repeated(self._blocks.dense(k))))
        users = [user + self._blocks.users(k).start for k, (user, _, _) in enumerate(parts)]
        self._known_pairs = (
            np.concatenate(users).astype(np.int32),
            np.concatenate([item for _, item, _ in parts]),
            np.concatenate([times for _, _, times in parts]),
        )
        return self._known_pairs

    def components(self) -> tuple[Codes, Codes]:
        """The connected component of each user (n_users,) and of each item (n_items,)."""
        firsts = np.empty(self._blocks.n_users, np.int32)
        labels = np.arange(self._blocks.n_items, dtype=np.int32)
        for k in range(len(self._blocks)):
            block = self._blocks.dense(k)
            # A user's first item stands for the user.
            first = block.indices[block.indptr[:-1]]
            firsts[self._blocks.users(k)] = first
            if labels.any():  # otherwise all are one already
                labels = joined(labels, np.repeat(first, np.diff(block.indptr)), block.indices)
        return labels[firsts], labels

    def at_hand(self) -> "BlockIncidence":
        """Itself."""
        return self

    def _summed(self, user_counts: FloatArray) -> Statistics:
        return self._rated.statistics(user_counts, self.per_item(np.ones(self._blocks.n_users)))


def _through(
    of_items: FloatArray, user_bias: FloatArray | None, weights: FloatArray | None
) -> FloatArray:
    """b_user + w·A·b_item, of one vector or of rows of them; None stands for 0."""
    if weights is None:
        assert user_bias is not None
        return user_bias
    return weights * of_items if user_bias is None else user_bias + weights * of_items
