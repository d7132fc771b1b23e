"""Runs of ratings on disk as one set again, a range of users after the other."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.duplicates import first_double, one_of_each, pair_of
from mlbias.datasets.reading.in_order import in_order
from mlbias.datasets.reading.runs import Runs
from mlbias.datasets.reading.sorted_stretch import Columns, SortedStretch, sorted_stretches
from mlbias.datasets.reading.stored_ids import number_ids
from mlbias.datasets.reading.told_times import TimeScale
from mlbias.ratings import Ratings

# What a rating takes while its block is merged.
_BYTES_PER_RATING = 96
_LEAST_BLOCK, _BLOCK = 1 << 14, 1 << 20

# The user's code, the rating's place among those of the user, and both ids.
Double = tuple[int, int, object, object]
# Stretches that have ratings of a user, and the user's place in each.
_OfUser = Sequence[tuple[SortedStretch, int]]


@dataclass(frozen=True, slots=True)
class Block:
    """All ratings of some users, or those of one user for some items.

    Attributes:
        first: the code of the first user.
        ratings: ascending by user, item and value, with all item ids and the ids of these users.
        n_read: how many there were before those of the same pair became one.
        n_repeated: how many were of a pair that already had one.
        first_double: the first of these in the source, None where it does not matter.
    """

    first: int
    ratings: Ratings
    n_read: int
    n_repeated: int
    first_double: Double | None = None


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
        self._threads, n_bytes = runs.threads, runs.room.n_bytes
        # A block for each thread, the next ones, and those that are being written.
        self._room = max(n_bytes // (_BYTES_PER_RATING * (self._threads + 2)), _LEAST_BLOCK)
        # The ids themselves have to fit too.
        scratch, room = runs.scratch, n_bytes // 4
        keys = [run.user_ids for run in runs.runs], [run.item_ids for run in runs.runs]
        self.user_ids, users = number_ids(keys[0], are_text="user" in text_ids, n_bytes=room)
        self.item_ids, items = number_ids(keys[1], are_text="item" in text_ids, n_bytes=room)
        self._stretches = [
            stretch
            for run, user, item in zip(runs.runs, users, items, strict=True)
            for stretch in sorted_stretches(scratch, run, user, item, timed=scale is not None)
        ]
        self.value_type = np.result_type(*(stretch.value for stretch in self._stretches))
        self.n_ratings = sum(len(stretch.item) for stretch in self._stretches)

    def blocks(self) -> Iterator[Block]:
        """All ratings, a range of users after the other."""
        return in_order(lambda job: job(), self._jobs(), self._threads)

    def _jobs(self) -> Iterator[Callable[[], Block]]:
        """What makes each block."""
        counts = np.zeros(len(self.user_ids), np.int64)
        for stretch in self._stretches:
            counts[stretch.users] += np.diff(stretch.starts)[stretch.order]
        # To sort a block by item takes a pass over all items, and is quickest within the cache.
        cuts = _cuts(counts, min(self._room, max(_BLOCK, len(self.item_ids) // 2)))
        places = [np.searchsorted(each.users, cuts.astype(np.int32)) for each in self._stretches]
        for number, (first, last) in enumerate(pairwise(cuts.tolist())):
            spans = [tuple(place[number : number + 2].tolist()) for place in places]
            if last - first > 1 or counts[first] <= self._room:
                yield partial(self._of_users, first, last, spans)
                continue
            of_user = [
                (stretch, start)
                for stretch, (start, stop) in zip(self._stretches, spans, strict=True)
                if start < stop and stretch.n_of_user(start)
            ]
            for items in self._ranges_of_items(of_user):
                yield partial(self._of_user, first, of_user, items)

    def _ranges_of_items(self, of_user: _OfUser) -> Iterator[tuple[int, int]]:
        """Ranges of items for which a user has as many ratings as have room."""
        counts = np.zeros(len(self.item_ids), np.int64)
        for stretch, place in of_user:
            counts += stretch.counts_of_items(place, len(counts))
        for first, last in pairwise(_cuts(counts, self._room).tolist()):
            if counts[first:last].any():
                yield first, last

    def _of_users(self, first: int, last: int, spans: Sequence[tuple[int, int]]) -> Block:
        parts = [
            stretch.ratings_of(start, stop)
            for stretch, (start, stop) in zip(self._stretches, spans, strict=True)
            if start < stop
        ]
        return self._block(first, last, parts)

    def _of_user(self, user: int, of_user: _OfUser, items: tuple[int, int]) -> Block:
        parts, places, n = [], [], 0
        for stretch, place in of_user:
            columns, found = stretch.of_user(place, items)
            parts.append(columns)
            places.append(found + n)
            n += stretch.n_of_user(place)
        return self._block(user, user + 1, parts, np.concatenate(places))

    def _block(
        self,
        first: int,
        last: int,
        parts: Sequence[Columns],
        places: NDArray[np.int64] | None = None,
    ) -> Block:
        """A block of what stretches have of it; of a single user perhaps with their places."""
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
            return Block(first, ratings, n, n_repeated)
        in_rows = in_rows.by_user()
        if self._options.duplicates == "error":
            row = first_double(in_rows)
            place = row if places is None else int(places[row])
            code = first + int(in_rows.user[row])
            double = code, place, *pair_of(in_rows, row)
            return Block(first, ratings, n, n_repeated, double)
        return Block(first, one_of_each(in_rows, self._options).by_pair(), n, n_repeated)


def _cuts(counts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Where ranges of at most so many begin, and the end; whoever has more is a range alone."""
    ends, step = np.cumsum(counts), most // 2
    cuts = np.searchsorted(ends, np.arange(step, ends[-1], step), side="right")
    alone = np.flatnonzero(counts > step)
    return np.unique(np.concatenate([[0, len(counts)], cuts, alone, alone + 1]))


def _repeated(ratings: Ratings) -> int:
    """How many ratings are of the same pair as the one before."""
    is_same = (ratings.user[1:] == ratings.user[:-1]) & (ratings.item[1:] == ratings.item[:-1])
    return int(np.count_nonzero(is_same))
