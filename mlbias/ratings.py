"""Ratings with the ids behind their codes: what is read, split, trained on and scored."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlbias.core.passes import done, pieces
from mlbias.core.ratings import Codes, Values, order_of_pairs, order_of_users
from mlbias.errors import DataError
from mlbias.id_columns import column_of_ids, is_missing
from mlbias.ids import Ids, distinct

# Unix seconds: integers where all are whole, else floats.
Timestamps = NDArray[np.signedinteger[Any]] | NDArray[np.float64]
# A table of pandas, Polars, PyArrow, DuckDB or whatever speaks Arrow's PyCapsule interface.
Frame: TypeAlias = Any

_PIECE = 1 << 18


@dataclass(frozen=True, slots=True, repr=False)
class Ratings:
    """Ratings, in any order; those that were read from a source ascend by user and item.

    Attributes:
        user: (n,) codes into user_ids.
        item: (n,) codes into item_ids.
        value: (n,) in the ratings' own units (stars); float32 where that is exact.
        user_ids: (n_users,) distinct ids, ascending, each with at least one rating: a NumPy array
            of int64, or TextIds.
        item_ids: (n_items,) ids of the items, likewise.
        timestamp: (n,) times in Unix seconds, None where unknown.
        untimed: why there are no times where the source has some, such as "ratings.csv, line 4 has
            none".

    Example:
        >>> from mlbias import Ratings
        >>> ratings = Ratings.from_ids(["ann", "bob", "ann"], [10, 10, 20], [4, 2, 5])
        >>> ratings.n_users, ratings.value.tolist()
        (2, [4.0, 2.0, 5.0])
    """

    user: Codes
    item: Codes
    value: Values
    user_ids: Ids
    item_ids: Ids
    timestamp: Timestamps | None = None
    untimed: str = ""

    def __repr__(self) -> str:
        return f"<Ratings: {len(self):,} of {self.n_users:,} users for {self.n_items:,} items>"

    def __len__(self) -> int:
        return len(self.value)

    @property
    def n_users(self) -> int:
        """Distinct users."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """Distinct items."""
        return len(self.item_ids)

    @classmethod
    def from_ids(
        cls,
        users: Iterable[object],
        items: Iterable[object],
        values: Iterable[float],
        timestamps: Iterable[float | datetime] | None = None,
    ) -> "Ratings":
        """Ratings from columns of equal length, for data that are in Python already.

        Args:
            users: (n,) ids, integers or text.
            items: (n,) ids, likewise.
            values: (n,) finite numbers.
            timestamps: (n,) times in Unix seconds, as datetime (UTC where it names no zone) or as
                datetime64, if there are any.

        Raises:
            DataError: the lengths differ, there is no rating, or an id, a value or a time is
                missing or of a wrong type; the message names the row, counted from 0.

        Example:
            >>> Ratings.from_ids(["ann", "bob", "ann"], [10, 10, 20], [4, 2, 5])
            <Ratings: 3 of 2 users for 2 items>
        """
        user_ids, user = distinct(column_of_ids(users, "user"))
        item_ids, item = distinct(column_of_ids(items, "item"))
        value = _numbers(values, "rating")
        time = None if timestamps is None else _numbers(timestamps, "time")
        lengths = {"users": len(user), "items": len(item), "ratings": len(value)}
        lengths |= {} if time is None else {"times": len(time)}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{length} {name}" for name, length in lengths.items())
            raise DataError(f"the columns differ in length: {listed}")
        if len(value) == 0:
            raise DataError("there are no ratings")
        return cls(
            user.astype(np.int32),
            item.astype(np.int32),
            value,
            user_ids,
            item_ids,
            None if time is None else narrowed_times(time),
        )

    @classmethod
    def from_frame(
        cls,
        frame: Frame,
        *,
        user: str | None = None,
        item: str | None = None,
        rating: str | None = None,
        time: str | None = None,
    ) -> "Ratings":
        """Ratings from a frame of pandas, Polars, PyArrow, DuckDB or whatever speaks Arrow.

        Args:
            frame: with a row for each rating.
            user: name of the users' column, where it has no usual one such as user_id.
            item: of the items', likewise.
            rating: of the ratings', likewise.
            time: of the times', likewise; numbers or dates.

        Raises:
            DataError: it is no frame, lacks a column, or a value is missing or of a wrong type;
                the message names the row, counted from 0.
            OptionError: a named column is not there.

        Example:
            >>> import polars as pl
            >>> frame = pl.DataFrame({"who": ["ann", "bob"], "item": [10, 20], "rating": [4, 5]})
            >>> Ratings.from_frame(frame, user="who")
            <Ratings: 2 of 2 users for 2 items>
        """
        from mlbias.datasets.frames import ratings_of_frame

        asked = {"user": user, "item": item, "rating": rating, "time": time}
        return ratings_of_frame(frame, asked)

    def by_user(self) -> "Ratings":
        """The same ratings, ascending by user; those of a user stay in their order."""
        order = order_of_users(self.user, self.n_users)
        return self if order is None else self._picked(order)

    def by_pair(self) -> "Ratings":
        """The same ratings, ascending by user, item and value, whatever their order was."""
        order = order_of_pairs(self)
        return self if order is None else self._picked(order)

    def select(self, chosen: NDArray[np.bool_]) -> "Ratings":
        """The ratings where ``chosen`` (n,) is true, without ids that have none left."""
        columns = [self.user, self.item, self.value]
        columns += [] if self.timestamp is None else [self.timestamp]
        used = [np.zeros(size, np.bool_) for size in (self.n_users, self.n_items)]
        user, item, value, *time = _chosen(columns, chosen, used)
        user_ids = _compacted(user, self.user_ids, used[0])
        item_ids = _compacted(item, self.item_ids, used[1])
        times = time[0] if time else None
        return Ratings(user, item, value, user_ids, item_ids, times, self.untimed)

    def rest(self, kept: NDArray[np.bool_]) -> "Rest":
        """What an incidence needs of the ratings where ``kept`` (n,) is true.

        The ratings are in the order of users, and stay so. Neither users nor values are copied.
        """
        users = np.arange(self.n_users + 1, dtype=np.int32)
        starts = np.searchsorted(self.user, users)
        counts = np.add.reduceat(kept, starts[:-1], dtype=np.int64)
        is_used = np.zeros(self.n_items, np.bool_)
        (item,) = _chosen([self.item], kept, [is_used])
        return Rest(
            self.user_ids if counts.all() else self.user_ids[counts > 0],
            _compacted(item, self.item_ids, is_used),
            item,
            counts[counts > 0].astype(np.float64),
            lambda: _chosen([self.value], kept)[0],
        )

    def _picked(self, places: NDArray[np.integer[Any]]) -> "Ratings":
        """The ratings at these places, in their order, with all ids."""
        return Ratings(
            self.user[places],
            self.item[places],
            self.value[places],
            self.user_ids,
            self.item_ids,
            None if self.timestamp is None else self.timestamp[places],
            self.untimed,
        )


@dataclass(frozen=True, slots=True)
class Rest:
    """What an incidence needs of ratings in the order of users.

    Attributes:
        user_ids, item_ids: (n_users,) and (n_items,) ids, each with a rating.
        item: (n,) codes of the items.
        user_counts: (n_users,) ratings of each user.
        values: gives the (n,) ratings.
    """

    user_ids: Ids
    item_ids: Ids
    item: Codes
    user_counts: NDArray[np.float64]
    values: Callable[[], Values]


def as_ratings(ratings: Ratings | Frame) -> Ratings:
    """Ratings as they are, or those of a frame whose columns have usual names.

    Raises:
        DataError: it is neither, or see Ratings.from_frame.
    """
    return ratings if isinstance(ratings, Ratings) else Ratings.from_frame(ratings)


def narrowed_times(seconds: NDArray[np.float64]) -> Timestamps:
    """Unix seconds (n,) as int32 or int64 where all are whole and fit, else as they are."""
    with np.errstate(invalid="ignore"):
        whole = seconds.astype(np.int64)
    if not (whole == seconds).all():
        return seconds
    narrow = whole.astype(np.int32)
    return narrow if (narrow == whole).all() else whole


def _numbers(values: Any, what: str) -> NDArray[np.float64]:
    """A column of finite numbers, (n,)."""
    if np.ma.isMaskedArray(values):
        values = values.filled(np.nan) if values.dtype.kind == "f" else values.tolist()
    if not isinstance(values, np.ndarray):
        values = np.asarray(values) if hasattr(values, "__array__") else list(values)
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        micro = values.astype("datetime64[us]")
        values = np.where(np.isnat(micro), np.nan, micro.astype(np.int64) / 1e6)
    if isinstance(values, list) or values.dtype.kind not in "iuf":
        values = [_number(value, row, what) for row, value in enumerate(values)]
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise DataError(f"the {what}s have {numbers.ndim} dimensions; expected a single column")
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        if np.isnan(numbers[row]):
            raise DataError(f"row {row}: the {what} is missing")
        raise DataError(f"row {row}: the {what} is {numbers[row]}, not a finite number")
    return numbers


def _number(value: object, row: int, what: str) -> float:
    if is_missing(value):
        raise DataError(f"row {row}: the {what} is missing")
    if isinstance(value, datetime) and what == "time":
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool | np.bool_ | str | bytes):
        raise DataError(f"row {row}: the {what} is {value!r}, not a number")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(f"row {row}: the {what} is {value!r}, not a number") from None


def _chosen(
    columns: Sequence[NDArray[Any]],
    chosen: NDArray[np.bool_],
    used: Sequence[NDArray[np.bool_]] = (),
) -> list[NDArray[Any]]:
    """The entries of (n,) columns where ``chosen`` (n,) is true, on all cores.

    Args:
        columns: codes first.
        chosen: which entries.
        used: for each column of codes, which of them occur, to be filled in.
    """
    everywhere = pieces(len(chosen), _PIECE)
    numbers = [int(np.count_nonzero(chosen[here])) for here in everywhere]
    starts = np.concatenate([[0], np.cumsum(numbers)]).tolist()
    found = [np.empty(starts[-1], column.dtype) for column in columns]

    def choose(k: int) -> None:
        is_chosen, to = chosen[everywhere[k]], slice(starts[k], starts[k + 1])
        for column, out in zip(columns, found, strict=True):
            out[to] = column[everywhere[k]][is_chosen]
        for codes, is_used in zip(found, used, strict=False):
            is_used[codes[to]] = True

    done(choose, range(len(everywhere)))
    return found


def _compacted(codes: Codes, ids: Ids, used: NDArray[np.bool_]) -> Ids:
    """The ids that are used; (n,) codes are made places among these."""
    if used.all():
        return ids
    new_code = np.cumsum(used, dtype=np.int32) - np.int32(1)

    def renumber(here: slice) -> None:
        codes[here] = new_code[codes[here]]

    done(renumber, pieces(len(codes), _PIECE))
    return ids[used]
