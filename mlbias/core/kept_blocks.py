"""The matrix of the ratings that a mask keeps, on the memory of all of them."""

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from mlbias.core.bits import Bits
from mlbias.core.blocks import UserBlocks, block_cuts, transposed
from mlbias.core.compact import Column, Kept, UserRuns
from mlbias.core.ratings import Codes
from mlbias.core.vectors import FloatArray


class KeptBlocks(UserBlocks):
    """Blocks whose entries are 0 where a rating is not kept, so that no codes are copied.

    Adding 0 to a sum changes no bit of it, and blocks and lanes are those of the ratings that are
    kept: so products have the bits that a copy would give.

    Args:
        item: (n,) codes of the items of all ratings, in the order of users; used as it is.
        starts: (all users + 1,) where the ratings of each start, and n.
        kept: (n,) which ratings are kept.
        user_counts: (all users,) how many of each are kept; who has none is not among the users.
        item_counts: (all items,) likewise.
        threads: how many work at a time; by default one for each core.
    """

    def __init__(
        self, item: Codes, starts: NDArray[np.int64], kept: Bits,
        user_counts: FloatArray, item_counts: FloatArray, threads: int | None,
    ) -> None:  # fmt: skip
        is_used = user_counts > 0
        self._starts = UserRuns.of_counts(user_counts[is_used]).starts
        # Ratings of users who are left out belong to the user before, where they are 0.
        rows = np.append(starts[:-1][is_used], starts[-1])
        rows[0] = 0
        self._lay_out(item, rows, block_cuts(self._starts), len(item_counts), threads)
        self._kept, self._is_used = kept, item_counts > 0
        self.n_ratings, self.n_items = int(self._starts[-1]), int(np.count_nonzero(self._is_used))

    def at(self, k: int) -> tuple[csr_array, csc_array]:
        """A block, and its transpose on the same memory."""
        block = copy(self._blocks[k])
        block.data = self._kept[self.ratings(k)].astype(np.float64)
        return block, transposed(block)

    def dense(self, k: int) -> csr_array:
        """A block with the entries that are kept alone, and the items that have some."""
        first, last = self._cuts[k], self._cuts[k + 1]
        starts = self._starts[first : last + 1]
        new_code = np.cumsum(self._is_used, dtype=np.int32) - np.int32(1)
        block = csr_array((last - first, self.n_items))
        block.indices = new_code[self.picked(k, self._blocks[k].indices)]
        block.indptr = (starts - starts[0]).astype(np.int32)
        block.data = np.ones(len(block.indices))
        return block

    def picked(self, k: int, entries: NDArray[Any]) -> NDArray[Any]:
        """Of what belongs to the ratings of a block, what belongs to those that are kept."""
        return entries[self._kept[self.ratings(k)]]

    def masked(self, k: int, entries: FloatArray) -> FloatArray:
        """The same with 0 for ratings that are not kept; changed in place."""
        entries *= self._kept[self.ratings(k)]
        return entries

    def kept(self, column: Column[np.floating[Any]]) -> Column[np.floating[Any]]:
        """Of a column of all ratings, what belongs to those that are kept."""
        return Kept(column, self._kept)

    def spread(self, of_items: FloatArray) -> FloatArray:
        """From the items (n_items, …) to the columns of the blocks."""
        columns = np.zeros((self.width, *of_items.shape[1:]))
        columns[self._is_used] = of_items
        return columns

    def gathered(self, columns: FloatArray) -> FloatArray:
        """From the columns of the blocks to the items."""
        return columns[self._is_used]
