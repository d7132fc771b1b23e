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
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.ids import TextIds
from mlbias.npy import read_header
from mlbias.permissions import is_own, is_trusted
from mlbias.texts import Texts

MANIFEST, UNFINISHED = "manifest.json", "manifest.new"
FORMAT = "mlbias prepared copy"

_LONGEST_MANIFEST = 1 << 20
_FILE_NAME = re.compile(r"[a-z_]+\.(npy|arrow)|manifest\.(json|new)")
_PIECE = 1 << 20

Column = NDArray[Any] | TextIds


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
    if not is_whole or document["format"] != FORMAT:
        raise ValueError("the manifest is damaged")
    return manifest


def open_columns(
    folder: Path, files: Mapping[str, tuple[int, int]], threads: int
) -> dict[str, Column]:
    """The columns of a folder by their names without ending, after all of them have been checked.

    They are mapped into memory and read-only; text is read when it is asked for.

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
    """Whether it is a folder of this user's that ``NewFolder`` made, and holds nothing else."""
    try:
        state = folder.lstat()
        if not (stat.S_ISDIR(state.st_mode) and is_own(state)):
            return False
        names = {entry.name for entry in folder.iterdir()}
        if not all(map(_FILE_NAME.fullmatch, names)):
            return False
        # What is killed at the very beginning leaves a manifest without its name, or an empty one.
        name = MANIFEST if MANIFEST in names else UNFINISHED
        content = (folder / name).read_bytes()
        return FORMAT.encode() in content or (names == {UNFINISHED} and not content)
    except OSError:
        return False


def remove_folder(folder: Path) -> int:
    """Remove a folder of ours, and nothing else; returns how many bytes it had.

    Raises:
        OSError: it cannot be removed.
    """
    if is_ours(folder):
        return remove_files(folder)
    folder.rmdir()  # unless it is empty, this fails
    return 0


def remove_files(folder: Path) -> int:
    """Remove a folder and its files; returns how many bytes it had."""
    size = 0
    for path in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
        with suppress(FileNotFoundError):  # another process removes it too
            size += path.lstat().st_size
            path.unlink()
    with suppress(FileNotFoundError):
        folder.rmdir()
    return size


def _open_column(path: Path, expected: tuple[int, ...]) -> Column:
    if not _FILE_NAME.fullmatch(path.name):
        raise ValueError("not the name of a column")
    with _read(path) as file:
        if checksum_of(file) != expected:
            raise ValueError(f"{path.name} is damaged")
        file.seek(0)
        if path.suffix == ".arrow":
            return TextIds(Texts.in_file(np.asarray(np.memmap(file, np.uint8, "r"))))
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


def checksum_of(file: io.BufferedReader | io.BufferedRandom) -> tuple[int, int]:
    """Size and CRC-32; of what is read, since mapped pages would count as memory in use."""
    size = checksum = 0
    buffer = bytearray(_PIECE)
    while length := file.readinto(buffer):
        checksum = zlib.crc32(memoryview(buffer)[:length], checksum)
        size += length
    return size, checksum
