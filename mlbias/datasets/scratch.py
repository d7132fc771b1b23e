"""Arrays on disk that are needed for a while, one after the other in a single file."""

import mmap
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.files import new_file

_ALIGNED = 64


@dataclass(frozen=True, slots=True)
class Stored:
    """Where in the file an array is: the byte at which it begins, its type and its length."""

    offset: int
    dtype: np.dtype[Any]
    length: int

    @property
    def end(self) -> int:
        """The byte behind it."""
        return self.offset + self.length * self.dtype.itemsize


class Scratch:
    """A file of arrays, which are mapped into memory when they are asked for.

    Several threads may write at a time. Nothing is written through the mapping, since a full disk
    would end the process then.

    Args:
        path: of the file, which must not be there.

    Raises:
        OSError: it cannot be made; in other functions, written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.fdopen(new_file(path, 0o600), "r+b", buffering=0)
        self._end, self._lock = 0, threading.Lock()
        self._mapped: mmap.mmap | None = None

    def close(self) -> None:
        """Remove the file; arrays that are still mapped stay as they are."""
        self._file.close()
        self._mapped = None
        with suppress(OSError):
            self._path.unlink()

    def reserve(self, dtype: np.dtype[Any], length: int) -> Stored:
        """A place for an array that is written later."""
        with self._lock:
            stored = Stored(-(-self._end // _ALIGNED) * _ALIGNED, dtype, length)
            self._end = stored.end
        return stored

    def write(self, stored: Stored, start: int, values: NDArray[Any]) -> None:
        """Write a part of an array that has a place."""
        content = np.ascontiguousarray(values, stored.dtype).data.cast("B")
        with self._lock:
            self._file.seek(stored.offset + start * stored.dtype.itemsize)
            while content:
                content = content[self._file.write(content) :]

    def append(self, values: NDArray[Any]) -> Stored:
        """Write an array."""
        stored = self.reserve(values.dtype, len(values))
        self.write(stored, 0, values)
        return stored

    def array(self, stored: Stored) -> NDArray[Any]:
        """An array, read-only."""
        if stored.length == 0:
            return np.empty(0, stored.dtype)
        if self._mapped is None or len(self._mapped) < stored.end:
            self._mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(self._mapped, stored.dtype, stored.length, stored.offset)
