"""Ratings with the ids behind their codes: what is read, split, trained on and scored."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlbias.core.chosen import (
    chosen_codes,
    chosen_entries,
    chosen_users,
    chosen_values,
    counts_of_users,
)
from mlbias.core.compact import Column, UserRuns, as_array
from mlbias.core.ratings import Codes, Values, order_of_pairs, order_of_users, runs_of
from mlbias.errors import DataError
from mlbias.id_columns import column_of_ids
from mlbias.ids import Ids, distinct
from mlbias.number_columns import Timestamps, column_of_numbers, narrowed_times

# A table of pandas, Polars, PyArrow, DuckDB or whatever speaks Arrow's PyCapsule interface.
Frame: TypeAlias = Any


@dataclass(frozen=True, slots=True, repr=False)
class Ratings:
    """Ratings, in any order; those that were read from a source ascend by user and item.

    Attributes:
        user_column: (n,) codes into user_ids, as ``user`` or in fewer bytes.
        item: (n,) codes into item_ids.
        value_column: (n,) in the ratings' own units, as ``value`` or in fewer bytes.
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

    user_column: Column[np.int32]
    item: Codes
    value_column: Column[np.floating[Any]]
    user_ids: Ids
    item_ids: Ids
    timestamp: Timestamps | None = None
    untimed: str = ""

    def __repr__(self) -> str:
        return f"<Ratings: {len(self):,} of {self.n_users:,} users for {self.n_items:,} items>"

    def __len__(self) -> int:
        return len(self.item)

    @property
    def user(self) -> Codes:
        """(n,) codes into user_ids."""
        return as_array(self.user_column)

    @property
    def value(self) -> Values:
        """(n,) in the ratings' own units (stars); float32 where that is exact."""
        return as_array(self.value_column)

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
        value = column_of_numbers(values, "rating")
        time = None if timestamps is None else column_of_numbers(timestamps, "time")
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
        order = order_of_users(self.user_column, self.n_users)
        found = self if order is None else self._picked(order)
        return replace(found, user_column=runs_of(found.user_column, self.n_users))

    def by_pair(self) -> "Ratings":
        """The same ratings, ascending by user, item and value, whatever their order was."""
        order = order_of_pairs(self)
        return self if order is None else self._picked(order)

    def select(self, chosen: Column[np.bool_]) -> "Ratings":
        """The ratings where ``chosen`` (n,) is true, without ids that have none left."""
        users = chosen_users(self, chosen)
        items = chosen_codes(self.item, self.n_items, chosen)
        time = self.timestamp
        return Ratings(
            users.codes,
            as_array(items.codes),
            chosen_values(self.value_column, chosen),
            used_ids(self.user_ids, users.is_used),
            used_ids(self.item_ids, items.is_used),
            None if time is None else chosen_entries(time, chosen),
            self.untimed,
        )

    def where(self, chosen: Column[np.bool_]) -> "Ratings":
        """The ratings where ``chosen`` (n,) is true, in the order of users, with all ids."""
        counts = counts_of_users(runs_of(self.user_column, self.n_users), chosen)
        return Ratings(
            UserRuns.of_counts(counts),
            chosen_entries(self.item, chosen),
            chosen_values(self.value_column, chosen),
            self.user_ids,
            self.item_ids,
        )

    def used(self) -> "Ratings":
        """The same ratings, in the order of users, without ids that have none."""
        counts = np.diff(runs_of(self.user_column, self.n_users).starts)
        items = np.bincount(self.item, minlength=self.n_items) > 0
        new_code = np.cumsum(items, dtype=np.int32) - np.int32(1)
        return replace(
            self,
            user_column=UserRuns.of_counts(counts[counts > 0]),
            item=new_code.take(self.item),
            user_ids=used_ids(self.user_ids, counts > 0),
            item_ids=used_ids(self.item_ids, items),
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


def as_ratings(ratings: Ratings | Frame) -> Ratings:
    """Ratings as they are, or those of a frame whose columns have usual names.

    Raises:
        DataError: it is neither, or see Ratings.from_frame.
    """
    return ratings if isinstance(ratings, Ratings) else Ratings.from_frame(ratings)


def used_ids(ids: Ids, is_used: NDArray[np.bool_]) -> Ids:
    """The ids where a mask is true."""
    return ids if is_used.all() else ids[is_used]
