"""How much memory this process may still take, by all who have a say in it."""

import os
import sys
from pathlib import Path

# Where nobody says.
_ASSUMED = 4 << 30


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
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
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
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def _used(root: Path) -> tuple[int, int]:
    """Bytes of address space and of memory that this process uses; 0 where that is not known."""
    pages = _text(root / "proc/self/statm").split()
    if len(pages) < 2:
        return 0, 0
    size = os.sysconf("SC_PAGE_SIZE")
    return int(pages[0]) * size, int(pages[1]) * size


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
