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
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlbias.core.compact import Steps, UserRuns
from mlbias.core.cores import usable_cores
from mlbias.core.incidence import BlockIncidence
from mlbias.core.statistics import Statistics
from mlbias.datasets.array_folder import check_trusted, is_ours, open_columns, read_manifest
from mlbias.datasets.cache_folder import CACHE_FOLDER, SUFFIX, is_own_folder, make_cache_folder
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.new_folder import NewFolder, check_place, new_folder
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.original_state import states_of
from mlbias.datasets.sources import Source
from mlbias.datasets.understood import Understood
from mlbias.datasets.value_steps import from_steps, to_steps
from mlbias.permissions import permissions_within
from mlbias.ratings import Ratings

# Smaller files are parsed at once.
LEAST_SIZE = 16 << 20

_VERSION = 7
_STATISTICS = ("user_counts", "item_counts", "user_sums", "item_sums")
_NUMBERS = ("n_ratings", "center", "total", "squares", "low", "high")


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
    def mode(self) -> int:
        """Permissions of its files: nobody may read it who may not read the originals."""
        return 0o644 & permissions_within(self.originals, self.path.parent)

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
        states = states_of(files)
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
    make_cache_folder(copy.path.parent)
    check_place(copy.path)
    ratings = dataset.ratings
    column = ratings.value_column
    with new_folder(copy.path, copy.mode) as folder:
        folder.write("item.npy", ratings.item)
        if ratings.timestamp is not None:
            folder.write("timestamp.npy", ratings.timestamp)
        steps = column if isinstance(column, Steps) else to_steps(ratings.value)
        folder.write("value.npy", ratings.value if steps is None else steps.counts)
        form = column.dtype, None if steps is None else steps.steps
        size = finish_copy(folder, dataset, copy.key, form, ratings.untimed)
        folder.publish()
    return size


def finish_copy(
    folder: NewFolder,
    dataset: Dataset,
    key: Mapping[str, Any],
    form: tuple[np.dtype[Any], int | None],
    untimed: str,
) -> int:
    """Write what a copy has beside the columns of ratings.

    Args:
        folder: has those.
        dataset: of the same ratings.
        key: see PreparedCopy.
        form: the type of the ratings, and the steps that make 1 where steps are what is stored.
        untimed: see Ratings.

    Returns:
        How many bytes the copy has.

    Raises:
        OSError: it cannot be written.
    """
    statistics = dataset.incidence.statistics
    for name in _STATISTICS:
        folder.write(f"{name}.npy", getattr(statistics, name))
    for name, ids in (("user_ids", dataset.user_ids), ("item_ids", dataset.item_ids)):
        folder.write(f"{name}.npy" if isinstance(ids, np.ndarray) else f"{name}.arrow", ids)
    about = {
        "key": key,
        "steps": form[1],
        "value_type": form[0].newbyteorder("<").str,
        "understood": asdict(dataset.understood),
        "untimed": untimed,
        "statistics": {name: getattr(statistics, name) for name in _NUMBERS},
        "fingerprint": dataset.fingerprint,
    }
    return folder.finish(about)


def load_copy(copy: PreparedCopy, threads: int | None = None) -> Dataset | None:
    """The ratings that the copy holds; None if it is not there, or of another state of the file.

    Raises:
        UnusableCopyError: it is damaged, or somebody else may have written it.
    """
    if not os.path.lexists(copy.path):
        return None
    try:
        check_trusted(copy.path.parent.lstat(), str(copy.path.parent))
        return load_folder(copy.path, copy.key, threads)
    except PermissionError as error:
        raise _unusable(copy, f"is not used: {error.strerror}") from error
    except (OSError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            raise MemoryError from error
        raise _unusable(copy, "was damaged") from error


def load_folder(path: Path, key: Mapping[str, Any], threads: int | None = None) -> Dataset | None:
    """The ratings in the folder of a copy; None if it is one of another key.

    Raises:
        OSError, LookupError, TypeError, ValueError: it is damaged.
    """
    manifest = read_manifest(path)
    about = manifest["about"]
    if about["key"] != key:
        return None
    columns = open_columns(path, manifest["files"], threads or usable_cores())
    return _dataset(about, columns, threads)


def _unusable(copy: PreparedCopy, why: str) -> UnusableCopyError:
    is_replaceable = is_own_folder(copy.path.parent) and is_ours(copy.path)
    what_now = "it is made anew" if is_replaceable else "remove it to have a new one made"
    message = f"the prepared copy {copy.path} {why}; {what_now}"
    return UnusableCopyError(message, is_replaceable=is_replaceable)


def _dataset(about: Mapping[str, Any], columns: Mapping[str, Any], threads: int | None) -> Dataset:
    user_ids, item_ids = columns["user_ids"], columns["item_ids"]
    statistics = Statistics(**about["statistics"], **{name: columns[name] for name in _STATISTICS})
    item, users = columns["item"], UserRuns.of_counts(statistics.user_counts)
    fits = len(item) == statistics.n_ratings == len(users) and (np.diff(users.starts) > 0).all()
    # SciPy trusts its indices; a copy that was made up must not lead it astray.
    if not fits or item.view(np.uint32).max() >= statistics.n_items:
        raise ValueError("the columns do not fit together")

    value = from_steps(columns["value"], about["steps"], about["value_type"])

    def ratings() -> Ratings:
        timestamp = columns.get("timestamp")
        untimed = str(about["untimed"])
        users = UserRuns.of_counts(statistics.user_counts)
        return Ratings(users, item, value, user_ids, item_ids, timestamp, untimed)

    return Dataset(
        user_ids=user_ids,
        item_ids=item_ids,
        n_ratings=statistics.n_ratings,
        understood=Understood.from_record(about["understood"]),
        incidence=lambda: BlockIncidence.restored(item, value, statistics, threads),
        ratings=ratings,
        fingerprint=about["fingerprint"],
    )
