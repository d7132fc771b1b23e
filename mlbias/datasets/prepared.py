"""Prepared copies: ratings on disk as the methods want them, mapped into memory, not parsed.

A copy is a folder in .mlbias-cache, beside the file or in the folder that it was made of; see
array_folder.py. Its columns:

    item                       (n,) int32, in the order of users: the columns of A as they are
    value                      (n,) the ratings; uint8 where they are few and evenly spaced, and
                               then multiplied by the manifest's "steps"
    timestamp                  (n,), where the source has them
    user_counts … item_sums    the statistics
    user_ids, item_ids         integers or text, ascending
"""

import errno
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mlbias.core.cores import usable_cores
from mlbias.core.incidence import BlockIncidence, starts_of
from mlbias.core.ratings import Values, users_of
from mlbias.core.statistics import Statistics
from mlbias.datasets.array_folder import (
    Column,
    check_trusted,
    is_ours,
    open_columns,
    read_manifest,
    write_folder,
)
from mlbias.datasets.cache_folder import CACHE_FOLDER, SUFFIX, is_own_folder, make_cache_folder
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.sources import Source
from mlbias.datasets.understood import Understood
from mlbias.datasets.value_steps import to_steps, to_values
from mlbias.files import permissions_within
from mlbias.ratings import Ratings

# Smaller files are parsed at once.
LEAST_SIZE = 16 << 20

_VERSION = 6
_STATISTICS = ("user_counts", "item_counts", "user_sums", "item_sums")
_NUMBERS = ("n_ratings", "center", "total", "squares", "low", "high")
_SAMPLES, _SAMPLE_SIZE = 128, 1 << 14


class UnusableCopyError(Exception):
    """A prepared copy that is there is not used; the message is a sentence that says why.

    Args:
        message: for the user.
        is_replaceable: whether a new copy can take its place.
    """

    def __init__(self, message: str, *, is_replaceable: bool) -> None:
        super().__init__(message)
        self.is_replaceable = is_replaceable


@dataclass(frozen=True, slots=True)
class PreparedCopy:
    """Where the copy of a source is, or would be, and what it must be a copy of.

    Attributes:
        path: of the copy.
        originals: paths of the files.
        key: all that the copy depends on: the files, their state, and how they are read.
    """

    path: Path
    originals: tuple[Path, ...]
    key: Mapping[str, Any]

    @property
    def is_ready(self) -> bool:
        """Whether the copy is there, can be trusted, and is of the files as they are now."""
        try:
            check_trusted(self.path.parent.lstat(), "its folder")
            return bool(read_manifest(self.path)["about"]["key"] == self.key)
        except (OSError, LookupError, ValueError):
            return False


def prepared_copy(
    source: Source, options: ReadOptions, *, known_as: Path | None = None
) -> PreparedCopy | None:
    """The copy of a source; None for sources that get none, such as small files.

    Args:
        source: what it is a copy of.
        options: how it is read; other options make another copy.
        known_as: the path that the file will have once its folder is renamed.
    """
    if source.path is None:
        return None
    named = {
        "path": str((known_as or source.path).resolve()),
        "member": source.member,
        "options": asdict(options),
    }
    return copy_of(source, json.loads(json.dumps(named)))


def copy_of(source: Source, named: Mapping[str, Any]) -> PreparedCopy | None:
    """The copy of a source, by the part of its key that stays when its files change.

    Args:
        source: on disk.
        named: the path that it is known by, the member of an archive, and the options.
    """
    try:
        files = tuple(file.resolve() for file in source.files)
        if not files or not all(file.is_file() for file in files):
            return None
        if sum(file.stat().st_size for file in files) < LEAST_SIZE:
            return None
        states = [_state(file, max(2, _SAMPLES // len(files))) for file in files]
    except OSError:  # the reader will say so
        return None
    # Named by what does not change, so that the copy of a changed file takes the old one's place.
    digest = hashlib.blake2b(json.dumps(named).encode(), digest_size=8).hexdigest()
    folder = Path(os.path.commonpath([file.parent for file in files]))
    name = files[0].name if len(files) == 1 else "parts"
    place = folder / CACHE_FOLDER / f"{name}.{digest}{SUFFIX}"
    return PreparedCopy(place, files, {**named, "files": states, "version": _VERSION})


def write_copy(copy: PreparedCopy, dataset: Dataset) -> int:
    """Leave a copy of ratings that are in the order of users.

    Its permissions are at most those of the files that it is made from.

    Returns:
        How many bytes it has.

    Raises:
        OSError: it cannot be written.
    """
    folder = copy.path.parent
    make_cache_folder(folder)
    mode = 0o644 & permissions_within(copy.originals, folder)
    ratings, statistics = dataset.ratings, dataset.incidence.statistics
    steps = to_steps(ratings.value)
    about = {
        "key": copy.key,
        "steps": None if steps is None else steps[1],
        "value_type": ratings.value.dtype.newbyteorder("<").str,
        "understood": asdict(dataset.understood),
        "untimed": ratings.untimed,
        "statistics": {name: getattr(statistics, name) for name in _NUMBERS},
        "fingerprint": dataset.fingerprint,
    }
    columns = _columns(dataset, ratings.value if steps is None else steps[0])
    return write_folder(copy.path, about, columns, mode)


def load_copy(copy: PreparedCopy, threads: int | None = None) -> Dataset | None:
    """The ratings that the copy holds; None if it is not there, or of another state of the file.

    Raises:
        UnusableCopyError: it is damaged, or somebody else may have written it.
    """
    if not os.path.lexists(copy.path):
        return None
    try:
        check_trusted(copy.path.parent.lstat(), str(copy.path.parent))
        manifest = read_manifest(copy.path)
        about = manifest["about"]
        if about["key"] != copy.key:
            return None
        columns = open_columns(copy.path, manifest["files"], threads or usable_cores())
        return _dataset(about, columns, threads)
    except PermissionError as error:
        raise _unusable(copy, f"is not used: {error.strerror}") from error
    except (OSError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            raise MemoryError from error
        raise _unusable(copy, "was damaged") from error


def _unusable(copy: PreparedCopy, why: str) -> UnusableCopyError:
    is_replaceable = is_own_folder(copy.path.parent) and is_ours(copy.path)
    what_now = "it is made anew" if is_replaceable else "remove it to have a new one made"
    message = f"the prepared copy {copy.path} {why}; {what_now}"
    return UnusableCopyError(message, is_replaceable=is_replaceable)


def _state(path: Path, n_samples: int) -> list[Any]:
    """What changes with a file: its name, size, times and inode, and a checksum of samples."""
    state = path.stat()
    checksum = _sampled_checksum(path, state.st_size, n_samples)
    return [
        path.name, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, checksum,
    ]  # fmt: skip


def _sampled_checksum(path: Path, size: int, n_samples: int) -> int:
    """CRC-32 of all of a small file, or of evenly spaced pieces, the last bytes included."""
    checksum = 0
    last = max(size - _SAMPLE_SIZE, 0)
    starts = {k * last // (n_samples - 1) for k in range(n_samples)}
    if size <= n_samples * _SAMPLE_SIZE:
        starts = set(range(0, size, _SAMPLE_SIZE))
    with path.open("rb", buffering=0) as file:
        for start in sorted(starts):
            file.seek(start)
            checksum = zlib.crc32(file.read(_SAMPLE_SIZE), checksum)
    return checksum


def _columns(dataset: Dataset, value: Column) -> Iterator[tuple[str, Column]]:
    """The columns of a copy by the names of their files."""
    ratings, statistics = dataset.ratings, dataset.incidence.statistics
    yield "item.npy", ratings.item
    if ratings.timestamp is not None:
        yield "timestamp.npy", ratings.timestamp
    yield "value.npy", value
    for name in _STATISTICS:
        yield f"{name}.npy", getattr(statistics, name)
    for name, ids in (("user_ids", dataset.user_ids), ("item_ids", dataset.item_ids)):
        yield f"{name}.npy" if isinstance(ids, np.ndarray) else f"{name}.arrow", ids


def _dataset(about: Mapping[str, Any], columns: Mapping[str, Any], threads: int | None) -> Dataset:
    user_ids, item_ids = columns["user_ids"], columns["item_ids"]
    statistics = Statistics(**about["statistics"], **{name: columns[name] for name in _STATISTICS})
    item, starts = columns["item"], starts_of(statistics.user_counts)
    fits = len(item) == statistics.n_ratings == starts[-1] and (np.diff(starts) > 0).all()
    # SciPy trusts its indices; a copy that was made up must not lead it astray.
    if not fits or item.view(np.uint32).max() >= statistics.n_items:
        raise ValueError("the columns do not fit together")

    @cache
    def values() -> Values:
        return to_values(columns["value"], about["steps"], about["value_type"])

    def ratings() -> Ratings:
        timestamp = columns.get("timestamp")
        untimed = str(about["untimed"])
        return Ratings(users_of(starts), item, values(), user_ids, item_ids, timestamp, untimed)

    return Dataset(
        user_ids=user_ids,
        item_ids=item_ids,
        n_ratings=statistics.n_ratings,
        understood=Understood.from_record(about["understood"]),
        incidence=lambda: BlockIncidence.restored(item, values, statistics, threads),
        ratings=ratings,
        fingerprint=about["fingerprint"],
    )
