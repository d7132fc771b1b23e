"""The prepared copies on disk: listed and removed."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlbias.datasets.array_folder import read_manifest, remove_folder
from mlbias.datasets.cache_folder import CACHE_FOLDER, is_own_folder, own_copies, sweep_cache
from mlbias.datasets.prepared import copy_of
from mlbias.datasets.sources import Source


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
    return [_cached(path) for path in own_copies(folder / CACHE_FOLDER)]


def clear_copies(folder: Path) -> int:
    """Remove this user's prepared copies in a folder, and what killed processes left of others.

    Only what mlbias made is removed, and nothing where the folder of copies is a symbolic link or
    belongs to another user.

    Returns:
        How many bytes were freed.

    Raises:
        OSError: a copy cannot be removed.
    """
    cache = folder / CACHE_FOLDER
    if not is_own_folder(cache):
        return 0
    freed = sum(remove_folder(path) for path in own_copies(cache))
    sweep_cache(cache)
    with suppress(OSError):  # another process may be writing a copy, or the folder holds more
        cache.rmdir()
    return freed


def _cached(path: Path) -> CachedCopy:
    size = sum(file.lstat().st_size for file in path.iterdir())
    try:
        about = read_manifest(path)["about"]
        key = about["key"]
        named = {name: key[name] for name in ("path", "member", "options")}
        original, member = Path(key["path"]), key["member"]
        label = f"{original}/{member}" if member else str(original)
        source = Source(label, original, member)
        current = copy_of(source, named)
        is_ready = current is not None and current.key == key and current.path == path.resolve()
        n_ratings = int(about["statistics"]["n_ratings"])
    except (OSError, LookupError, TypeError, ValueError):
        return CachedCopy(path, size)
    return CachedCopy(path, size, source, n_ratings, is_ready)
