"""Ratings that do not fit into memory, in runs on disk: each is a stretch of the source, sorted.

A run has what a source of its own would come to: its distinct ids, ascending, and its ratings in
the order of users with codes into these ids. Those of a user stay in the order of the source.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import order_of_users
from mlbias.datasets.new_folder import NewFolder
from mlbias.datasets.reading.encode import RatingsBuilder, RawTimes
from mlbias.datasets.reading.stored_ids import StoredIds, store_ids
from mlbias.datasets.scratch import Scratch, Stored
from mlbias.ratings import Ratings

# What ratings take while they are joined and sorted, for each byte that they take before.
_PEAK = 3
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """What may be taken of memory and disk while ratings are read.

    Attributes:
        n_bytes: of memory for ratings; those that take more go to disk.
        folder: gives the folder for what goes there, which is made when it is needed.
    """

    n_bytes: int
    folder: Callable[[], NewFolder]


@dataclass(frozen=True, slots=True)
class Run:
    """Where the columns of a run are.

    Attributes:
        user_ids: distinct ids.
        item_ids: likewise.
        starts: (n_users + 1,) where each user's ratings start, n last.
        item: (n,) codes of the items.
        value: (n,) ratings.
        time: (n,) as they stand in the source; None where one is missing.
    """

    user_ids: StoredIds
    item_ids: StoredIds
    starts: Stored
    item: Stored
    value: Stored
    time: Stored | None


class Runs:
    """The runs of a source.

    Args:
        room: where they go to.
        threads: how many work at a time.
    """

    def __init__(self, room: DiskRoom, threads: int) -> None:
        self.room, self.threads = room, threads
        self.runs: list[Run] = []

    @property
    def scratch(self) -> Scratch:
        """What holds their columns."""
        return self.room.folder().scratch

    def times(self) -> list[RawTimes] | None:
        """Those of each run as they stand in the source; None where one is missing."""
        found = [self.scratch.array(run.time) for run in self.runs if run.time is not None]
        return found if len(found) == len(self.runs) else None

    def are_due(self, builder: RatingsBuilder) -> bool:
        """Whether the ratings in memory are as many as may be there."""
        return builder.n_bytes * _PEAK > self.room.n_bytes

    def settle(self, builder: RatingsBuilder, text_ids: Collection[str]) -> None:
        """Write a run.

        Args:
            builder: has its ratings, which it gives away.
            text_ids: roles whose ids are known to be text.

        Raises:
            OSError: it cannot be written.
        """
        ratings, times = builder.finish(self.threads, text_ids)
        self.runs.append(_written(self.scratch, ratings, times))


def _written(scratch: Scratch, ratings: Ratings, times: NDArray[Any] | None) -> Run:
    order = order_of_users(ratings.user, ratings.n_users)
    counts = np.bincount(ratings.user, minlength=ratings.n_users)
    starts = np.concatenate([[0], np.cumsum(counts)])

    def sorted_column(column: NDArray[Any]) -> Stored:
        return scratch.append(_in_order(column, order), column.dtype, len(column))

    return Run(
        store_ids(scratch, ratings.user_ids),
        store_ids(scratch, ratings.item_ids),
        scratch.append([starts], starts.dtype, len(starts)),
        sorted_column(ratings.item),
        sorted_column(ratings.value),
        None if times is None else sorted_column(times),
    )


def _in_order(column: NDArray[Any], order: NDArray[Any] | None) -> Iterator[NDArray[Any]]:
    for start in range(0, len(column), _PIECE):
        here = slice(start, start + _PIECE)
        yield column[here] if order is None else column[order[here]]
