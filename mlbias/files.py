"""Files and folders that are whole or not there, and temporaries that nobody leaves behind.

A temporary is held by a lock as long as it is in use: only that tells it from what a killed
process left, since a process number may long be another's. Where the system or the file system
has no locks, nothing is ever swept.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_SUFFIX = ".part"


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A binary file that gets its name only once all of it is on disk.

    Written beside its place, flushed to disk and renamed; on any error nothing of it is left, and
    what had the name before still has it. Missing folders are made. What killed processes left of
    the same file is removed.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent, f".{path.name}.")
    part, descriptor = new_temporary(path)
    try:
        with os.fdopen(descriptor, "r+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            # Before the lock goes with the closing, so that nobody takes it for left behind.
            part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


@contextmanager
def temporary_folder(beside: Path) -> Iterator[Path]:
    """An empty folder beside a path, gone at the end; what killed processes left of it too.

    Raises:
        OSError: it cannot be made.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    sweep(beside.parent, f".{beside.name}.")
    folder, descriptor = _new_folder(beside)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def new_temporary(path: Path) -> tuple[Path, int]:
    """A new file beside this one and its descriptor, held until that is closed.

    Raises:
        OSError: it cannot be made.
    """
    while True:
        part = _temporary_name(path)
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):  # no locks here: nobody sweeps either
            if not (_lock(descriptor) and _is_named(descriptor, part)):  # swept at once
                os.close(descriptor)
                continue
        return part, descriptor


def open_held(path: Path) -> int | None:
    """Open a file to read and write, made if missing; None where it cannot be had for oneself.

    Raises:
        OSError: it cannot be opened or made.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            is_free = _lock(descriptor)
        except OSError:  # no locks here
            is_free = False
            if os.fstat(descriptor).st_size == 0:
                path.unlink(missing_ok=True)
        if is_free and _is_named(descriptor, path):
            return descriptor
        os.close(descriptor)
        if not is_free:
            return None


def sweep(folder: Path, prefix: str) -> None:
    """Remove the temporaries in a folder that begin so and that nobody holds."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if path.name.startswith(prefix) and path.name.endswith(_SUFFIX):
                with suppress(OSError):
                    _remove_unless_held(path)


def replace_folder(folder: Path, place: Path) -> None:
    """Rename a folder onto another one, which is then where the first was; in one step on Linux.

    Raises:
        OSError: it cannot be renamed.
    """
    if _exchanged(folder, place):
        return
    aside = folder.with_name(f"{folder.name}.old")
    place.rename(aside)
    try:
        folder.rename(place)
    except OSError:
        aside.rename(place)
        raise
    aside.rename(folder)


def unwritable_folder(path: Path) -> Path | None:
    """What is nearest above a file to be made, if it is no folder to write to; None if it is."""
    nearest = next(parent for parent in path.absolute().parents if parent.exists())
    return None if nearest.is_dir() and os.access(nearest, os.W_OK) else nearest


def sync_folder(folder: Path) -> None:
    """Bring new names in a folder to disk, on systems that can open folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _new_folder(beside: Path) -> tuple[Path, int | None]:
    while True:
        folder = _temporary_name(beside)
        folder.mkdir()
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # swept before it was held
            continue
        except OSError:  # folders cannot be opened here, and so not be swept
            return folder, None
        with suppress(OSError):
            if not _lock(descriptor) or not _is_named(descriptor, folder):
                os.close(descriptor)
                continue
        return folder, descriptor


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the two names could be exchanged, for which Python has no call."""
    import ctypes

    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    current_folder, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE in linux/fs.h
    names = os.fsencode(one), os.fsencode(other)
    result: int = renameat2(current_folder, names[0], current_folder, names[1], exchange)
    return result == 0


def _temporary_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{_SUFFIX}")


def _remove_unless_held(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        # Whoever had it may have renamed it between our opening and our lock.
        if _lock(descriptor) and _is_named(descriptor, path):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Whether this process holds the file from now on, until it closes it; waits for nobody.

    Raises:
        OSError: there are no locks here.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_named(descriptor: int, path: Path) -> bool:
    """Whether the open file still has this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False
