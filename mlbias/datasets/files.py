"""What only mlbias/fetching still needs: files that are locked as long as they are open."""

import os
from pathlib import Path

from mlbias.files import new_file, sync_folder, temporary_folder, temporary_name, written_whole
from mlbias.files import sweep as _sweep

__all__ = [
    "new_temporary",
    "open_held",
    "replace_folder",
    "sweep",
    "sync_folder",
    "temporary_folder",
    "written_whole",
]


def sweep(folder: Path, prefix: str) -> None:
    """Remove what killed processes left, by the old prefix .NAME. of temporaries."""
    _sweep(folder, prefix[1:-1])


def new_temporary(path: Path) -> tuple[Path, int]:
    """A new file beside this one, and its descriptor."""
    part = temporary_name(path)
    return part, new_file(part, 0o666)


def open_held(path: Path) -> int | None:
    """Open a file to read and write, made if missing; None where another process has it open."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.lstat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except (ImportError, OSError):  # no locks here
        if os.fstat(descriptor).st_size == 0:
            path.unlink(missing_ok=True)
    os.close(descriptor)
    return None


def replace_folder(folder: Path, place: Path) -> None:
    """Exchange the names of two folders."""
    aside = temporary_name(place)
    place.rename(aside)
    try:
        folder.rename(place)
    except OSError:
        aside.rename(place)
        raise
    aside.rename(folder)
