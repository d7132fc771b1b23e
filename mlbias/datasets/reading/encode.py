"""Ids to codes: a chunk at a time while reading, then all chunks onto one set of ids."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlbias.core.ratings import Codes, Values
from mlbias.datasets.reading.growing import GrowingColumn, GrowingUsers, GrowingValues
from mlbias.ids import ChunkCodes, Ids, TextIds, distinct, joined_ids
from mlbias.ratings import Ratings

# Times in a unit that is told only once all are known.
RawTimes = NDArray[np.signedinteger[Any]] | NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """Ratings with codes into the chunk's own ids, as small as they go.

    Args:
        user_keys, item_keys: distinct ids, ascending.
        user, item: (n,) codes into them, uint16 where that is enough.
        value: (n,), float32 where that is exact.
        timestamp: (n,) times as they stand in the source, int32 where that is enough; None if there
            are none or one is missing.
    """

    user_keys: Ids
    item_keys: Ids
    user: ChunkCodes
    item: ChunkCodes
    value: Values
    timestamp: RawTimes | None = None


def encode_chunk(frame: pl.DataFrame) -> EncodedChunk:
    """Encode a frame of ratings.

    Args:
        frame: columns user and item (integers or text), value (floats, finite) and, if it has
            it, time (numbers or null).
    """
    user_keys, user = distinct(as_ids(frame["user"]))
    item_keys, item = distinct(as_ids(frame["item"]))
    value = _narrowed(frame["value"].to_numpy())
    return EncodedChunk(user_keys, item_keys, user, item, value, _times(frame))


class RatingsBuilder:
    """Chunks of ratings on their way into one set."""

    def __init__(self) -> None:
        self._user, self._item = GrowingUsers(), GrowingColumn(np.int32)
        self._value, self._time = GrowingValues(), GrowingColumn(np.int32)
        self._has_times = True
        self._user_keys: list[Ids] = []
        self._item_keys: list[Ids] = []
        self._bytes_of_keys = 0
        self._starts = [0]

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def n_bytes(self) -> int:
        """What the chunks take of memory once they are sorted."""
        columns = (self._user, self._item, self._value, self._time)
        return sum(column.n_bytes for column in columns) + self._bytes_of_keys

    def add(self, chunk: EncodedChunk) -> None:
        """Append a chunk of at least one rating."""
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

    def finish(
        self, threads: int, text_ids: Collection[str] = ()
    ) -> tuple[Ratings, RawTimes | None]:
        """All ratings, with codes into the ids of all chunks together, and their times as read.

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
        ratings = Ratings(codes if user is None else user, item, value, user_ids, item_ids)
        return ratings, self._time.array() if self._has_times else None

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


def _times(frame: pl.DataFrame) -> RawTimes | None:
    if "time" not in frame.columns or frame["time"].null_count():
        return None
    values = frame["time"].to_numpy()
    narrow = values.astype(np.int32) if values.dtype.kind == "i" else values
    return narrow if (narrow == values).all() else values


def _narrowed(values: NDArray[np.float64]) -> Values:
    """As float32 if not a single value changes, at half the memory."""
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    return narrow if (narrow == values).all() else values
