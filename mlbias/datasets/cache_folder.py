"""The folder .mlbias-cache beside ratings files: made, trusted, swept."""

import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mlbias.datasets.array_folder import check_trusted, is_ours, remove_folder
from mlbias.files import leftovers
from mlbias.permissions import is_own, is_trusted

CACHE_FOLDER = ".mlbias-cache"
SUFFIX = ".copy"

# Copies were single files once, and began with these bytes, or zeros where they were not finished.
_OLD_NAME = re.compile(r"\.?.+\.[0-9a-f]{16}\.prepared(\.[0-9a-f]{8}\.part)?")
_OLD_MAGIC = b"mlbias arrays 1\n"


def make_cache_folder(folder: Path) -> None:
    """Make the folder if it is missing, close it to other users, and sweep it.

    Raises:
        PermissionError: it belongs to another user, or is a symbolic link.
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        folder.mkdir(0o755)
    if is_own_folder(folder) and not is_trusted(folder.lstat()):
        folder.chmod(stat.S_IMODE(folder.lstat().st_mode) & ~0o022)
    check_trusted(folder.lstat(), str(folder))
    sweep_cache(folder)


def is_own_folder(folder: Path) -> bool:
    """Whether it is a folder of this user's, and not a symbolic link to one."""
    return folder.is_dir() and not folder.is_symlink() and is_own(folder.lstat())


def own_copies(folder: Path) -> Iterator[Path]:
    """The copies of this user's in it."""
    if is_own_folder(folder):
        yield from (path for path in sorted(folder.glob(f"*{SUFFIX}")) if is_ours(path))


def sweep_cache(folder: Path) -> None:
    """Remove what killed processes left in it, and copies of an older format."""
    for path in leftovers(folder, rf".+\.[0-9a-f]{{16}}\{SUFFIX}"):
        with suppress(OSError):
            remove_folder(path)
    for path in folder.iterdir():
        with suppress(OSError):
            if _OLD_NAME.fullmatch(path.name) and _is_old_copy(path):
                path.unlink()


def _is_old_copy(path: Path) -> bool:
    state = path.lstat()
    if not (stat.S_ISREG(state.st_mode) and is_own(state)):
        return False
    with path.open("rb") as file:
        return file.read(len(_OLD_MAGIC)) in (_OLD_MAGIC, bytes(len(_OLD_MAGIC)), b"")
