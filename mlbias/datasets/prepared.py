"""Prepared copies: ratings on disk as the methods want them, mapped into memory, not parsed.

A copy lies in a folder .mlbias-cache beside the file that it was made of, in the format of
array_file.py. Its arrays:

    item                       (n,) int32, in the order of users: the columns of A as they are
    value_code, value_table    (n,) codes of one byte and the ratings behind them; or
    value                      (n,) where more than 256 ratings differ
    timestamp                  (n,) int32 or int64, where the source has them
    user_counts … item_sums    the statistics
    user_ids, item_ids         see mlbias/ids.py
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.cores import usable_cores
from mlbias.core.incidence import BlockIncidence, starts_of
from mlbias.core.ratings import users_of
from mlbias.core.statistics import Statistics
from mlbias.datasets.array_file import DamagedFileError, map_arrays, read_about, write_arrays
from mlbias.datasets.columns import ReadOptions
from mlbias.datasets.dataset import Dataset, Oddities
from mlbias.datasets.sources import Source
from mlbias.datasets.value_codes import coded, decoded
from mlbias.files import sweep, written_whole
from mlbias.ids import packed_ids, unpacked_ids
from mlbias.ratings import Ratings

CACHE_FOLDER = ".mlbias-cache"
SUFFIX = ".prepared"
# Smaller files are parsed at once.
LEAST_SIZE = 16 << 20

_VERSION = 2

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class PreparedCopy:
    """Where the copy of a source is, or would be, and what it must be a copy of.

    Args:
        path: of the copy.
        key: all that the copy depends on: the file, its state, and how it is read.
    """

    path: Path
    key: Mapping[str, Any]

    @property
    def is_ready(self) -> bool:
        """Whether it is there and of the file as it is now."""
        try:
            with self.path.open("rb") as file:
                return bool(read_about(file)["key"] == self.key)
        except (OSError, DamagedFileError):
            return False


def prepared_copy(
    source: Source, options: ReadOptions, *, known_as: Path | None = None
) -> PreparedCopy | None:
    """The copy of a source; None for sources that get none, as small files.

    Args:
        source: what it is a copy of.
        options: how it is read; other options make another copy.
        known_as: the path that the file will have once its folder is renamed.
    """
    if source.path is None or not source.path.is_file():
        return None
    state = source.path.stat()
    if state.st_size < LEAST_SIZE:
        return None
    path = source.path.resolve()
    named = {
        "path": str(known_as.resolve() if known_as else path),
        "member": source.member,
        "options": asdict(options),
    }
    key = named | {
        "size": state.st_size,
        "mtime_ns": state.st_mtime_ns,
        "ctime_ns": state.st_ctime_ns,
        "inode": state.st_ino,
        "version": _VERSION,
    }
    # Named by what does not change, so that the copy of a changed file takes the old one's place.
    digest = hashlib.blake2b(json.dumps(named).encode(), digest_size=8).hexdigest()
    name = f"{path.name}.{digest}{SUFFIX}"
    return PreparedCopy(path.parent / CACHE_FOLDER / name, key)


def write_copy(copy: PreparedCopy, dataset: Dataset) -> None:
    """Leave a copy of ratings that are in the order of users.

    Raises:
        OSError: it cannot be written.
    """
    statistics = dataset.incidence.statistics
    about = {
        "key": copy.key,
        "n_ratings": dataset.n_ratings,
        "oddities": asdict(dataset.oddities),
        "center": statistics.center,
        "total": statistics.total,
        "squares": statistics.squares,
        "low": statistics.low,
        "high": statistics.high,
        "fingerprint": dataset.fingerprint,
    }
    with written_whole(copy.path) as file:
        write_arrays(file, about, _arrays(dataset))


def load_copy(copy: PreparedCopy, threads: int | None = None) -> Dataset | None:
    """The set that the copy holds; None if it is not there, or of another state of the file.

    Raises:
        DamagedFileError: it is not what was written.
    """
    sweep(copy.path.parent, ".")
    try:
        file = copy.path.open("rb")
    except OSError:
        return None
    with file:
        try:
            about = read_about(file)
            if about["key"] != copy.key:
                return None
            return _dataset(about, map_arrays(file, threads or usable_cores()), threads)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise DamagedFileError from error


def _arrays(dataset: Dataset) -> Iterator[tuple[str, NDArray[Any]]]:
    """The parts of a copy, made one after the other."""
    ratings, statistics = dataset.ratings, dataset.incidence.statistics
    yield "item", ratings.item
    if ratings.timestamp is not None:
        yield "timestamp", ratings.timestamp
    codes = coded(ratings.value)
    if codes is None:
        yield "value", ratings.value
    else:
        yield from zip(("value_code", "value_table"), codes, strict=True)
    for name in ("user_counts", "item_counts", "user_sums", "item_sums"):
        yield name, getattr(statistics, name)
    yield from packed_ids("user_ids", dataset.user_ids).items()
    yield from packed_ids("item_ids", dataset.item_ids).items()


def _dataset(about: Mapping[str, Any], arrays: Arrays, threads: int | None) -> Dataset:
    user_ids, item_ids = unpacked_ids("user_ids", arrays), unpacked_ids("item_ids", arrays)
    statistics = Statistics(
        n_ratings=about["n_ratings"],
        center=about["center"],
        total=about["total"],
        squares=about["squares"],
        low=about["low"],
        high=about["high"],
        user_counts=arrays["user_counts"],
        item_counts=arrays["item_counts"],
        user_sums=arrays["user_sums"],
        item_sums=arrays["item_sums"],
    )
    item, starts = arrays["item"], starts_of(statistics.user_counts)
    fits = len(item) == statistics.n_ratings == starts[-1] and (np.diff(starts) > 0).all()
    # SciPy trusts its indices; those of a file that somebody made up must not lead astray.
    if not fits or item.view(np.uint32).max() >= statistics.n_items:
        raise ValueError("the parts do not fit together")

    def ratings() -> Ratings:
        coded = "value_code" in arrays
        value = decoded(arrays["value_code"], arrays["value_table"]) if coded else arrays["value"]
        timestamp = arrays.get("timestamp")
        return Ratings(users_of(starts), item, value, user_ids, item_ids, timestamp)

    return Dataset(
        user_ids=user_ids,
        item_ids=item_ids,
        n_ratings=statistics.n_ratings,
        oddities=Oddities(**about["oddities"]),
        incidence=lambda: BlockIncidence.restored(item, statistics, threads),
        ratings=ratings,
        fingerprint=about["fingerprint"],
    )
