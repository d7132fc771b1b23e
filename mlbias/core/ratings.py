"""Ratings as the core takes them: integer codes, values and the ids behind the codes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.errors import DataError

Codes = NDArray[np.int32]
Values = NDArray[np.floating[Any]]
Timestamps = NDArray[np.signedinteger[Any]]
# Distinct, ascending: int64, or text in NumPy's StringDType.
Ids = np.ndarray[tuple[int], np.dtype[np.int64]] | np.ndarray[tuple[int], np.dtypes.StringDType]

_PIECE = 1 << 16


@dataclass(frozen=True, slots=True, repr=False)
class Ratings:
    """Ratings, in any order; those that were read from a source are in that of their users.

    Args:
        user, item: (n,) codes into user_ids and item_ids.
        value: (n,) in the ratings' own units (stars); float32 where that is exact.
        user_ids, item_ids: (n_users,) and (n_items,) ids, each with at least one rating.
        timestamp: (n,) in the source's own units (mostly Unix seconds), None where unknown.
    """

    user: Codes
    item: Codes
    value: Values
    user_ids: Ids
    item_ids: Ids
    timestamp: Timestamps | None = None

    def __repr__(self) -> str:
        return (
            f"<Ratings: {len(self):,} of {len(self.user_ids):,} users "
            f"for {len(self.item_ids):,} items>"
        )

    def __len__(self) -> int:
        return len(self.value)

    @classmethod
    def from_ids(
        cls, users: Iterable[object], items: Iterable[object], values: Iterable[float]
    ) -> "Ratings":
        """Ratings from three columns of equal length, for data that is in Python already.

        Args:
            users: (n,) ids, integers or text.
            items: (n,) ids, alike.
            values: (n,) finite numbers.

        Raises:
            DataError: the lengths differ, there is no rating, or a value is not finite.
        """
        user_ids, user = np.unique(as_ids(users), return_inverse=True)
        item_ids, item = np.unique(as_ids(items), return_inverse=True)
        value = np.asarray(values if isinstance(values, np.ndarray) else list(values), np.float64)
        if not len(user) == len(item) == len(value):
            raise DataError(
                f"the columns differ in length: {len(user)} users, {len(item)} items, "
                f"{len(value)} ratings"
            )
        if len(value) == 0:
            raise DataError("there are no ratings")
        if not np.isfinite(value).all():
            row = int(np.flatnonzero(~np.isfinite(value))[0])
            raise DataError(f"rating {row} is {value[row]}, not a finite number")
        return cls(user.astype(np.int32), item.astype(np.int32), value, user_ids, item_ids)

    def by_user(self) -> "Ratings":
        """The same ratings, ascending by user; those of a user stay in their order."""
        if _ascending(self.user):
            return self
        from scipy.sparse import csr_array  # here, since files are mostly in this order already

        # SciPy's conversion is a stable counting sort: row k of this matrix is the k-th rating,
        # its column the user. An argsort takes ten times as long.
        n, n_users = len(self), len(self.user_ids)
        by_row = csr_array(
            (self.item, self.user, np.arange(n + 1, dtype=np.int32)), shape=(n, n_users)
        )
        by_user = by_row.tocsc()
        order = by_user.indices
        return Ratings(
            user=users_of(by_user.indptr),
            item=by_user.data,
            value=self.value[order],
            user_ids=self.user_ids,
            item_ids=self.item_ids,
            timestamp=None if self.timestamp is None else self.timestamp[order],
        )

    def select(self, chosen: NDArray[np.bool_]) -> "Ratings":
        """The ratings where ``chosen`` (n,) is true, without ids that have none left.

        Timestamps are left behind: they decide on splits, and after one nobody asks for them.
        """
        user, user_ids = _compact(self.user[chosen], self.user_ids)
        item, item_ids = _compact(self.item[chosen], self.item_ids)
        return Ratings(user, item, self.value[chosen], user_ids, item_ids)


def as_ids(values: Iterable[object]) -> Ids:
    """Integers as int64, anything else as text.

    Raises:
        DataError: it is one id and no column of them, or ids are floats or beyond 64 bits.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise DataError(f"expected a column of ids, such as a list, and found {values!r}")
    array = np.asarray(values if isinstance(values, np.ndarray) else list(values))
    if array.dtype.kind == "f" and len(array):
        raise DataError("ids are integers or text, not floats")
    if array.dtype.kind == "u" and len(array) and array.max() > np.iinfo(np.int64).max:
        raise DataError(f"id {array.max()} does not fit in 64 bits with a sign")
    if array.dtype.kind in "iubf":
        return array.astype(np.int64)
    return array.astype(np.dtypes.StringDType())


def positions(wanted: Ids, ids: Ids) -> Codes:
    """Where each of ``wanted`` (k,) stands in ``ids``, -1 where it does not.

    An integer and the same digits as text are the same id.
    """
    if wanted.dtype != ids.dtype:
        wanted, ids = (side.astype(np.dtypes.StringDType()) for side in (wanted, ids))
    order = np.argsort(ids, kind="stable")
    if len(ids) == 0:
        return np.full(len(wanted), -1, dtype=np.int32)
    place = np.searchsorted(ids, wanted, sorter=order)
    candidate = order[np.minimum(place, len(ids) - 1)]
    return np.where(ids[candidate] == wanted, candidate, -1).astype(np.int32)


def repeated_pairs(ratings: Ratings) -> int:
    """How many ratings are of a (user, item) pair that was rated before."""
    n_items = len(ratings.item_ids)

    def keys(start: int, stop: int) -> NDArray[np.int64]:
        return ratings.user[start:stop].astype(np.int64) * n_items + ratings.item[start:stop]

    # Files that are sorted by user and item show it without a sort, in pieces that fit a cache.
    starts = range(0, len(ratings), _PIECE)
    pieces = (keys(start, start + _PIECE + 1) for start in starts)
    if all((piece[1:] > piece[:-1]).all() for piece in pieces):
        return 0
    everything = np.sort(keys(0, len(ratings)))
    return int(np.count_nonzero(everything[1:] == everything[:-1]))


def users_of(starts: NDArray[np.integer[Any]]) -> Codes:
    """(n,) codes of the users whose ratings start there; starts is (n_users + 1,), n last."""
    return np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))


def _ascending(codes: Codes) -> bool:
    pieces = (codes[start : start + _PIECE + 1] for start in range(0, len(codes), _PIECE))
    return all((piece[1:] >= piece[:-1]).all() for piece in pieces)


def _compact(codes: Codes, ids: Ids) -> tuple[Codes, Ids]:
    used = np.zeros(len(ids), dtype=np.bool_)
    used[codes] = True
    if used.all():
        return codes, ids
    new_code = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return new_code[codes], ids[used]
