"""Runs of ratings to columns in files: the largest part of a prepared copy."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlbias.core.ratings import Codes, Values
from mlbias.core.vectors import FloatArray
from mlbias.datasets.column_file import ColumnFile, mapped
from mlbias.datasets.new_folder import NewFolder
from mlbias.datasets.reading.equal_columns import EqualColumns
from mlbias.datasets.reading.merge import Merge
from mlbias.ids import Ids
from mlbias.number_columns import Timestamps

# Called with the ratings sorted so far and in all.
Sorting = Callable[[int, int], None]

# The file of values as they are read.
RATINGS = "ratings.npy"


@dataclass(frozen=True, slots=True)
class SortedRatings:
    """Ratings on disk, ascending by user, item and value.

    Attributes:
        user_ids: (n_users,) distinct ids, ascending.
        item_ids: (n_items,) likewise.
        user_counts: (n_users,) ratings of each user.
        item: (n,) codes of the items, mapped.
        value: (n,) ratings, mapped.
        timestamp: (n,) Unix seconds, mapped; None where they cannot be used.
        n_repeated: how many were of a pair that already had one.
        first_double: the first of these pairs, None where it does not matter.
        equal: has looked at all ratings.
    """

    user_ids: Ids
    item_ids: Ids
    user_counts: FloatArray
    item: Codes
    value: Values
    timestamp: Timestamps | None
    n_repeated: int
    first_double: tuple[object, object] | None
    equal: EqualColumns


def written(merge: Merge, folder: NewFolder, sorting: Sorting | None = None) -> SortedRatings:
    """Write the columns item.npy, ratings.npy and timestamp.npy to a folder.

    Args:
        merge: of runs.
        folder: where to.
        sorting: called now and then.

    Raises:
        OSError: they cannot be written.
    """
    n_repeated, n, first, equal = 0, 0, None, EqualColumns()
    counts = np.zeros(len(merge.user_ids))
    with ExitStack() as files:

        def column(name: str, dtype: np.dtype[Any]) -> ColumnFile:
            return files.enter_context(folder.column(name, dtype))

        item = column("item.npy", np.dtype(np.int32))
        value = column(RATINGS, merge.value_type)
        time = None if merge.scale is None else column("timestamp.npy", merge.scale.seconds_type)
        for block in merge.blocks():
            ratings = block.ratings
            item.append(ratings.item)
            value.append(ratings.value)
            if time is not None and ratings.timestamp is not None:
                time.append(ratings.timestamp)
            here = slice(block.first, block.first + ratings.n_users)
            counts[here] += np.bincount(ratings.user, minlength=ratings.n_users)
            equal.look(ratings)
            first = min(filter(None, (first, block.first_double)), default=None)
            n_repeated, n = n_repeated + block.n_repeated, n + block.n_read
            if sorting:
                sorting(n, merge.n_ratings)
    return SortedRatings(
        merge.user_ids,
        merge.item_ids,
        counts,
        mapped(folder.path / "item.npy"),
        mapped(folder.path / RATINGS),
        None if time is None else mapped(folder.path / "timestamp.npy"),
        n_repeated,
        first and first[2:],
        equal,
    )
