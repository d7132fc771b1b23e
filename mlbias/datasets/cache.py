"""The prepared copies on disk: which there are, and away with them."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlbias.datasets.array_file import DamagedFileError, read_about
from mlbias.datasets.columns import IdKind, ReadOptions
from mlbias.datasets.prepared import CACHE_FOLDER, SUFFIX, prepared_copy
from mlbias.datasets.sources import Source
from mlbias.files import sweep


@dataclass(frozen=True, slots=True)
class CachedCopy:
    """A prepared copy as its header tells.

    Args:
        path: of the copy.
        size: of it, in bytes.
        source: what it was made of; None where the header is damaged.
        n_ratings: how many it holds, alike.
        is_ready: whether it is of the file as it is now, so that the next run takes it.
    """

    path: Path
    size: int
    source: Source | None = None
    n_ratings: int | None = None
    is_ready: bool = False


def cached_copies(folder: Path) -> list[CachedCopy]:
    """The prepared copies of files that are in this folder."""
    return [_cached(path) for path in sorted((folder / CACHE_FOLDER).glob(f"*{SUFFIX}"))]


def clear_copies(folder: Path) -> int:
    """Remove this folder's prepared copies, and what killed processes left; bytes it freed.

    Raises:
        OSError: one cannot be removed.
    """
    freed = 0
    for path in (folder / CACHE_FOLDER).glob(f"*{SUFFIX}"):
        with suppress(FileNotFoundError):  # another process clears too
            freed += path.stat().st_size
            path.unlink()
    sweep(folder / CACHE_FOLDER, ".")
    # Another process may be writing a copy just now.
    if (folder / CACHE_FOLDER).is_dir() and not any((folder / CACHE_FOLDER).iterdir()):
        (folder / CACHE_FOLDER).rmdir()
    return freed


def _cached(path: Path) -> CachedCopy:
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            about = read_about(file)
        key = about["key"]
        member = f"/{key['member']}" if key["member"] else ""
        source = Source(f"{key['path']}{member}", Path(key["path"]), key["member"])
        options = ReadOptions(**{**key["options"], "ids": IdKind(key["options"]["ids"])})
        n_ratings = int(about["n_ratings"])
    except (OSError, DamagedFileError, KeyError, TypeError, ValueError):
        return CachedCopy(path, size)
    current = prepared_copy(source, options)
    return CachedCopy(path, size, source, n_ratings, current is not None and current.is_ready)
