"""Who may read and write a file: a new one is open to nobody who could not see what it shows."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def is_own(state: os.stat_result) -> bool:
    """Whether a file or folder belongs to the user whose process this is."""
    return not hasattr(os, "geteuid") or state.st_uid == os.geteuid()


def is_trusted(state: os.stat_result) -> bool:
    """Whether only the user and root can have written a file, or to a folder."""
    is_ours = is_own(state) or state.st_uid == 0
    return is_ours and (not hasattr(os, "geteuid") or not state.st_mode & 0o022)


def permissions_within(made_from: Iterable[Path], folder: Path) -> int:
    """Permissions for a new file in a folder that let nobody else do more than those of others.

    Args:
        made_from: the other files; those that are gone do not count.
        folder: where the new file will be.
    """
    state = folder.stat()
    # A folder with the set-group-ID bit gives its group to all that is made in it.
    is_inherited = state.st_mode & stat.S_ISGID or not hasattr(os, "getegid")
    group = state.st_gid if is_inherited else os.getegid()
    mode = 0o666
    for path in made_from:
        with suppress(OSError):
            mode &= permissions_of(path.stat(), group) | 0o600
    return mode


def permissions_of(known: os.stat_result, group: int) -> int:
    """Permissions for a new file of a group that let nobody do more than those of a known one."""
    mode = stat.S_IMODE(known.st_mode) & 0o777
    if known.st_gid == group:
        return mode
    # Members of either group may be among the others of the other one.
    everyone = mode >> 3 & mode & 0o007
    return mode & 0o700 | everyone << 3 | everyone
