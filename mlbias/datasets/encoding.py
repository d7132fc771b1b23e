"""Ids to codes: a chunk at a time while reading, then all chunks onto one set of ids."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlbias.core.ratings import Codes, Values
from mlbias.ids import ChunkCodes, Ids, TextIds, as_text, distinct
from mlbias.ratings import Ratings, Timestamps


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """Ratings with codes into the chunk's own ids, as small as they go.

    Args:
        user_keys, item_keys: distinct ids, ascending.
        user, item: (n,) codes into them, uint16 where that is enough.
        value: (n,), float32 where that is exact.
        timestamp: (n,), int32 where that is enough; None if there are none or one is missing.
    """

    user_keys: Ids
    item_keys: Ids
    user: ChunkCodes
    item: ChunkCodes
    value: Values
    timestamp: Timestamps | None = None


def encode_chunk(frame: pl.DataFrame) -> EncodedChunk:
    """Encode a frame of ratings.

    Args:
        frame: columns user and item (integers or text), value (floats, finite) and, if it has
            it, timestamp (integers or null).
    """
    user_keys, user = distinct(_column(frame["user"]))
    item_keys, item = distinct(_column(frame["item"]))
    value = _narrowed(frame["value"].to_numpy())
    return EncodedChunk(user_keys, item_keys, user, item, value, _timestamps(frame))


class RatingsBuilder:
    """Chunks of ratings on their way into one set.

    The columns grow in byte arrays, whose memory the system extends in place: chunks kept in a
    list and copied in the end would touch twice as many pages, which takes longer than to parse.
    """

    def __init__(self) -> None:
        self._user, self._item, self._value = bytearray(), bytearray(), bytearray()
        self._timestamp = bytearray()
        self._value_type: type[np.float32 | np.float64] = np.float32
        self._timestamp_type: type[np.int32 | np.int64] = np.int32
        self._has_timestamps = True
        self._user_keys: list[Ids] = []
        self._item_keys: list[Ids] = []
        self._starts = [0]

    def __len__(self) -> int:
        return self._starts[-1]

    def add(self, chunk: EncodedChunk) -> None:
        """Append a chunk of at least one rating."""
        if chunk.value.dtype == np.float64 and self._value_type is np.float32:
            self._value = bytearray(np.frombuffer(self._value, np.float32).astype(np.float64))
            self._value_type = np.float64
        self._user += chunk.user.astype(np.int32).data
        self._item += chunk.item.astype(np.int32).data
        self._value += chunk.value.astype(self._value_type, copy=False).data
        self._add_timestamps(chunk.timestamp)
        self._user_keys.append(chunk.user_keys)
        self._item_keys.append(chunk.item_keys)
        self._starts.append(len(self) + len(chunk.value))

    def _add_timestamps(self, timestamp: Timestamps | None) -> None:
        """Append them, or forget all as soon as some are missing."""
        self._has_timestamps = self._has_timestamps and timestamp is not None
        if not self._has_timestamps or timestamp is None:
            self._timestamp = bytearray()
            return
        if timestamp.dtype == np.int64 and self._timestamp_type is np.int32:
            self._timestamp = bytearray(np.frombuffer(self._timestamp, np.int32).astype(np.int64))
            self._timestamp_type = np.int64
        self._timestamp += timestamp.astype(self._timestamp_type, copy=False).data

    def finish(self, threads: int) -> Ratings:
        """All ratings, with codes into the ids of all chunks together.

        Raises:
            DataError: there are more distinct ids than int32 codes.
        """
        user_ids, user_codes = _joined_ids(self._user_keys)
        item_ids, item_codes = _joined_ids(self._item_keys)
        user, item = np.frombuffer(self._user, np.int32), np.frombuffer(self._item, np.int32)

        def recode(number: int) -> None:
            here = slice(self._starts[number], self._starts[number + 1])
            # All codes are in range; "clip" only spares NumPy the check.
            np.take(user_codes[number], user[here], out=user[here], mode="clip")
            np.take(item_codes[number], item[here], out=item[here], mode="clip")

        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(recode, range(len(user_codes))):
                pass
        value: Values = np.frombuffer(self._value, self._value_type)
        timestamp: Timestamps = np.frombuffer(self._timestamp, self._timestamp_type)  # type: ignore[assignment]
        return Ratings(
            user, item, value, user_ids, item_ids, timestamp if self._has_timestamps else None
        )


def _joined_ids(keys: Sequence[Ids]) -> tuple[Ids, list[Codes]]:
    """Distinct ids over all chunks, ascending, and each chunk's map from its codes to theirs.

    They are integers if those of every chunk are.
    """
    every: Ids
    if any(isinstance(part, TextIds) for part in keys):
        every = TextIds(pl.concat([as_text(part) for part in keys]))
    else:
        every = np.concatenate([np.asarray(part) for part in keys])
    ids, codes = distinct(every)
    cuts = np.cumsum([len(part) for part in keys])[:-1]
    return ids, np.split(codes.astype(np.int32, copy=False), cuts)


def _column(column: pl.Series) -> Ids:
    return TextIds(column) if column.dtype == pl.String else column.to_numpy()


def _timestamps(frame: pl.DataFrame) -> Timestamps | None:
    if "timestamp" not in frame.columns or frame["timestamp"].null_count():
        return None
    values = frame["timestamp"].to_numpy()
    narrow = values.astype(np.int32)
    return narrow if (narrow == values).all() else values


def _narrowed(values: NDArray[np.float64]) -> Values:
    """As float32 if not a single value changes, at half the memory."""
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    return narrow if (narrow == values).all() else values
