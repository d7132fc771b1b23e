"""The prepared copies on disk: listed and removed."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlbias.datasets.array_folder import (
    DamagedFolderError,
    UntrustedFolderError,
    is_ours,
    read_about,
    remove_folder,
    size_of,
)
from mlbias.datasets.prepared import CACHE_FOLDER, SUFFIX, copy_of, sweep_cache
from mlbias.datasets.sources import Source
from mlbias.files import is_own


@dataclass(frozen=True, slots=True)
class CachedCopy:
    """A prepared copy as its manifest describes it.

    Attributes:
        path: of the copy.
        size: of its files, in bytes.
        source: what it was made of; None where the manifest is damaged.
        n_ratings: how many it holds; None likewise.
        is_ready: whether it is of the file as it is now, so that the next run takes it.
    """

    path: Path
    size: int
    source: Source | None = None
    n_ratings: int | None = None
    is_ready: bool = False


def cached_copies(folder: Path) -> list[CachedCopy]:
    """This user's prepared copies of the files in a folder."""
    return [_cached(path) for path in _copies(folder / CACHE_FOLDER)]


def clear_copies(folder: Path) -> int:
    """Remove this user's prepared copies in a folder, and what killed processes left of others.

    Only what mlbias made is removed, and nothing where the folder of copies is a symbolic link or
    belongs to another user.

    Returns:
        How many bytes were freed.

    Raises:
        OSError: a copy cannot be removed.
    """
    cache, freed = folder / CACHE_FOLDER, 0
    if not _is_own_folder(cache):
        return 0
    for path in _copies(cache):
        with suppress(FileNotFoundError):  # another process clears too
            size = size_of(path)
            remove_folder(path)
            freed += size
    sweep_cache(cache)
    with suppress(OSError):  # another process may be writing a copy, or the folder holds more
        cache.rmdir()
    return freed


def _copies(cache: Path) -> Iterator[Path]:
    """The folders of copies that are ours."""
    if _is_own_folder(cache):
        yield from (path for path in sorted(cache.glob(f"*{SUFFIX}")) if is_ours(path))


def _is_own_folder(cache: Path) -> bool:
    return cache.is_dir() and not cache.is_symlink() and is_own(cache.lstat())


def _cached(path: Path) -> CachedCopy:
    size = size_of(path)
    try:
        about = read_about(path)
        key: dict[str, Any] = about["key"]
        named = {name: key[name] for name in ("path", "member", "options")}
        original, member = Path(key["path"]), key["member"]
        label = f"{original}/{member}" if member else str(original)
        current = copy_of(original, named)
        is_ready = current is not None and current.key == key and current.path == path.resolve()
        n_ratings = int(about["statistics"]["n_ratings"])
    except (OSError, DamagedFolderError, UntrustedFolderError, KeyError, TypeError, ValueError):
        return CachedCopy(path, size)
    return CachedCopy(path, size, Source(label, original, member), n_ratings, is_ready)
