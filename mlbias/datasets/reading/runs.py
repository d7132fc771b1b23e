"""Ratings that do not fit into memory, in runs on disk: each is a stretch of the source, sorted.

A run has what a source of its own would come to: its distinct ids, ascending, and its ratings with
codes into these ids. They are in the order of users, and those of a user in that of the source.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlbias.core.compact import Column, UserRuns
from mlbias.core.cores import usable_cores
from mlbias.core.passes import pieces
from mlbias.core.ratings import order_of_users
from mlbias.datasets.new_folder import NewFolder, sorting_in
from mlbias.datasets.reading.encode import EncodedChunk, RatingsBuilder, RawTimes
from mlbias.datasets.reading.in_order import in_order
from mlbias.datasets.reading.stored_ids import StoredIds, store_ids
from mlbias.datasets.scratch import Scratch, Stored
from mlbias.memory import part_size, return_large_blocks, room_for_ratings, threads_within
from mlbias.ratings import Ratings

# What ratings take for each byte that they take while they are read: at most while a run of them is
# sorted, where all of them are, by pairs, and where they are in order already.
_PEAK, _PEAK_OF_PAIRS, _PEAK_IN_ORDER = 3, 4, 1.5
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """What may be taken of memory and disk while ratings are read.

    Attributes:
        n_bytes: of memory for ratings; those that take more go to disk.
        part_size: see Stream.
        threads: how many work at a time.
        folder: gives the folder for what goes there, which is made when it is needed.
    """

    n_bytes: int
    part_size: int
    threads: int
    folder: Callable[[], NewFolder]

    @classmethod
    def within(cls, limit: int, threads: int | None, folder: Callable[[], NewFolder]) -> "DiskRoom":
        """What a limit leaves of memory; by default for a thread for each core."""
        threads = threads_within(limit, threads or usable_cores())
        return cls(room_for_ratings(limit), part_size(limit, threads), threads, folder)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where the columns of some ratings are, in the order of users.

    Attributes:
        starts: (n_users + 1,) where each user's ratings start, n last.
        item: (n,) codes of the items.
        value: (n,) ratings.
        time: (n,) as they stand in the source; None where one is missing.
    """

    starts: Stored
    item: Stored
    value: Stored
    time: Stored | None


@dataclass(frozen=True, slots=True)
class Run:
    """What was in memory at a time.

    Attributes:
        user_ids: distinct ids.
        item_ids: likewise.
        stretches: its ratings, in stretches that were sorted side by side.
    """

    user_ids: StoredIds
    item_ids: StoredIds
    stretches: Sequence[Stretch]


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
        """Those of each stretch as they stand in the source; None where one is missing."""
        stretches = [stretch for run in self.runs for stretch in run.stretches]
        found = [self.scratch.array(each.time) for each in stretches if each.time is not None]
        return found if len(found) == len(stretches) else None

    def are_due(self, builder: RatingsBuilder, chunk: EncodedChunk) -> bool:
        """Whether the ratings in memory go to disk before a chunk comes to them."""
        if builder.goes_on(chunk):
            return builder.n_bytes_in_order * _PEAK_IN_ORDER > self.room.n_bytes
        return builder.n_bytes * _PEAK > self.room.n_bytes

    def have_room_for(self, n_bytes: int) -> bool:
        """Whether ratings of so many bytes can be sorted in memory."""
        return n_bytes * _PEAK_OF_PAIRS <= self.room.n_bytes

    def settle(self, builder: RatingsBuilder, text_ids: Collection[str]) -> None:
        """Write a run.

        Args:
            builder: has its ratings, which it gives away.
            text_ids: roles whose ids are known to be text.

        Raises:
            DataError: it cannot be written.
        """
        if not self.runs:
            return_large_blocks()
        # In order they fit only as they are; text among all ids they become when runs are merged.
        found = builder.finish(self.threads, () if builder.pairs_ascend else text_ids)
        self.add(found.ratings, found.times)

    def add(self, ratings: Ratings, times: RawTimes | None) -> None:
        """Write a run of these ratings.

        Raises:
            DataError: it cannot be written.
        """
        with sorting_in(self.room.folder().path.parent):
            self.runs.append(self._written(ratings, times))

    def _written(self, ratings: Ratings, times: RawTimes | None) -> Run:
        cuts = np.linspace(0, len(ratings), self.threads + 1).astype(int).tolist()

        def settled(number: int) -> Stretch:
            return _settled(self.scratch, ratings, times, slice(cuts[number], cuts[number + 1]))

        user_ids = store_ids(self.scratch, ratings.user_ids)
        item_ids = store_ids(self.scratch, ratings.item_ids)
        stretches = list(in_order(settled, range(self.threads), self.threads))
        return Run(user_ids, item_ids, stretches)


def _settled(scratch: Scratch, ratings: Ratings, times: RawTimes | None, here: slice) -> Stretch:
    """Sort and write the ratings in a place."""
    first, n, user = here.start, here.stop - here.start, ratings.user_column
    order = None
    if isinstance(user, UserRuns):
        starts = user.starts.clip(first, here.stop) - first
    else:
        codes = user[here]
        order = order_of_users(codes, ratings.n_users)
        starts = UserRuns.of_counts(np.bincount(codes, minlength=ratings.n_users)).starts

    def in_order_of_users(column: Column[Any]) -> Stored:
        stored = scratch.reserve(column.dtype, n)
        for piece in pieces(n, _PIECE):
            at: Any = slice(first + piece.start, first + piece.stop)
            scratch.write(
                stored, piece.start, column[at if order is None else order[piece] + first]
            )
        return stored

    return Stretch(
        scratch.append(starts),
        in_order_of_users(ratings.item),
        in_order_of_users(ratings.value_column),
        None if times is None else in_order_of_users(times),
    )
