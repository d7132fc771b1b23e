"""A folder of columns on its way to its place; see array_folder.py for what it holds."""

import errno
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mlbias.datasets.array_folder import (
    FORMAT,
    MANIFEST,
    UNFINISHED,
    Column,
    checksum_of,
    is_ours,
    remove_files,
    remove_folder,
)
from mlbias.datasets.column_file import ColumnFile
from mlbias.datasets.scratch import Scratch
from mlbias.errors import DataError
from mlbias.files import is_full, new_file, reason, sync_folder, temporary_name
from mlbias.ids import TextIds
from mlbias.texts import write_texts

_SCRATCH = "scratch.npy"


class NewFolder:
    """A folder that has a temporary name until it is published.

    Args:
        place: where it is to be, as a whole or not at all.
        mode: permissions of its files.

    Raises:
        OSError: it cannot be made; in other functions, written.

    Attributes:
        path: where it is now.
    """

    def __init__(self, place: Path, mode: int) -> None:
        self._place, self._mode = place, mode
        self._files: dict[str, tuple[int, int]] = {}
        self.path = temporary_name(place)
        self.path.mkdir(0o700 | (mode & 0o044) | (mode & 0o044) >> 2)

    def begin(self) -> None:
        """Tell whoever finds the folder half written whose it is."""
        self._write_manifest({})

    def column(self, name: str, dtype: np.dtype[Any]) -> ColumnFile:
        """A file of numbers that come in pieces."""
        return ColumnFile(self.path / name, dtype, self._mode)

    @cached_property
    def scratch(self) -> Scratch:
        """A file for arrays that are not to stay."""
        return Scratch(self.path / _SCRATCH)

    def close(self) -> None:
        """Remove what is not to stay."""
        if "scratch" in self.__dict__:
            self.scratch.close()

    def write(self, name: str, column: Column) -> None:
        """Write a column to a file of this name."""
        with os.fdopen(new_file(self.path / name, self._mode), "r+b") as file:
            if isinstance(column, TextIds):
                write_texts(column.kept, file)
            else:
                np.save(file, column.astype(column.dtype.newbyteorder("<"), copy=False))
        self.add(name)

    def add(self, name: str) -> None:
        """Take a file that is in the folder for one of its columns."""
        with (self.path / name).open("r+b") as file:
            os.fsync(file.fileno())
            self._files[name] = checksum_of(file)

    def finish(self, about: Mapping[str, Any]) -> int:
        """Write the manifest, after all columns.

        Args:
            about: what JSON can hold.

        Returns:
            How many bytes the folder has.
        """
        size = self._write_manifest({"about": about, "files": self._files})
        return size + sum(bytes_ for bytes_, _ in self._files.values())

    def publish(self) -> None:
        """Give the folder its name, in the place of an older one of ours."""
        try:
            self.path.rename(self._place)
        except OSError:
            if not is_ours(self._place):
                raise
            # An older copy, or one that another process has just made: a folder cannot replace it.
            aside = temporary_name(self._place)
            self._place.rename(aside)
            try:
                self.path.rename(self._place)
            finally:
                remove_folder(aside)
        sync_folder(self._place.parent)

    def _write_manifest(self, content: Mapping[str, Any]) -> int:
        """Write it at once, so that the folder is never seen without one."""
        checksum = zlib.crc32(json.dumps(content).encode())
        document = {"format": FORMAT, "crc32": checksum, **content}
        part = self.path / UNFINISHED
        with os.fdopen(new_file(part, self._mode), "w") as file:
            json.dump(document, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path / MANIFEST)
        return (self.path / MANIFEST).stat().st_size


def check_place(place: Path) -> None:
    """See that a folder can be published there.

    Raises:
        OSError: something of that name is not ours.
    """
    if os.path.lexists(place) and not is_ours(place):
        raise FileExistsError(errno.EEXIST, f"{place.name} is not a prepared copy; remove it")


@contextmanager
def sorting_in(folder: Path) -> Iterator[None]:
    """Let what goes wrong with files here be said of ratings that are sorted in a folder.

    Raises:
        DataError: something did.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, OSError) and not is_full(error):  # Polars' are of its own kind
            raise
        advice = "Make room there, or let them take more memory with `memory_limit`."
        raise DataError(
            f"the ratings cannot be sorted on disk in the folder {folder}: {reason(error)}.",
            advice if is_full(error) else "",
        ) from error


@contextmanager
def new_folder(place: Path, mode: int) -> Iterator[NewFolder]:
    """A folder of columns that is gone at the end unless it is published.

    Args:
        place: where it is to be, as a whole or not at all.
        mode: permissions of its files.

    Raises:
        OSError: it cannot be written.
    """
    folder = NewFolder(place, mode)
    try:
        folder.begin()
        yield folder
    except MemoryError as error:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from error
    finally:
        folder.close()
        with suppress(OSError):
            remove_files(folder.path)
