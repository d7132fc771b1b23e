"""A folder of arrays: a .npy file each, text in an Arrow file, and manifest.json.

The manifest says what the writer wants to say, and of each file its size and CRC-32. It is written
last, and the folder gets its name last of all, in one rename. Every file is checked when it is
opened, and then mapped into memory.
"""

import errno
import io
import json
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mlbias.files import is_own, is_trusted, new_file, sync_folder, temporary_name
from mlbias.ids import TextIds
from mlbias.npy import read_header

MANIFEST = "manifest.json"

_FORMAT = "mlbias prepared copy"
_LONGEST_MANIFEST = 1 << 20
_ARRAY_NAME = re.compile(r"[a-z_]+\.(npy|arrow)")
_PIECE = 1 << 20

Column = NDArray[Any] | TextIds


class DamagedFolderError(Exception):
    """The folder is not what was written."""


class UntrustedFolderError(Exception):
    """Somebody else may have written the folder; the message says how that is seen."""


def write_folder(
    place: Path, about: Mapping[str, Any], columns: Iterable[tuple[str, Column]], mode: int
) -> int:
    """Write columns to a new folder, which takes the place of an older one of ours.

    Args:
        place: of the folder, which is there either as a whole or not at all.
        about: what JSON can hold.
        columns: a name and (n,) numbers or texts each, asked for one after the other.
        mode: permissions of the files.

    Returns:
        How many bytes were written.

    Raises:
        OSError: it cannot be written, or something of that name is not ours.
    """
    if os.path.lexists(place) and not is_ours(place):
        raise FileExistsError(errno.EEXIST, f"{place.name} is not a copy of ours; remove it")
    folder = temporary_name(place)
    folder.mkdir(0o700 | (mode & 0o044) | (mode & 0o044) >> 2)
    try:
        # Tells whoever finds the folder half written whose it is.
        with _created(folder / MANIFEST, mode) as file:
            file.write(_manifest({}))
        files = {name: _write_column(folder / name, column, mode) for name, column in columns}
        content = _manifest({"about": about, "files": files})
        with (folder / MANIFEST).open("r+b") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _rename(folder, place)
    except BaseException as error:
        with suppress(OSError):
            _remove_files(folder)
        if isinstance(error, MemoryError):
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from error
        raise
    sync_folder(place.parent)
    return len(content) + sum(written["bytes"] for written in files.values())


def read_about(folder: Path) -> dict[str, Any]:
    """What the writer of a folder said.

    Raises:
        FileNotFoundError: there is no such folder.
        DamagedFolderError, UntrustedFolderError: it cannot be believed.
    """
    about: dict[str, Any] = _read_manifest(folder)["about"]
    return about


def open_columns(folder: Path, threads: int) -> dict[str, Column]:
    """The columns of a folder by their names without ending, after all of them have been checked.

    Numbers are mapped into memory and read-only.

    Raises:
        OSError: a file cannot be opened or mapped.
        DamagedFolderError, UntrustedFolderError: they cannot be believed.
    """
    files = _read_manifest(folder)["files"]

    def opened(name: str) -> Column:
        return _open_column(folder, name, files[name])

    with ThreadPoolExecutor(threads) as pool:
        columns = list(pool.map(opened, files))
    return {name.split(".")[0]: column for name, column in zip(files, columns, strict=True)}


def is_ours(folder: Path) -> bool:
    """Whether it is a folder of this user's that ``write_folder`` made, and holds nothing else."""
    try:
        state = folder.lstat()
        if not (stat.S_ISDIR(state.st_mode) and is_own(state)):
            return False
        names = [entry.name for entry in folder.iterdir()]
        known = all(name == MANIFEST or _ARRAY_NAME.fullmatch(name) for name in names)
        with (folder / MANIFEST).open("rb") as file:
            return known and _FORMAT.encode() in file.read(_LONGEST_MANIFEST)
    except OSError:
        return False


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.lstat().st_size for path in folder.iterdir())


def remove_folder(folder: Path) -> None:
    """Remove a folder of ours, its manifest last; leave alone what is not ours.

    Raises:
        OSError: it cannot be removed.
    """
    if is_ours(folder):
        _remove_files(folder)
    else:  # only if it is empty
        folder.rmdir()


def _remove_files(folder: Path) -> None:
    for path in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
        path.unlink(missing_ok=True)
    with suppress(FileNotFoundError):  # another process removes it too
        folder.rmdir()


def _rename(folder: Path, place: Path) -> None:
    try:
        folder.rename(place)
    except OSError:
        if not is_ours(place):
            raise
        # An older copy, or one that another process has just made: a folder cannot replace it.
        aside = temporary_name(place)
        place.rename(aside)
        try:
            folder.rename(place)
        finally:
            remove_folder(aside)


def _manifest(content: Mapping[str, Any]) -> bytes:
    checksum = zlib.crc32(json.dumps(content).encode())
    document = {"format": _FORMAT, "crc32": checksum, **content}
    return (json.dumps(document, indent=1) + "\n").encode()


def _read_manifest(folder: Path) -> dict[str, Any]:
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode):
        raise UntrustedFolderError("it is not a folder")
    if not is_trusted(state):
        raise UntrustedFolderError("others may write to it")
    try:
        with _opened(folder / MANIFEST) as file:
            document = json.loads(file.read(_LONGEST_MANIFEST))
        about = {"about": document["about"], "files": document["files"]}
        is_whole = zlib.crc32(json.dumps(about).encode()) == document["crc32"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedFolderError from error
    if not is_whole or document["format"] != _FORMAT:
        raise DamagedFolderError
    return about


def _write_column(path: Path, column: Column, mode: int) -> dict[str, int]:
    with _created(path, mode) as file:
        checked = _Checked(file)
        if isinstance(column, TextIds):
            content = io.BytesIO()
            column.series.alias("text").to_frame().write_ipc(content)
            checked.write(content.getbuffer())
        else:
            little = column.dtype.newbyteorder("<")
            np.save(checked, np.ascontiguousarray(column, little))
    return {"bytes": checked.size, "crc32": checked.checksum}


class _Checked:
    """Writes to a file, in pieces that are still in the cache for their checksum."""

    def __init__(self, file: BinaryIO) -> None:
        self.size = self.checksum = 0
        self._file = file

    def write(self, content: Any) -> None:
        content = memoryview(content).cast("B")
        for start in range(0, len(content), _PIECE):
            piece = content[start : start + _PIECE]
            self.checksum = zlib.crc32(piece, self.checksum)
            self._file.write(piece)
        self.size += len(content)


def _open_column(folder: Path, name: str, expected: Mapping[str, int]) -> Column:
    if not _ARRAY_NAME.fullmatch(name):
        raise DamagedFolderError
    try:
        with _opened(folder / name) as file:
            if _checksum(file) != (expected["bytes"], expected["crc32"]):
                raise DamagedFolderError
            file.seek(0)
            if name.endswith(".arrow"):
                return _text(file)
            header = read_header(file, expected["bytes"])
            return np.asarray(np.memmap(file, header.dtype, "r", header.offset, header.shape))
    except (FileNotFoundError, ValueError) as error:
        raise DamagedFolderError from error


def _checksum(file: io.BufferedReader) -> tuple[int, int]:
    """Size and CRC-32; of what is read, since mapped pages would count as memory in use."""
    size = checksum = 0
    buffer = bytearray(_PIECE)
    while length := file.readinto(buffer):
        checksum = zlib.crc32(memoryview(buffer)[:length], checksum)
        size += length
    return size, checksum


def _text(file: BinaryIO) -> TextIds:
    import polars as pl

    try:
        return TextIds(pl.read_ipc(io.BytesIO(file.read()))["text"].rechunk())
    except pl.exceptions.PolarsError as error:
        raise DamagedFolderError from error


@contextmanager
def _created(path: Path, mode: int) -> Iterator[BinaryIO]:
    with os.fdopen(new_file(path, mode), "r+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _opened(path: Path) -> io.BufferedReader:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    if is_trusted(os.fstat(file.fileno())):
        return file
    file.close()
    raise UntrustedFolderError(f"others may write to {path.name} in it")
