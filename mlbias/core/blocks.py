"""How an incidence matrix is laid out: CSR blocks of users, and lanes of blocks on threads."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice, pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from mlbias.core.compact import Column
from mlbias.core.cores import usable_cores
from mlbias.core.ratings import Codes
from mlbias.core.vectors import FloatArray

# A block's indices fit the second-level cache; below the least, calls cost more than products.
_LEAST_BLOCK, _LARGEST_BLOCK, _BLOCKS = 1 << 16, 1 << 19, 64
# Lanes, not threads, decide in which order an item's sum is added up.
_LANES = 8

_Result = TypeVar("_Result")


class UserBlocks:
    """A matrix of ones: consecutive users form blocks, consecutive blocks lanes.

    All blocks share one buffer of ones.

    Args:
        item: (n,) codes of the items, in the order of users; used as it is.
        starts: (n_users + 1,) where each user's ratings start, and n.
        n_items: distinct items.
        threads: how many work at a time; by default one for each core.

    ``width`` is the number of a block's columns, which may be more than there are items.
    """

    def __init__(
        self, item: Codes, starts: NDArray[np.int64], n_items: int, threads: int | None
    ) -> None:
        self.n_ratings, self.n_items = int(starts[-1]), n_items
        self._lay_out(item, starts, block_cuts(starts), n_items, threads)

    def _lay_out(
        self, item: Codes, rows: NDArray[np.int64], cuts: list[int], width: int,
        threads: int | None,
    ) -> None:  # fmt: skip
        self.n_users, self.width, self._cuts = len(rows) - 1, width, cuts
        self._edges = rows[cuts]
        ones = np.ones(int(np.diff(self._edges).max()))
        self._blocks = [
            self._block(ones, item, rows[first : last + 1]) for first, last in pairwise(cuts)
        ]
        self._transposed = [transposed(block) for block in self._blocks]
        self._lanes = np.array_split(np.arange(len(self._blocks)), min(_LANES, len(self._blocks)))
        self._workers = min(threads or usable_cores(), len(self._lanes))
        self._pool = ThreadPoolExecutor(self._workers) if self._workers > 1 else None

    def users(self, k: int) -> slice:
        """The users of a block."""
        return slice(self._cuts[k], self._cuts[k + 1])

    def ratings(self, k: int) -> slice:
        """The ratings of a block, or what stands for them."""
        return slice(int(self._edges[k]), int(self._edges[k + 1]))

    def map(self, lane: Callable[[NDArray[np.intp]], _Result]) -> Iterator[_Result]:
        """What a function of the numbers of a lane's blocks gives, in the order of the lanes.

        Few results wait at a time: those of lanes are vectors over all items.
        """
        if self._pool is None:
            yield from map(lane, self._lanes)
            return
        lanes, waiting = iter(self._lanes), deque[Future[_Result]]()
        for blocks in islice(lanes, self._workers + 1):
            waiting.append(self._pool.submit(lane, blocks))
        while waiting:
            yield waiting.popleft().result()
            for blocks in islice(lanes, 1):
                waiting.append(self._pool.submit(lane, blocks))

    def map_each(self, block: Callable[[int], _Result]) -> Iterator[_Result]:
        """What a function of the number of a block gives, in the order of the blocks."""
        each = range(len(self._blocks))
        return self._pool.map(block, each) if self._pool else map(block, each)

    def __len__(self) -> int:
        return len(self._blocks)

    def at(self, k: int) -> tuple[csr_array, csc_array]:
        """A block, and its transpose on the same memory."""
        return self._blocks[k], self._transposed[k]

    def dense(self, k: int) -> csr_array:
        """A block with an entry for each of its ratings, and a column for each item."""
        return self._blocks[k]

    def picked(self, _: int, entries: NDArray[Any]) -> NDArray[Any]:
        """Of what belongs to the entries of a block, what belongs to ratings."""
        return entries

    def masked(self, _: int, entries: FloatArray) -> FloatArray:
        """The same with 0 for entries that are no ratings; changed in place."""
        return entries

    def kept(self, column: Column[np.floating[Any]]) -> Column[np.floating[Any]]:
        """Of a column, in the order of the entries of all blocks, what belongs to ratings."""
        return column

    def spread(self, of_items: FloatArray) -> FloatArray:
        """From the items (n_items, …) to the columns of the blocks."""
        return of_items

    def gathered(self, columns: FloatArray) -> FloatArray:
        """From the columns of the blocks to the items."""
        return columns

    def _block(self, ones: FloatArray, item: Codes, starts: NDArray[np.int64]) -> csr_array:
        first, last = starts[0], starts[-1]
        block = csr_array((len(starts) - 1, self.width))
        block.data, block.indices = ones[: last - first], item[first:last]
        block.indptr = (starts - first).astype(np.int32)
        return block


def repeated(block: csr_array) -> tuple[Codes, Codes, FloatArray]:
    """Rows, columns and numbers of entries that stand in the same place."""
    items, starts = block.indices, block.indptr
    ascends = np.diff(items) > 0
    ascends[starts[1:-1] - 1] = True  # from one row to the next nothing has to
    if ascends.all():
        nothing = np.empty(0, np.int32)
        return nothing, nothing, np.empty(0)
    rows = np.repeat(np.arange(block.shape[0], dtype=np.int64), np.diff(starts))
    pairs, times = np.unique(rows * block.shape[1] + items, return_counts=True)
    pairs, times = pairs[times > 1], times[times > 1]
    user, item = np.divmod(pairs, block.shape[1])
    return user.astype(np.int32), item.astype(np.int32), times.astype(np.float64)


def transposed(block: csr_array) -> csc_array:
    """The transpose on the same memory; SciPy's own copies arrays that are parts of larger ones."""
    across = csc_array(block.shape[::-1])
    across.data, across.indices, across.indptr = block.data, block.indices, block.indptr
    return across


def added(vectors: Iterator[FloatArray]) -> FloatArray:
    """The sum of the vectors, in their order; the first one becomes it."""
    total = next(vectors)
    for vector in vectors:
        total += vector
    return total


def block_cuts(starts: NDArray[np.int64]) -> list[int]:
    """First users of the blocks, and n_users: about equally many ratings in each."""
    n = int(starts[-1])
    size = min(max(n // _BLOCKS, _LEAST_BLOCK), _LARGEST_BLOCK)
    cuts = np.searchsorted(starts[1:], np.arange(0, n, size), side="right")
    return [*np.unique(cuts).tolist(), len(starts) - 1]
