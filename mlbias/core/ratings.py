"""Ratings as the core takes them: integer codes and values, without ids."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mlbias.core.compact import Column, UserRuns, as_array
from mlbias.core.passes import in_order, pieces

Codes = NDArray[np.int32]
Values = NDArray[np.floating[Any]]
# Positions of ratings, int32 where that is enough.
Order = NDArray[np.signedinteger[Any]]

_PIECE = 1 << 16
# The most ratings whose positions are int32.
_MOST_NARROW = np.iinfo(np.int32).max


class CodedRatings(Protocol):
    """Ratings by codes, in any order; every code below n_users and n_items is used."""

    @property
    def user_column(self) -> Column[np.int32]:
        """(n,) codes from 0 to n_users - 1."""
        ...

    @property
    def item(self) -> Codes:
        """(n,) codes from 0 to n_items - 1."""
        ...

    @property
    def value_column(self) -> Column[np.floating[Any]]:
        """(n,) ratings in their own units; float32 where that is exact."""
        ...

    @property
    def n_users(self) -> int:
        """Number of users."""
        ...

    @property
    def n_items(self) -> int:
        """Number of items."""
        ...


def order_of_users(user: Column[np.int32], n_users: int) -> Order | None:
    """The stable order that sorts (n,) codes of users, None if they ascend already."""
    if is_ascending(user):
        return None
    user = as_array(user)
    from scipy.sparse import csr_array  # here, since most files are in this order already

    # SciPy's conversion is a stable counting sort: row k of this matrix is the k-th rating,
    # its column the user. An argsort takes ten times as long.
    n = len(user)
    rows = np.arange(n + 1, dtype=_position_type(n))
    by_row = csr_array((rows[:-1], user, rows), shape=(n, n_users))
    order: Order = by_row.tocsc().data
    return order


def order_of_pairs(ratings: CodedRatings) -> Order | None:
    """The order that sorts ratings (n,) by user, then item, then value; None if they have it.

    Sums over ratings in this order have the same bits, in whatever order the ratings came.
    """
    if pairs_ascend(ratings):
        return None
    n = len(ratings.item)
    order: Order = np.arange(n, dtype=_position_type(n))
    user = as_array(ratings.user_column)
    for codes, size in ((ratings.item, ratings.n_items), (user, ratings.n_users)):
        then = order_of_users(codes[order], size)
        order = order if then is None else order[then]
    user, item = user[order], ratings.item[order]
    same = (user[1:] == user[:-1]) & (item[1:] == item[:-1])
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if len(tied):
        # The pairs ascend already, so that only ratings of the same pair change places.
        by_value = np.lexsort((ratings.value_column[order[tied]], item[tied], user[tied]))
        order[tied] = order[tied[by_value]]
    return order


def _position_type(n: int) -> type[np.signedinteger[Any]]:
    return np.int32 if n <= _MOST_NARROW else np.int64


def repeated_pairs(ratings: CodedRatings) -> int:
    """How many ratings are of a (user, item) pair that was rated before."""
    if pairs_ascend(ratings):
        return 0
    everything = np.sort(_keys(ratings, 0, len(ratings.item)))
    return int(np.count_nonzero(everything[1:] == everything[:-1]))


def pairs_ascend(ratings: CodedRatings) -> bool:
    """Whether each pair is above the one before, by user and then item."""

    def ascends(here: slice) -> bool:
        keys = _keys(ratings, here.start, here.stop + 1)
        return bool((keys[1:] > keys[:-1]).all())

    # Files that are sorted show it without a sort, others in the first pieces.
    return all(in_order(ascends, pieces(len(ratings.item), _PIECE)))


def _keys(ratings: CodedRatings, start: int, stop: int) -> NDArray[np.int64]:
    user = ratings.user_column[start:stop].astype(np.int64)
    return user * ratings.n_items + ratings.item[start:stop]


def runs_of(user: Column[np.int32], n_users: int) -> UserRuns:
    """The same (n,) codes of users, which ascend, by where each one's ratings start."""
    if isinstance(user, UserRuns):
        return user
    # Of the same type, since NumPy would otherwise widen a copy of all the codes.
    starts = np.searchsorted(as_array(user), np.arange(n_users + 1, dtype=np.int32))
    return UserRuns(starts.astype(np.int64, copy=False))


def is_ascending(codes: Column[np.int32]) -> bool:
    """Whether (n,) codes never step down."""
    if isinstance(codes, UserRuns):
        return True
    found = (codes[start : start + _PIECE + 1] for start in range(0, len(codes), _PIECE))
    return all((piece[1:] >= piece[:-1]).all() for piece in found)
