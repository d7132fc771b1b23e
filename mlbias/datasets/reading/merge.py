"""Runs of ratings on disk as one set again, a range of users after the other."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import Codes, Values, is_ascending
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.duplicates import first_double, one_of_each
from mlbias.datasets.reading.encode import RawTimes
from mlbias.datasets.reading.in_order import in_order
from mlbias.datasets.reading.runs import Run, Runs
from mlbias.datasets.reading.stored_ids import number_ids
from mlbias.datasets.reading.told_times import TimeScale
from mlbias.datasets.scratch import Scratch, Stored
from mlbias.ratings import Ratings

# What a rating takes while its block is merged.
_BYTES_PER_RATING = 96
_LEAST_BLOCK, _BLOCK = 1 << 14, 1 << 19


@dataclass(frozen=True, slots=True)
class Block:
    """All ratings of some users.

    Attributes:
        ratings: ascending by user, item and value, with all item ids and the ids of these users.
        n_read: how many there were before those of the same pair became one.
        n_repeated: how many were of a pair that already had one.
        first_double: the first pair that had several, None where there is none.
    """

    ratings: Ratings
    n_read: int
    n_repeated: int
    first_double: tuple[object, object] | None


class Merge:
    """The ratings of runs with codes into the ids of all of them.

    Args:
        runs: at least one.
        options: which ratings of a pair count that has several.
        text_ids: roles whose ids are text even if those of every run are integers.
        scale: how times become seconds; None where they cannot be used.

    Raises:
        DataError: there are more distinct ids than int32 codes.
        OSError: codes cannot be written.
    """

    def __init__(
        self,
        runs: Runs,
        options: ReadOptions,
        text_ids: Collection[str],
        scale: TimeScale | None,
    ) -> None:
        self._options, self.scale = options, scale
        self._threads, self._n_bytes = runs.threads, runs.room.n_bytes
        # The ids themselves have to fit too.
        scratch, room = runs.scratch, runs.room.n_bytes // 4
        keys = [run.user_ids for run in runs.runs], [run.item_ids for run in runs.runs]
        self.user_ids, users = number_ids(keys[0], are_text="user" in text_ids, n_bytes=room)
        self.item_ids, items = number_ids(keys[1], are_text="item" in text_ids, n_bytes=room)
        self._runs = [
            run
            for found, user, item in zip(runs.runs, users, items, strict=True)
            for run in _sorted(scratch, found, user, item, timed=scale is not None)
        ]
        self.value_type = np.result_type(*(run.value for run in self._runs))
        self.n_ratings = sum(len(run.item) for run in self._runs)

    def blocks(self) -> Iterator[Block]:
        """All ratings, a range of users after the other."""
        cuts = self._cuts()
        places = [np.searchsorted(run.users, cuts.astype(np.int32)) for run in self._runs]

        def block(number: int) -> Block:
            first, last = int(cuts[number]), int(cuts[number + 1])
            return self._block(first, last, [place[number : number + 2] for place in places])

        yield from in_order(block, range(len(cuts) - 1), self._threads)

    def _cuts(self) -> NDArray[np.int64]:
        """The first user of each block, and how many users there are."""
        counts = np.zeros(len(self.user_ids), np.int64)
        for run in self._runs:
            counts[run.users] += np.diff(run.starts)[run.order]
        # A block for each thread, the next ones, and those that are being written.
        most = self._n_bytes // (_BYTES_PER_RATING * (self._threads + 2))
        # To sort a block by item takes a pass over all items, and is quickest within the cache.
        most = max(min(most, max(_BLOCK, len(self.item_ids) // 4)), _LEAST_BLOCK)
        ends = np.cumsum(counts)
        cuts = np.searchsorted(ends, np.arange(most, self.n_ratings, most), side="right")
        return np.unique([0, *cuts.tolist(), len(counts)])

    def _block(self, first: int, last: int, places: list[NDArray[np.intp]]) -> Block:
        parts = [
            run.ratings_of(int(start), int(stop))
            for run, (start, stop) in zip(self._runs, places, strict=True)
            if start < stop
        ]
        user, item, value, *time = (np.concatenate(column) for column in zip(*parts, strict=True))
        in_rows = Ratings(
            user - np.int32(first),
            item,
            value.astype(self.value_type, copy=False),
            self.user_ids[first:last],
            self.item_ids,
            None if self.scale is None else self.scale.seconds(time[0]),
        )
        ratings = in_rows.by_pair()
        n, n_repeated = len(ratings), _repeated(ratings)
        if n_repeated == 0 or self._options.duplicates == "keep":
            return Block(ratings, n, n_repeated, None)
        in_rows = in_rows.by_user()
        if self._options.duplicates == "error":
            return Block(ratings, n, n_repeated, first_double(in_rows))
        return Block(one_of_each(in_rows, self._options).by_pair(), n, n_repeated, None)


def _repeated(ratings: Ratings) -> int:
    """How many ratings are of the same pair as the one before."""
    is_same = (ratings.user[1:] == ratings.user[:-1]) & (ratings.item[1:] == ratings.item[:-1])
    return int(np.count_nonzero(is_same))


def _sorted(
    scratch: Scratch, run: Run, user_codes: Stored, item_codes: Stored, *, timed: bool
) -> Iterator["_Sorted"]:
    users, items = scratch.array(user_codes), scratch.array(item_codes)
    # Of most runs the users are in the order of all ids already.
    order = slice(None) if is_ascending(users) else np.argsort(users)
    for stretch in run.stretches:
        time = stretch.time if timed else None
        yield _Sorted(
            users[order],
            order,
            items,
            scratch.array(stretch.starts),
            scratch.array(stretch.item),
            scratch.array(stretch.value),
            None if time is None else scratch.array(time),
        )


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A stretch of a run with its users in the order of all ids.

    Attributes:
        users: (n,) codes of its users among all.
        order: where each is in the order of the run.
        items: codes of its items among all.
        starts: see Stretch, as the rest.
    """

    users: Codes
    order: Any
    items: Codes
    starts: NDArray[np.int64]
    item: Codes
    value: Values
    time: RawTimes | None

    def ratings_of(self, start: int, stop: int) -> tuple[NDArray[Any], ...]:
        """Users, items, ratings and times of the users from one place to another."""
        here: Any
        users = self.users[start:stop]
        if isinstance(self.order, slice):
            starts = self.starts[start : stop + 1]
            here, counts = slice(starts[0], starts[-1]), np.diff(starts)
        else:
            chosen = self.order[start:stop]
            counts = self.starts[chosen + 1] - self.starts[chosen]
            shifts = self.starts[chosen] - (np.cumsum(counts) - counts)
            here = np.arange(counts.sum()) + np.repeat(shifts, counts)
        # Every code is in range; "clip" only spares NumPy the check.
        item = self.items.take(self.item[here], mode="clip")
        columns = np.repeat(users, counts), item, self.value[here]
        return columns if self.time is None else (*columns, self.time[here])
