"""The incidence matrix in memory: CSR blocks of users, their products on a pool of threads."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mlbias.core.blocks import added, repeated, transposed
from mlbias.core.connected import joined
from mlbias.core.cores import usable_cores
from mlbias.core.ratings import CodedRatings, Codes, Values, order_of_users
from mlbias.core.statistics import Statistics, center_of
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError

# A block's indices fit the second-level cache; below the least, calls cost more than products.
_LEAST_BLOCK, _LARGEST_BLOCK, _BLOCKS = 1 << 16, 1 << 19, 64
# Lanes, not threads, decide in which order an item's sum is added up.
_LANES = 8

_Result = TypeVar("_Result")


class BlockIncidence:
    """A in memory, 4 bytes a rating: consecutive users form blocks, consecutive blocks lanes.

    All blocks share one buffer of ones. SciPy's products release the GIL, so that lanes run side
    by side; each has an item accumulator of its own, and these are added in order, so that the
    bits do not depend on the number of threads.

    Args:
        ratings: at least one.
        threads: how many work at a time; by default one for each core.

    Raises:
        DataError: the ratings are too large to be squared in float64.
    """

    _known_pairs: tuple[Codes, Codes, FloatArray] | None
    _values: Callable[[], Values]

    def __init__(self, ratings: CodedRatings, threads: int | None = None) -> None:
        user, item, value = ratings.user, ratings.item, ratings.value
        order = order_of_users(user, ratings.n_users)
        if order is not None:
            user, item, value = user[order], item[order], value[order]
        # Of the same type, since NumPy would otherwise widen a copy of all the codes.
        starts = np.searchsorted(user, np.arange(ratings.n_users + 1, dtype=np.int32))
        self._lay_out(item, starts, ratings.n_items, threads)
        self._values = lambda: value
        self._statistics = self._sums(value, np.diff(starts).astype(np.float64))

    @classmethod
    def in_order(
        cls,
        item: Codes,
        user_counts: FloatArray,
        n_items: int,
        values: Callable[[], Values],
        threads: int | None = None,
    ) -> "BlockIncidence":
        """The incidence of ratings in the order of users, without a column of these.

        Args:
            item: (n,) codes of the items; used as it is.
            user_counts: (n_users,) ratings of each user, at least one.
            n_items: distinct items.
            values: gives the (n,) ratings, now and when products ask for them.
            threads: as above.

        Raises:
            DataError: the ratings are too large to be squared in float64.
        """
        incidence = cls.__new__(cls)
        incidence._lay_out(item, starts_of(user_counts), n_items, threads)
        incidence._values = values
        incidence._statistics = incidence._sums(values(), user_counts)
        return incidence

    @classmethod
    def restored(
        cls,
        item: Codes,
        values: Callable[[], Values],
        statistics: Statistics,
        threads: int | None = None,
    ) -> "BlockIncidence":
        """The incidence of ratings whose statistics are known, without a pass over them.

        Args:
            item: (n,) codes of the items, the ratings in the order of their users; used as it is,
                so that it may be a file that is mapped into memory.
            values: gives the (n,) ratings in the same order; called when products ask for them.
            statistics: of the same ratings.
            threads: as above.
        """
        incidence = cls.__new__(cls)
        starts = starts_of(statistics.user_counts)
        incidence._lay_out(item, starts, statistics.n_items, threads)
        incidence._values = values
        incidence._statistics = statistics
        return incidence

    @property
    def statistics(self) -> Statistics:
        """The sufficient statistics of the ratings."""
        return self._statistics

    def per_user(self, item_bias: FloatArray) -> FloatArray:
        """A·b_item, (n_users,); of several at once, a row each."""
        columns = np.ascontiguousarray(item_bias.T)
        sums = np.empty((self._shape[0], *columns.shape[1:]))

        def lane(blocks: NDArray[np.intp]) -> None:
            for k in blocks:
                sums[self._cuts[k] : self._cuts[k + 1]] = self._blocks[k] @ columns

        for _ in self._map(lane):
            pass
        return sums.T

    def per_item(self, user_bias: FloatArray) -> FloatArray:
        """Aᵀ·b_user, (n_items,); of several at once, a row each."""
        columns = np.ascontiguousarray(user_bias.T)

        def lane(blocks: NDArray[np.intp]) -> FloatArray:
            sums = np.zeros((self._shape[1], *columns.shape[1:]))
            for k in blocks:
                sums += self._transposed[k] @ columns[self._cuts[k] : self._cuts[k + 1]]
            return sums

        return added(self._map(lane)).T

    def both(
        self,
        item_bias: FloatArray,
        user_bias: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """A·b_item and Aᵀ·(b_user + w·A·b_item) in one pass; see Incidence."""
        if item_bias.ndim > 1:  # sums of several vectors leave the cache no room for the others
            of_items = self.per_user(item_bias)
            return of_items, self.per_item(_through(of_items, user_bias, weights))
        of_items = np.empty(self._shape[0])

        def lane(blocks: NDArray[np.intp]) -> FloatArray:
            sums = np.zeros(self._shape[1])
            for k in blocks:
                here = slice(self._cuts[k], self._cuts[k + 1])
                of_items[here] = self._blocks[k] @ item_bias
                parts = (None if of is None else of[here] for of in (user_bias, weights))
                sums += self._transposed[k] @ _through(of_items[here], *parts)
            return sums

        of_users = added(self._map(lane))
        return of_items, of_users

    def rated_per_user(self, item_bias: FloatArray) -> FloatArray:
        """R·b_item, where R has the centered ratings in the place of A's ones, (n_users,)."""
        return self._per_rated_user(lambda rated: np.asarray(rated @ item_bias))

    def squares_per_user(self) -> FloatArray:
        """Each user's centered ratings squared and added up, (n_users,)."""
        ones = np.ones(self._shape[1])

        def squared(rated: csr_array) -> FloatArray:
            rated.data = rated.data * rated.data
            return np.asarray(rated @ ones)

        return self._per_rated_user(squared)

    def rated_per_item(self, user_bias: FloatArray) -> FloatArray:
        """Rᵀ·b_user, (n_items,)."""
        value, center = self._values(), self._statistics.center

        def lane(blocks: NDArray[np.intp]) -> FloatArray:
            sums = np.zeros(self._shape[1])
            for k in blocks:
                of_users = user_bias[self._cuts[k] : self._cuts[k + 1]]
                rated = self._rated(k, value, center)
                sums += transposed(rated) @ of_users
            return sums

        return added(self._map(lane))

    def _per_rated_user(self, sums_of: Callable[[csr_array], FloatArray]) -> FloatArray:
        """Sums of each block's users, from the block with the ratings in it, (n_users,)."""
        sums, value, center = np.empty(self._shape[0]), self._values(), self._statistics.center

        def lane(blocks: NDArray[np.intp]) -> None:
            for k in blocks:
                rated = self._rated(k, value, center)
                sums[self._cuts[k] : self._cuts[k + 1]] = sums_of(rated)

        for _ in self._map(lane):
            pass
        return sums

    def _rated(self, k: int, value: Values, center: float) -> csr_array:
        """A block with the centered ratings in the place of its ones."""
        rated = copy(self._blocks[k])
        rated.data = value[self._edges[k] : self._edges[k + 1]].astype(np.float64) - center
        return rated

    def repeated_pairs(self) -> tuple[Codes, Codes, FloatArray]:
        """Users and items of pairs with several ratings, (k,) each, and how many they have."""
        if self._known_pairs is not None:
            return self._known_pairs
        parts = list((self._pool.map if self._pool else map)(repeated, self._blocks))
        users = [user + first for (user, _, _), first in zip(parts, self._cuts, strict=False)]
        self._known_pairs = (
            np.concatenate(users).astype(np.int32),
            np.concatenate([item for _, item, _ in parts]),
            np.concatenate([times for _, _, times in parts]),
        )
        return self._known_pairs

    def components(self) -> tuple[Codes, Codes]:
        """The connected component of each user (n_users,) and of each item (n_items,)."""
        firsts = np.empty(self._shape[0], np.int32)
        labels = np.arange(self._shape[1], dtype=np.int32)
        for k, block in enumerate(self._blocks):
            # A user's first item stands for the user.
            first = block.indices[block.indptr[:-1]]
            firsts[self._cuts[k] : self._cuts[k + 1]] = first
            if labels.any():  # otherwise all are one already
                labels = joined(labels, np.repeat(first, np.diff(block.indptr)), block.indices)
        return labels[firsts], labels

    def at_hand(self) -> "BlockIncidence":
        """Itself."""
        return self

    def _lay_out(
        self, item: Codes, starts: NDArray[np.int64], n_items: int, threads: int | None
    ) -> None:
        """Cut the ratings of users that start there, (n_users + 1,), into blocks and lanes."""
        self._shape = len(starts) - 1, n_items
        self._cuts = _block_cuts(starts)
        self._edges = starts[self._cuts]
        ones = np.ones(int(np.diff(starts[self._cuts]).max()))
        self._blocks = [
            self._block(ones, item, starts[first : last + 1])
            for first, last in zip(self._cuts, self._cuts[1:], strict=False)
        ]
        self._known_pairs = None
        self._transposed = [transposed(block) for block in self._blocks]
        self._lanes = np.array_split(np.arange(len(self._blocks)), min(_LANES, len(self._blocks)))
        workers = min(threads or usable_cores(), len(self._lanes))
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def _block(self, ones: FloatArray, item: Codes, starts: NDArray[np.int64]) -> csr_array:
        first, last = starts[0], starts[-1]
        block = csr_array((len(starts) - 1, self._shape[1]))
        block.data, block.indices = ones[: last - first], item[first:last]
        block.indptr = (starts - first).astype(np.int32)
        return block

    def _map(self, lane: Callable[[NDArray[np.intp]], _Result]) -> Iterator[_Result]:
        return self._pool.map(lane, self._lanes) if self._pool else map(lane, self._lanes)

    def _sums(self, value: Values, user_counts: FloatArray) -> Statistics:
        """The statistics: the same two products, with the ratings in the place of the ones."""
        center = center_of(value)
        user_sums = np.empty(self._shape[0])
        totals, squares = np.empty((2, len(self._blocks)))

        def lane(blocks: NDArray[np.intp]) -> FloatArray:
            sums = np.zeros(self._shape[1])
            for k in blocks:
                rated = self._rated(k, value, center)
                user_sums[self._cuts[k] : self._cuts[k + 1]] = rated @ np.ones(self._shape[1])
                sums += transposed(rated) @ np.ones(rated.shape[0])
                totals[k] = rated.data.sum()
                squares[k] = (rated.data * rated.data).sum()
            return sums

        with np.errstate(over="ignore"):
            item_sums = added(self._map(lane))
            sum_of_squares = float(squares.sum())
        if not np.isfinite(sum_of_squares):
            raise DataError("the ratings are too large: the sum of their squares overflows.")
        return Statistics(
            n_ratings=int(self._edges[-1]),
            center=center,
            total=float(totals.sum()),
            squares=sum_of_squares,
            low=float(value.min()),
            high=float(value.max()),
            user_counts=user_counts,
            item_counts=self.per_item(np.ones(self._shape[0])),
            user_sums=user_sums,
            item_sums=item_sums,
        )


def _through(
    of_items: FloatArray, user_bias: FloatArray | None, weights: FloatArray | None
) -> FloatArray:
    """b_user + w·A·b_item, of one vector or of rows of them; None stands for 0."""
    if weights is None:
        assert user_bias is not None
        return user_bias
    return weights * of_items if user_bias is None else user_bias + weights * of_items


def starts_of(user_counts: FloatArray) -> NDArray[np.int64]:
    """Where each user's ratings start in the order of users, (n_users + 1,), n last."""
    return np.concatenate([[0], np.cumsum(user_counts)]).astype(np.int64)


def _block_cuts(starts: NDArray[np.int64]) -> list[int]:
    """First users of the blocks, and n_users: about equally many ratings in each."""
    n = int(starts[-1])
    size = min(max(n // _BLOCKS, _LEAST_BLOCK), _LARGEST_BLOCK)
    cuts = np.searchsorted(starts[1:], np.arange(0, n, size), side="right")
    return [*np.unique(cuts).tolist(), len(starts) - 1]
