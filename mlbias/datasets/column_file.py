"""A .npy file that grows by pieces, the same byte for byte as ``numpy.save`` makes it at once."""

import os
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mlbias.files import new_file

_PIECE = 1 << 20


class ColumnFile:
    """A column of numbers on its way into a file; whole once it is closed.

    Their type widens when a piece needs it.

    Args:
        path: of the file, which must not be there.
        dtype: of the numbers.
        mode: permissions of the file.

    Raises:
        OSError: it cannot be made; in other functions, written.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any], mode: int) -> None:
        self._path, self._mode = path, mode
        self._begin(dtype)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._file.close()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers so far."""
        return self._dtype

    def append(self, values: NDArray[Any]) -> None:
        """Write further numbers (n,)."""
        dtype = np.promote_types(self._dtype, values.dtype)
        if dtype != self._dtype:
            self._widen(dtype)
        self._file.write(np.ascontiguousarray(values, self._dtype).data)
        self._length += len(values)

    def _begin(self, dtype: np.dtype[Any]) -> None:
        self._dtype, self._length = dtype.newbyteorder("<"), 0
        self._file = os.fdopen(new_file(self._path, self._mode), "r+b")
        self._file.write(_header(self._dtype, 0))

    def _finish(self) -> None:
        self._file.seek(0)
        self._file.write(_header(self._dtype, self._length))
        self._file.flush()

    def _widen(self, dtype: np.dtype[Any]) -> None:
        """Write all numbers again."""
        self._finish()
        self._file.close()
        narrow = self._path.rename(self._path.with_name(f"narrow_{self._path.name}"))
        numbers = mapped(narrow)
        self._begin(dtype)
        for start in range(0, len(numbers), _PIECE):
            self.append(numbers[start : start + _PIECE])
        del numbers  # what is mapped cannot be removed on Windows
        narrow.unlink()


def mapped(path: Path) -> NDArray[Any]:
    """The numbers in a .npy file, mapped into memory and read-only."""
    return np.asarray(np.load(path, mmap_mode="r"))


def _header(dtype: np.dtype[Any], length: int) -> bytes:
    """NumPy leaves room in it for a length of any size, so that its own size is always the same."""
    header = BytesIO()
    described = {
        "descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (length,),
    }  # fmt: skip
    np.lib.format.write_array_header_1_0(header, described)
    return header.getvalue()
