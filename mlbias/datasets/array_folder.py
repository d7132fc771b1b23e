"""A folder of columns: a .npy file for numbers, an Arrow file for text, and manifest.json.

The manifest says what the writer wants to say, and the size and CRC-32 of each file. It is written
last, and the folder gets its name last of all, in one rename. On the way back every file is checked
and then mapped into memory.
"""

import errno
import io
import json
import os
import re
import stat
import zlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.files import is_own, is_trusted, new_file, sync_folder, temporary_name
from mlbias.ids import TextIds
from mlbias.npy import read_header

MANIFEST = "manifest.json"

_FORMAT = "mlbias prepared copy"
_UNFINISHED = "manifest.new"
_LONGEST_MANIFEST = 1 << 20
_FILE_NAME = re.compile(r"[a-z_]+\.(npy|arrow)|manifest\.(json|new)")
_PIECE = 1 << 20

Column = NDArray[Any] | TextIds


def write_folder(
    place: Path, about: Mapping[str, Any], columns: Iterable[tuple[str, Column]], mode: int
) -> int:
    """Write columns to a new folder, which takes the place of an older one of ours.

    Args:
        place: of the folder, which is there either as a whole or not at all.
        about: what JSON can hold.
        columns: the name of a file and (n,) numbers or texts each, asked for one after the other.
        mode: permissions of the files.

    Returns:
        How many bytes were written.

    Raises:
        OSError: it cannot be written, or something of that name is not ours.
    """
    if os.path.lexists(place) and not is_ours(place):
        raise FileExistsError(errno.EEXIST, f"{place.name} is not a prepared copy; remove it")
    folder = temporary_name(place)
    folder.mkdir(0o700 | (mode & 0o044) | (mode & 0o044) >> 2)
    try:
        # Tells whoever finds the folder half written whose it is.
        _write_manifest(folder, {}, mode)
        files = {name: _write_column(folder / name, column, mode) for name, column in columns}
        size = _write_manifest(folder, {"about": about, "files": files}, mode)
        _rename(folder, place)
    except BaseException as error:
        with suppress(OSError):
            _remove(folder)
        if isinstance(error, MemoryError):
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from error
        raise
    sync_folder(place.parent)
    return size + sum(bytes_ for bytes_, _ in files.values())


def read_manifest(folder: Path) -> dict[str, Any]:
    """What the writer of a folder said, under ``about``, and ``files``, for ``open_columns``.

    Raises:
        FileNotFoundError: there is no such folder.
        PermissionError: others may have written it.
        OSError, ValueError: it cannot be read, or is not what was written.
    """
    check_trusted(folder.lstat(), "it")
    with _read(folder / MANIFEST) as file:
        content = file.read(_LONGEST_MANIFEST)
    try:
        document = json.loads(content)
        manifest = {"about": document["about"], "files": document["files"]}
        is_whole = zlib.crc32(json.dumps(manifest).encode()) == document["crc32"]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("the manifest is damaged") from error
    if not is_whole or document["format"] != _FORMAT:
        raise ValueError("the manifest is damaged")
    return manifest


def open_columns(
    folder: Path, files: Mapping[str, tuple[int, int]], threads: int
) -> dict[str, Column]:
    """The columns of a folder by their names without ending, after all of them have been checked.

    Numbers are mapped into memory and read-only.

    Raises:
        PermissionError: others may have written a file.
        OSError, ValueError: one cannot be read, or is not what was written.
    """

    def column(name: str) -> Column:
        return _open_column(folder / name, tuple(files[name]))

    with ThreadPoolExecutor(threads) as pool:
        columns = list(pool.map(column, files))
    return {name.split(".")[0]: column for name, column in zip(files, columns, strict=True)}


def check_trusted(state: os.stat_result, what: str) -> None:
    """See that something is a file or folder that only this user and root can have written.

    Raises:
        PermissionError: it is not; the message says so of ``what``.
    """
    if not (stat.S_ISDIR(state.st_mode) or stat.S_ISREG(state.st_mode)):
        raise PermissionError(errno.EPERM, f"{what} is a symbolic link, not a folder or file")
    if not is_trusted(state):
        raise PermissionError(errno.EPERM, f"others may write to {what}")


def is_ours(folder: Path) -> bool:
    """Whether it is a folder of this user's that ``write_folder`` made, and holds nothing else."""
    try:
        state = folder.lstat()
        if not (stat.S_ISDIR(state.st_mode) and is_own(state)):
            return False
        names = {entry.name for entry in folder.iterdir()}
        if not all(map(_FILE_NAME.fullmatch, names)):
            return False
        # What is killed at the very beginning leaves a manifest without its name, or an empty one.
        name = MANIFEST if MANIFEST in names else _UNFINISHED
        content = (folder / name).read_bytes()
        return _FORMAT.encode() in content or (names == {_UNFINISHED} and not content)
    except OSError:
        return False


def remove_folder(folder: Path) -> int:
    """Remove a folder of ours, and nothing else; returns how many bytes it had.

    Raises:
        OSError: it cannot be removed.
    """
    if is_ours(folder):
        return _remove(folder)
    folder.rmdir()  # unless it is empty, this fails
    return 0


def _remove(folder: Path) -> int:
    size = 0
    for path in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
        with suppress(FileNotFoundError):  # another process removes it too
            size += path.lstat().st_size
            path.unlink()
    with suppress(FileNotFoundError):
        folder.rmdir()
    return size


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


def _write_manifest(folder: Path, content: Mapping[str, Any], mode: int) -> int:
    """Write it at once, so that the folder is never seen without one."""
    checksum = zlib.crc32(json.dumps(content).encode())
    document = {"format": _FORMAT, "crc32": checksum, **content}
    part = folder / _UNFINISHED
    with os.fdopen(new_file(part, mode), "w") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / MANIFEST)
    return (folder / MANIFEST).stat().st_size


def _write_column(path: Path, column: Column, mode: int) -> tuple[int, int]:
    """Write a column; its file's size and CRC-32."""
    with os.fdopen(new_file(path, mode), "r+b") as file:
        if isinstance(column, TextIds):
            column.series.alias("text").to_frame().write_ipc(file)
        else:
            np.save(file, column.astype(column.dtype.newbyteorder("<"), copy=False))
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        return _checksum(file)


def _open_column(path: Path, expected: tuple[int, ...]) -> Column:
    if not _FILE_NAME.fullmatch(path.name):
        raise ValueError("not the name of a column")
    with _read(path) as file:
        if _checksum(file) != expected:
            raise ValueError(f"{path.name} is damaged")
        file.seek(0)
        if path.suffix == ".arrow":
            return _text(file.read())
        header = read_header(file, expected[0])
        return np.asarray(np.memmap(file, header.dtype, "r", header.offset, header.shape))


def _read(path: Path) -> io.BufferedReader:
    """Open a file that can be trusted."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        check_trusted(os.fstat(file.fileno()), f"{path.name} in it")
    except BaseException:
        file.close()
        raise
    return file


def _checksum(file: io.BufferedReader | io.BufferedRandom) -> tuple[int, int]:
    """Size and CRC-32; of what is read, since mapped pages would count as memory in use."""
    size = checksum = 0
    buffer = bytearray(_PIECE)
    while length := file.readinto(buffer):
        checksum = zlib.crc32(memoryview(buffer)[:length], checksum)
        size += length
    return size, checksum


def _text(content: bytes) -> TextIds:
    import polars as pl

    try:
        return TextIds(pl.read_ipc(io.BytesIO(content))["text"].rechunk())
    except pl.exceptions.PolarsError as error:
        raise ValueError("the text is damaged") from error
