"""Files and folders that are whole or not there, and that nobody gets to see who could not before.

A temporary is named .NAME.MACHINE-PROCESS-RANDOM.part, beside the place that it is for. What a
killed process left is removed by a later one: at once where the name says that the process ran on
this machine and has ended, and otherwise once nothing in it has changed for an hour. There are no
locks, which not every system and file system has.
"""

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from mlbias.permissions import is_own, permissions_of, permissions_within

# Whoever writes to a temporary changes it much more often than this.
LEFTOVER_SECONDS = 3600

_STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr")
_SPECIAL = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def written_whole(path: Path, made_from: Iterable[Path] = ()) -> Iterator[BinaryIO]:
    """A binary file that gets its name only once all of it is on disk.

    Written beside its place, flushed to disk and renamed. On any error nothing of it is left, and
    what had the name before still has it. Missing folders are made. Of a symbolic link the target
    is replaced. It is open to nobody who cannot open the file that it replaces, and all that it is
    made from.

    Args:
        path: of the file, which must not name anything but a regular file.
        made_from: files whose content it shows; those that are gone do not count.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    replaced = state_of_file(path)
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent, target.name)
    part = temporary_name(target)
    mode = permissions_within(made_from, target.parent)
    descriptor = new_file(part, 0o600 if replaced else mode)
    try:
        with os.fdopen(descriptor, "r+b") as file:
            if replaced:  # which may have been opened to more people than the umask permits
                part.chmod(mode & permissions_of(replaced, part.stat().st_gid))
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if is_full(error):  # Python's error does not name the file, Polars' is of its own kind
            number = _number(error)
            raise OSError(number, os.strerror(number), str(path)) from error
        raise
    sync_folder(target.parent)


def is_full(error: BaseException) -> bool:
    """Whether an error says that nothing more can be written: no room, a quota, or a limit."""
    return _number(error) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def reason(error: BaseException) -> str:
    """The system's words for an error, or else its own."""
    number = _number(error)
    return os.strerror(number) if number else str(error)


def _number(error: BaseException) -> int:
    """The system's number of an error, 0 if it has none; Rust's errors have it in their text."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = re.search(r"\(os error ([0-9]{1,5})\)", str(error))
    return int(found[1]) if found else 0


@contextmanager
def temporary_folder(beside: Path) -> Iterator[Path]:
    """An empty folder beside a path, which is removed at the end.

    Raises:
        OSError: it cannot be made.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    sweep(beside.parent, beside.name)
    folder = temporary_name(beside)
    try:
        folder.mkdir()
        yield folder
    finally:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        except BaseException:  # a signal while it is removed leaves nothing either
            shutil.rmtree(folder, ignore_errors=True)
            raise


def obstacle(path: Path) -> str:
    """Why no file can be written here, as "it is a folder"; empty if one can.

    Nothing is opened, so that a pipe cannot block.
    """
    if str(path) in _STREAMS or str(path).startswith(("/dev/fd/", "/proc/")):
        return "it is a stream of a process, not a regular file"
    try:
        state_of_file(path)
    except OSError as error:
        return str(error.strerror or error)
    target = Path(os.path.realpath(path))
    nearest = next(parent for parent in target.parents if parent.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return ""
    return f"{nearest} is not a folder that you can write to"


def state_of_file(path: Path) -> os.stat_result | None:
    """The state of a regular file or of the one that a link leads to; None if there is none.

    Raises:
        OSError: something else has the name, or it cannot be looked at.
    """
    try:
        state = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISREG(state.st_mode):
        return state
    kind = _SPECIAL.get(stat.S_IFMT(state.st_mode), "something else")
    raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))


def temporary_name(path: Path) -> Path:
    """A new name beside this path, by which ``sweep`` knows a temporary again."""
    writer = f"{_machine()}-{os.getpid():x}-" if _machine() else ""
    return path.with_name(f".{path.name}.{writer}{secrets.token_hex(4)}.part")


def new_file(path: Path, mode: int) -> int:
    """Make a file that is not there yet, and open it for reading and writing.

    Raises:
        OSError: it is there, or it cannot be made.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, mode)


def sweep(folder: Path, name: str) -> None:
    """Remove what killed processes left of the file or folder of this name."""
    for path in leftovers(folder, re.escape(name)):
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def leftovers(folder: Path, name: str) -> list[Path]:
    """Our own temporaries in a folder whose processes have ended, or which are an hour old.

    Args:
        folder: where they are.
        name: a pattern for the names of the files that they are for.
    """
    writer = "(?:(?P<machine>[0-9a-f]{8})-(?P<process>[0-9a-f]{1,8})-)?"
    pattern = re.compile(rf"\.{name}\.{writer}[0-9a-f]{{8}}\.part")
    found = []
    with suppress(OSError):
        found = [(path, pattern.fullmatch(path.name)) for path in folder.iterdir()]
    return [path for path, match in found if match and _is_left_behind(path, match)]


def sync_folder(folder: Path) -> None:
    """Bring new names in a folder to disk, on systems that can open folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@cache
def _machine() -> str:
    """A name for this machine since it was started, and this container; empty where there is none.

    Two processes of the same name can see each other in /proc.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        processes = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - what it leads to is no path
    except OSError:
        return ""
    return hashlib.blake2b(f"{boot}{processes}".encode(), digest_size=4).hexdigest()


def _is_left_behind(path: Path, name: re.Match[str]) -> bool:
    has_ended = False
    if name["machine"] and name["machine"] == _machine():
        has_ended = not Path("/proc", str(int(name["process"], 16))).exists()
    try:
        state = path.lstat()
        is_ours = is_own(state) and (stat.S_ISDIR(state.st_mode) or stat.S_ISREG(state.st_mode))
        inside = path.rglob("*") if is_ours and path.is_dir() else ()
        newest = max([state.st_mtime, *(entry.lstat().st_mtime for entry in inside)])
    except OSError:  # another process removes it
        return False
    return is_ours and (has_ended or time.time() - newest > LEFTOVER_SECONDS)
