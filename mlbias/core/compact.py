"""Columns of ratings in fewer bytes than arrays take, expanded by the piece.

A column gives its entries at a slice or at positions, as a NumPy array does, which is the plainest
column. So a pass over ratings needs memory for the pieces that are being worked on, and no more.
"""

from functools import cached_property
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from mlbias.core.passes import pieces

Number = TypeVar("Number", bound=np.generic, covariant=True)
At: TypeAlias = slice | NDArray[np.intp]

_PIECE = 1 << 16


class Column(Protocol[Number]):
    """Numbers (n,): an array, or what holds the same in fewer bytes."""

    @property
    def dtype(self) -> np.dtype[Number]:
        """Of the entries that it gives."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, at: At, /) -> NDArray[Number]:
        """The entries at a slice without a step, or at positions (k,)."""
        ...


class Compact(Generic[Number]):
    """A column that is no array."""

    dtype: np.dtype[Number]

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, at: At, /) -> NDArray[Number]:
        raise NotImplementedError

    @cached_property
    def whole(self) -> NDArray[Number]:
        """All entries, (n,); kept from then on."""
        found = np.empty(len(self), self.dtype)
        for here in pieces(len(self), _PIECE):
            found[here] = self[here]
        return found


class UserRuns(Compact[np.int32]):
    """Codes of users whose ratings stand side by side.

    Args:
        starts: (n_users + 1,) where the ratings of each user start, and n.
    """

    dtype = np.dtype(np.int32)

    def __init__(self, starts: NDArray[np.int64]) -> None:
        self.starts = starts

    @classmethod
    def of_counts(cls, counts: NDArray[Any]) -> "UserRuns":
        """By how many ratings each user has, (n_users,) whole numbers of any type."""
        return cls(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, at: At, /) -> NDArray[np.int32]:
        if not isinstance(at, slice):
            return (np.searchsorted(self.starts, at, side="right") - 1).astype(np.int32)
        start, stop, _ = at.indices(len(self))
        first = max(int(np.searchsorted(self.starts, start, side="right")) - 1, 0)
        last = max(int(np.searchsorted(self.starts, stop)), first)
        lengths = np.diff(self.starts[first : last + 1].clip(start, max(start, stop)))
        return np.repeat(np.arange(first, last, dtype=np.int32), lengths)


class Steps(Compact[np.floating[Any]]):
    """Values that are few and evenly spaced, a byte each.

    Args:
        counts: (n,) of steps.
        steps: how many make 1.
        dtype: of the values.
    """

    def __init__(
        self, counts: NDArray[np.uint8], steps: int, dtype: np.dtype[np.floating[Any]]
    ) -> None:
        self.counts, self.steps, self.dtype = counts, steps, dtype

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, at: At, /) -> NDArray[np.floating[Any]]:
        values = self.counts[at].astype(self.dtype)
        values /= self.dtype.type(self.steps)
        return values


class Kept(Compact[np.floating[Any]]):
    """The entries of a column where a mask is true, picked whenever a slice is asked for.

    Args:
        column: (n,) numbers.
        is_kept: (n,) which of them.
    """

    def __init__(self, column: Column[np.floating[Any]], is_kept: Column[np.bool_]) -> None:
        self._column, self._is_kept, self.dtype = column, is_kept, column.dtype
        numbers = [np.count_nonzero(is_kept[here]) for here in pieces(len(is_kept), _PIECE)]
        # How many entries stand before each piece of the column, and all of them.
        self._before = np.concatenate([[0], np.cumsum(numbers, dtype=np.int64)])

    def __len__(self) -> int:
        return int(self._before[-1])

    def __getitem__(self, at: At, /) -> NDArray[np.floating[Any]]:
        if not isinstance(at, slice):
            return self.whole[at]
        start, stop, _ = at.indices(len(self))
        first = int(np.searchsorted(self._before, start, side="right")) - 1
        last = int(np.searchsorted(self._before, stop))
        source = slice(first * _PIECE, last * _PIECE)
        before = int(self._before[first])
        return self._column[source][self._is_kept[source]][start - before : stop - before]


@overload
def as_array(column: Column[np.int32]) -> NDArray[np.int32]: ...
@overload
def as_array(column: Column[np.floating[Any]]) -> NDArray[np.floating[Any]]: ...
def as_array(column: Column[Any]) -> NDArray[Any]:
    """All numbers of a column, (n,)."""
    return column.whole if isinstance(column, Compact) else np.asarray(column)
