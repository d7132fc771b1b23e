"""How much memory and how many threads this process may still take, by all who have a say in it.

Where either runs out, Polars aborts the process, so that this has to be asked before.
"""

import ctypes
import mmap
import os
import re
import sys
import threading
from contextlib import suppress
from pathlib import Path

from mlbias.core.cores import usable_threads
from mlbias.errors import DataError, OptionError
from mlbias.printable import shortened

# Where nobody says.
_ASSUMED = 4 << 30

# Measured on Linux with Polars 1.35 and 1.42: address space that is mapped once Polars has read a
# small file, on one thread, and for each further thread; and for each byte of a file.
_MAPPED, _MAPPED_PER_THREAD, _MAPPED_PER_BYTE = 1300 << 20, 160 << 20, 8
# What files take that ratings are sorted in, for each byte of text.
_MAPPED_ON_DISK = 2
# Threads that Polars starts beside the pool of its own and ours.
_OTHER_THREADS = 10
# Memory of Polars itself, the most that parts of a file take while they are read, and what ratings
# take for each byte of text.
_HELD, _HELD_BY_PARTS, _HELD_PER_BYTE = 48 << 20, 32 << 20, 0.6

# What this process takes while it reads, apart from ratings, and the least that it may be held to.
_HELD_WHILE_READING, _LEAST_LIMIT = 150 << 20, 256 << 20
# Of a limit, one of so many parts is read at a time by all threads. In parts that are smaller than
# the least, calls cost more than work.
_PARTS, _LEAST_PART, _LEAST_PER_THREAD = 64, 1 << 20, 64 << 20
_SMALL_LIMIT = 1 << 30
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([kmgt]?)(i?b?)", re.IGNORECASE)

# What malloc.h calls it, and the size from which arrays are given back.
_M_MMAP_THRESHOLD, _RETURNED = -3, 16 << 20


def check_room(n_bytes: int, threads: int | None = None, limit: int | None = None) -> None:
    """See that ratings of this many bytes can be read, before Polars is imported.

    Args:
        n_bytes: of text that is to be read.
        threads: that are wanted; by default one for each core.
        limit: of memory, beyond which ratings go to disk; see memory_limit.

    Raises:
        DataError: there is too little memory or address space, or too few threads can be started.
    """
    threads = usable_threads(threads)
    limit = memory_limit() if limit is None else limit
    space = _address_space()
    needed = _MAPPED + _MAPPED_PER_THREAD * (threads - 1)
    needed += min(_MAPPED_PER_BYTE * n_bytes, limit + _MAPPED_ON_DISK * n_bytes)
    if space is None:
        _check_threads(_OTHER_THREADS + 2 * threads)
    elif space < needed:
        raise DataError(
            f"{in_mebibytes(needed)} of address space are needed, and this process may have "
            f"{in_mebibytes(space)} (RLIMIT_AS).",
            "Raise the limit, as with `ulimit -v`; fewer `threads` need less.",
        )
    held = min(int(_HELD_PER_BYTE * n_bytes), room_for_ratings(limit))
    what_now = "Lower `memory_limit`, so that they are sorted on disk."
    check_memory(_HELD + min(n_bytes, _HELD_BY_PARTS) + held, what_now)


def check_memory(
    needed: int, advice: str = "Give the machine, the container or the process more memory."
) -> None:
    """See that this process may take so many more bytes of memory.

    Args:
        needed: bytes.
        advice: what to do where it may not.

    Raises:
        DataError: it may not.
    """
    room = available_memory()
    if needed > room:
        raise DataError(
            f"about {in_mebibytes(needed)} of memory are needed, and this process may take "
            f"{in_mebibytes(room)}.",
            advice,
        )


def memory_limit(asked: int | str | None = None) -> int:
    """Bytes of its own that this process is to take at most while it reads.

    Args:
        asked: bytes, or a size such as "4G", "1.5GiB" or "500MB"; None for half of what there is.

    Raises:
        OptionError: it is no size, or one that is too small to read anything.
    """
    if asked is None:
        return max(available_memory() // 2, _LEAST_LIMIT)
    found = _SIZE.fullmatch(f"{asked}".strip())
    if found is None:
        raise OptionError(
            f"`memory_limit` is a size such as 4G or 500M, not {shortened(f'{asked}')}."
        )
    number, prefix, base = float(found[1]), found[2].lower(), found[3].lower()
    limit = int(number * (1000 if base == "b" else 1024) ** " kmgt".index(prefix or " "))
    if limit < _LEAST_LIMIT:
        raise OptionError(
            f"`memory_limit` is at least {in_mebibytes(_LEAST_LIMIT)}, not {shortened(f'{asked}')}."
        )
    return limit


def room_for_ratings(limit: int) -> int:
    """How many bytes of a limit are left for ratings."""
    return max(limit - _HELD_WHILE_READING, 1)


def threads_within(limit: int, threads: int) -> int:
    """How many of so many threads may read within a limit, since each has a part of its own."""
    return max(min(threads, limit // _LEAST_PER_THREAD), 1)


def part_size(limit: int, threads: int) -> int:
    """The most bytes of text that so many threads read at a time within a limit."""
    return max(limit // (_PARTS * (threads + 2)), _LEAST_PART)


def let_polars_keep_little(limit: int) -> None:
    """Under a small limit let Polars, once it is imported, give back at once what it frees.

    Its allocator otherwise keeps that for ten seconds, 0.1 GB and more, and is faster by a third.
    It looks at the environment once, so that nothing is set where it would come too late.
    """
    if limit < _SMALL_LIMIT and "polars" not in sys.modules:
        os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")


def return_large_blocks() -> None:
    """From now on let the system have large arrays back as soon as they are freed.

    The C library of Linux otherwise raises the size from which it does so to that of the largest
    array that was freed, and keeps as much in the heap of each thread.
    """
    with suppress(OSError, AttributeError, TypeError):  # other systems
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _RETURNED)


def _check_threads(needed: int) -> None:
    """Start so many threads at once, and end them."""
    done = threading.Event()
    started: list[threading.Thread] = []
    try:
        for _ in range(needed):
            thread = threading.Thread(target=done.wait)
            thread.start()
            started.append(thread)
    except RuntimeError as error:
        raise DataError(
            f"{needed} threads are needed, and the system lets this process start {len(started)}.",
            "Raise the limit: `ulimit -u`, or that of the container; fewer `threads` need less.",
        ) from error
    finally:
        done.set()
        for thread in started:
            thread.join()


def in_mebibytes(n_bytes: int) -> str:
    """As 1,300 MiB."""
    return f"{n_bytes >> 20:,} MiB"


def available_memory(root: Path = Path("/")) -> int:
    """Bytes that this process may still take, at least 0.

    The least of what the machine has, what the container may use (control groups of version 1 and
    2), and what the process may map (RLIMIT_AS), each less what this process uses already. What
    other processes use is not counted.

    Args:
        root: where /proc and /sys are.
    """
    mapped, resident = _used(root)
    limits = [_machine(), *_of_control_groups(root)]
    room = [limit - resident for limit in limits if limit is not None]
    address_space = _address_space()
    if address_space is not None:
        room.append(address_space - mapped)
    return max(0, min(room, default=_ASSUMED))


def _machine() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE
    except (AttributeError, OSError, ValueError):  # Windows
        return None


def _of_control_groups(root: Path) -> list[int]:
    """The limits of this process's groups and of all groups that these are in.

    In a container a group's path may be the host's, so that only what is above it is seen.
    """
    limits = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        group = top / path.strip("/")
        above = [folder for folder in (group, *group.parents) if folder.is_relative_to(top)]
        limits += [_text(folder / name).strip() for folder in above]
    return [int(limit) for limit in limits if limit.isdecimal()]


def _address_space() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def _used(root: Path) -> tuple[int, int]:
    """Bytes of address space and of memory that this process uses; 0 where that is not known."""
    pages = _text(root / "proc/self/statm").split()
    if len(pages) < 2:
        return 0, 0
    return int(pages[0]) * mmap.PAGESIZE, int(pages[1]) * mmap.PAGESIZE


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
