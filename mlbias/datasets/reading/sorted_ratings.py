"""Runs of ratings to columns in files: the largest part of a prepared copy."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlbias.core.ratings import Values
from mlbias.core.vectors import FloatArray
from mlbias.datasets.column_file import ColumnFile, mapped
from mlbias.datasets.new_folder import NewFolder
from mlbias.datasets.reading.equal_columns import EqualColumns
from mlbias.datasets.reading.merge import Merge
from mlbias.datasets.value_steps import STEPS, counted
from mlbias.ids import Ids

# Called with the ratings sorted so far and in all.
Sorting = Callable[[int, int], None]

# The file of values as they are read.
RATINGS = "ratings.npy"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class SortedRatings:
    """Ratings on disk, ascending by user, item and value.

    Attributes:
        user_ids: (n_users,) distinct ids, ascending.
        item_ids: (n_items,) likewise.
        user_counts: (n_users,) ratings of each user.
        value_type: of the ratings.
        has_times: whether the source has times that can be used.
        n_repeated: how many were of a pair that already had one.
        first_double: the first of these pairs, None where it does not matter.
        equal: has looked at all ratings.
    """

    user_ids: Ids
    item_ids: Ids
    user_counts: FloatArray
    value_type: np.dtype[Any]
    has_times: bool
    n_repeated: int
    first_double: tuple[object, object] | None
    equal: EqualColumns

    def __len__(self) -> int:
        return int(self.user_counts.sum())


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
        value.dtype,
        time is not None,
        n_repeated,
        first and first[2:],
        equal,
    )


def write_values(folder: NewFolder) -> int | None:
    """Write ratings as counts of steps where they are such; the steps that make 1."""
    path = folder.path / RATINGS
    found = _write_steps(folder, mapped(path))
    # What is mapped can be neither removed nor renamed on Windows.
    if found is None:
        path.rename(folder.path / "value.npy")
    else:
        path.unlink()
    return found


def _write_steps(folder: NewFolder, value: Values) -> int | None:
    for steps in STEPS:
        with folder.column("value.npy", np.dtype(np.uint8)) as file:
            for start in range(0, len(value), _PIECE):
                found = counted(value[start : start + _PIECE], steps)
                if found is None:
                    break
                file.append(found.counts)
            else:
                return steps
        (folder.path / "value.npy").unlink()
    return None
