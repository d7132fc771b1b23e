"""Columns that grow while ratings are read, in as few bytes as they allow.

They grow in byte arrays, whose memory the system extends in place: chunks kept in a list and copied
in the end would touch twice as many pages, which takes longer than to parse.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.compact import Column, Steps, UserRuns, as_array
from mlbias.core.ratings import Codes, is_ascending
from mlbias.datasets.value_steps import fine_steps, with_coarsest_steps
from mlbias.ids import ChunkCodes


class GrowingColumn:
    """Numbers whose type widens when a chunk needs it."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self._bytes, self._dtype = bytearray(), np.dtype(dtype)

    @property
    def n_bytes(self) -> int:
        """What they take."""
        return len(self._bytes)

    def append(self, values: NDArray[Any]) -> None:
        """Add some numbers."""
        wide = np.promote_types(self._dtype, values.dtype)
        if wide != self._dtype:
            self._bytes = bytearray(np.frombuffer(self._bytes, self._dtype).astype(wide))
            self._dtype = wide
        self._bytes += values.astype(wide, copy=False).data

    def array(self) -> NDArray[Any]:
        """All of them."""
        return np.frombuffer(self._bytes, self._dtype)


class GrowingUsers:
    """Codes of users into the ids of their chunk; only how many each has, while they ascend."""

    def __init__(self) -> None:
        self._runs: list[UserRuns] | None = []
        self._codes = GrowingColumn(np.int32)
        self._length = 0

    @property
    def n_bytes(self) -> int:
        """What all codes take, 4 bytes each; runs take next to nothing."""
        return 4 * self._length

    def append(self, codes: ChunkCodes | UserRuns) -> None:
        """Add those of a chunk, as runs where they ascend."""
        self._length += len(codes)
        if self._runs is not None and isinstance(codes, UserRuns):
            self._runs.append(codes)
            return
        self._expand()
        self._codes.append(codes[:].astype(np.int32, copy=False))

    def joined(self, codes: Sequence[Codes]) -> UserRuns | None:
        """The users among the ids of all chunks, where they ascend; else see array.

        Args:
            codes: those of the ids of each chunk.
        """
        firsts, lasts = [each[0] for each in codes[1:]], [each[-1] for each in codes[:-1]]
        if (
            self._runs is not None
            and all(map(is_ascending, codes))
            and all(first >= last for first, last in zip(firsts, lasts, strict=True))
        ):
            counts = np.zeros(int(codes[-1][-1]) + 1, np.int64)
            for of_users, runs in zip(codes, self._runs, strict=True):
                counts[of_users] += np.diff(runs.starts)
            return UserRuns.of_counts(counts)
        self._expand()
        return None

    def array(self) -> Codes:
        """All codes as they were added."""
        return self._codes.array()

    def _expand(self) -> None:
        for runs in self._runs or ():
            self._codes.append(runs[:])
        self._runs = None


class GrowingValues:
    """Ratings, as counts of steps while they are such."""

    def __init__(self) -> None:
        self._counts: GrowingColumn | None = GrowingColumn(np.uint8)
        self._values = GrowingColumn(np.float32)

    @property
    def n_bytes(self) -> int:
        """What they take."""
        return self._values.n_bytes + (self._counts.n_bytes if self._counts else 0)

    @property
    def n_bytes_as_numbers(self) -> int:
        """What they would take as numbers."""
        return self._values.n_bytes + (4 * self._counts.n_bytes if self._counts else 0)

    def append(self, values: Column[np.floating[Any]]) -> None:
        """Add those of a chunk, as fine steps where they are such."""
        if self._counts is not None and isinstance(values, Steps):
            self._counts.append(values.counts)
            return
        self._expand()
        self._values.append(as_array(values))

    def column(self) -> Column[np.floating[Any]]:
        """All of them."""
        if self._counts is not None:
            found = with_coarsest_steps(self._counts.array())
            if found is not None:
                return found
        self._expand()
        return self._values.array()

    def _expand(self) -> None:
        if self._counts is not None:
            self._values.append(fine_steps(self._counts.array())[:])
            self._counts = None
