"""Ids to codes: a chunk at a time while reading, then all chunks onto one set of ids."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlbias.core.compact import Column, UserRuns
from mlbias.core.ratings import Codes, is_ascending
from mlbias.datasets.reading.growing import GrowingColumn, GrowingUsers, GrowingValues
from mlbias.datasets.value_steps import to_fine_steps
from mlbias.ids import ChunkCodes, Ids, TextIds, distinct, joined_ids
from mlbias.ratings import Ratings

# Times in a unit that is told only once all are known.
RawTimes = NDArray[np.signedinteger[Any]] | NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """Ratings with codes into the chunk's own ids, as small as they go.

    Attributes:
        user_keys, item_keys: distinct ids, ascending.
        user: (n,) codes into them, uint16 where that is enough; runs where they ascend.
        item: (n,) likewise, never runs.
        value: (n,), in fine steps or float32 where that is exact.
        timestamp: (n,) times as they stand in the source, int32 where that is enough; None if there
            are none or one is missing.
        pairs_ascend: whether each pair of user and item is above the one before.
    """

    user_keys: Ids
    item_keys: Ids
    user: ChunkCodes | UserRuns
    item: ChunkCodes
    value: Column[np.floating[Any]]
    timestamp: RawTimes | None = None
    pairs_ascend: bool = False

    @property
    def first_pair(self) -> tuple[Any, Any]:
        """The ids of the first rating, where pairs ascend."""
        return self.user_keys[0], self.item_keys[int(self.item[0])]

    @property
    def last_pair(self) -> tuple[Any, Any]:
        """The ids of the last rating, likewise."""
        return self.user_keys[len(self.user_keys) - 1], self.item_keys[int(self.item[-1])]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What chunks came to.

    Attributes:
        ratings: with codes into the ids of all chunks together.
        times: as they stand in the source; None if there are none or one is missing.
        pairs_ascend: whether each pair is seen to be above the one before, so that the ratings are
            in order already, and no pair has two.
    """

    ratings: Ratings
    times: RawTimes | None
    pairs_ascend: bool


def encode_chunk(frame: pl.DataFrame) -> EncodedChunk:
    """Encode a frame of ratings.

    Args:
        frame: columns user and item (integers or text), value (floats, finite) and, if it has
            it, time (numbers or null).
    """
    user_keys, user = _users(as_ids(frame["user"]))
    item_keys, item = distinct(as_ids(frame["item"]))
    return EncodedChunk(
        user_keys,
        item_keys,
        user,
        item,
        _values(frame["value"].to_numpy()),
        _times(frame),
        isinstance(user, UserRuns) and _items_ascend(user, item),
    )


class RatingsBuilder:
    """Chunks of ratings on their way into one set."""

    def __init__(self) -> None:
        self._user, self._item = GrowingUsers(), GrowingColumn(np.int32)
        self._value, self._time = GrowingValues(), GrowingColumn(np.int32)
        self._has_times = self.pairs_ascend = True
        self._last_pair: tuple[Any, Any] | None = None
        self._user_keys: list[Ids] = []
        self._item_keys: list[Ids] = []
        self._bytes_of_keys = 0
        self._starts = [0]

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def n_bytes(self) -> int:
        """What the chunks take of memory once they are sorted."""
        others = self._user.n_bytes + self._value.n_bytes_as_numbers - self._value.n_bytes
        return self.n_bytes_in_order + others

    @property
    def n_bytes_in_order(self) -> int:
        """What they take while pairs ascend."""
        columns = (self._item, self._value, self._time)
        return sum(column.n_bytes for column in columns) + self._bytes_of_keys

    def goes_on(self, chunk: EncodedChunk) -> bool:
        """Whether pairs still ascend with this chunk."""
        if not (self.pairs_ascend and chunk.pairs_ascend):
            return False
        last, first = self._last_pair, chunk.first_pair
        if last is None:
            return True
        # Numbers and texts have no common order yet.
        return all(map(_are_of_a_kind, last, first)) and last < first

    def add(self, chunk: EncodedChunk) -> None:
        """Append a chunk of at least one rating."""
        self.pairs_ascend = self.goes_on(chunk)
        self._last_pair = chunk.last_pair if self.pairs_ascend else None
        self._user.append(chunk.user)
        self._item.append(chunk.item.astype(np.int32))
        self._value.append(chunk.value)
        self._has_times = self._has_times and chunk.timestamp is not None
        if self._has_times and chunk.timestamp is not None:
            self._time.append(chunk.timestamp)
        else:
            self._time = GrowingColumn(np.int32)
        self._user_keys.append(chunk.user_keys)
        self._item_keys.append(chunk.item_keys)
        self._bytes_of_keys += n_bytes_of(chunk.user_keys) + n_bytes_of(chunk.item_keys)
        self._starts.append(len(self) + len(chunk.value))

    def finish(self, threads: int, text_ids: Collection[str] = ()) -> Gathered:
        """All ratings.

        Args:
            threads: how many recode chunks at a time.
            text_ids: roles whose ids are text even if those of every chunk are integers.

        Raises:
            DataError: there are more distinct ids than int32 codes.
        """
        user_ids, user_codes = joined_ids(self._user_keys, "user" in text_ids)
        item_ids, item_codes = joined_ids(self._item_keys, "item" in text_ids)
        user, item = self._user.joined(user_codes), self._item.array()
        self._recode(item, item_codes, threads)
        if user is None:
            codes = self._user.array()
            self._recode(codes, user_codes, threads)
        value = self._value.column()
        return Gathered(
            Ratings(codes if user is None else user, item, value, user_ids, item_ids),
            self._time.array() if self._has_times else None,
            # Not where ids are text after all.
            self.pairs_ascend and user is not None and all(map(is_ascending, item_codes)),
        )

    def _recode(self, column: Codes, codes: Sequence[Codes], threads: int) -> None:
        """Give the codes of each chunk their places among all ids."""

        def recode(number: int) -> None:
            here = slice(self._starts[number], self._starts[number + 1])
            # All codes are in range; "clip" only spares NumPy the check.
            np.take(codes[number], column[here], out=column[here], mode="clip")

        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(recode, range(len(codes))):
                pass


def as_ids(column: pl.Series) -> Ids:
    """A column of integers or text as ids."""
    return TextIds(column) if column.dtype == pl.String else column.to_numpy()


def n_bytes_of(ids: Ids) -> int:
    """What ids take of memory, of which Polars leaves out where each text is."""
    if isinstance(ids, TextIds):
        return int(ids.series.estimated_size()) + 16 * len(ids)
    return ids.nbytes


def _users(column: Ids) -> tuple[Ids, ChunkCodes | UserRuns]:
    """The distinct ids of users, and the code of each rating's; runs of them where they ascend."""
    if not isinstance(column, TextIds) and (column[1:] >= column[:-1]).all():
        starts = np.flatnonzero(column[1:] != column[:-1]) + 1
        starts = np.concatenate([[0], starts, [len(column)]])
        return column[starts[:-1]], UserRuns(starts)
    ids, codes = distinct(column)
    if (codes[1:] >= codes[:-1]).all():
        return ids, UserRuns.of_counts(np.bincount(codes))
    return ids, codes


def _are_of_a_kind(id_: Any, other: Any) -> bool:
    return isinstance(id_, str) == isinstance(other, str)


def _items_ascend(user: UserRuns, item: ChunkCodes) -> bool:
    """Whether the items of each user ascend, and none comes twice."""
    are_above = item[1:] > item[:-1]
    are_above[user.starts[1:-1] - 1] = True
    return bool(are_above.all())


def _times(frame: pl.DataFrame) -> RawTimes | None:
    if "time" not in frame.columns or frame["time"].null_count():
        return None
    values = frame["time"].to_numpy()
    narrow = values.astype(np.int32) if values.dtype.kind == "i" else values
    return narrow if (narrow == values).all() else values


def _values(values: NDArray[np.float64]) -> Column[np.floating[Any]]:
    """In the fewest bytes that change not a single value."""
    steps = to_fine_steps(values)
    if steps is not None:
        return steps
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    return narrow if (narrow == values).all() else values
