"""Generated ratings in a CSV or Parquet file, and the truth that they were drawn from beside it.

The truth is a NumPy archive (npz) of plain arrays: alpha, sigma, sigma_user, sigma_item and seed,
numbers; user_ids and item_ids, ascending, with user_bias and item_bias in the same order.
"""

import os
import zipfile
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from mlbias.datasets.folders import TRUTH_ENDING
from mlbias.datasets.generated.generator import Block, Generator, Truth
from mlbias.datasets.writing import sink_frames
from mlbias.errors import DataError
from mlbias.files import obstacle, written_whole

Progress = Callable[[int, int | None], None]

_SCHEMA = {"userId": pl.Int64, "movieId": pl.Int64, "rating": pl.Float64, "timestamp": pl.Int64}
_ROWS_A_GROUP = 1 << 20
_TRUTH = (
    "alpha", "sigma", "sigma_user", "sigma_item", "seed",
    "user_ids", "user_bias", "item_ids", "item_bias",
)  # fmt: skip


class Format(StrEnum):
    """What the ratings' file is."""

    CSV = "csv"
    PARQUET = "parquet"

    @property
    def label(self) -> str:
        """What people call it."""
        return {Format.CSV: "CSV", Format.PARQUET: "Parquet"}[self]


class RatingCounts:
    """How many ratings were written of each user and of each item, in the order of the truth.

    Args:
        truth: with the ids of both.
    """

    def __init__(self, truth: Truth) -> None:
        self.per_user = np.zeros(len(truth.user_ids), np.int64)
        self.per_item = np.zeros(len(truth.item_ids), np.int64)

    def add(self, block: Block) -> None:
        """Count one more block."""
        first, last = int(block.user[0]), int(block.user[-1])
        self.per_user[first : last + 1] += np.bincount(block.user - first)
        self.per_item += np.bincount(block.item, minlength=len(self.per_item))

    @property
    def n_ratings(self) -> int:
        """All of them."""
        return int(self.per_user.sum())

    @property
    def n_users(self) -> int:
        """Users, of whom each has a rating."""
        return len(self.per_user)

    @property
    def n_items(self) -> int:
        """Items that have a rating, which are those that a reader of the file finds."""
        return int(np.count_nonzero(self.per_item))


def truth_path(path: Path) -> Path:
    """Where the truth behind a ratings file is: beside it, or beside what a link leads to."""
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    return path.with_name(path.name + TRUTH_ENDING)


def check_place(path: Path, *, force: bool = False) -> None:
    """See that ratings and their truth can be written here without harm to another file.

    Args:
        path: of the ratings.
        force: whether files may be replaced that were not generated, or were changed since.

    Raises:
        DataError: something other than a regular file has the name, there is no folder to write
            to, or a file would be replaced that is not ours.
    """
    for file in (path, truth_path(path)) if path.name else (path,):
        reason = obstacle(file)
        if reason:
            raise DataError(f"{file} cannot be written: {reason}.")
    if not force and path.exists() and not _is_generated(path):
        raise DataError(
            f"{path} exists and is not known to be generated, so it is not replaced.",
            "Replace it with `force`, or name another file with `out`.",
        )
    truth = truth_path(path)
    if not force and truth.exists() and not _is_truth(truth):
        raise DataError(
            f"{truth} exists and is not the truth of generated ratings, so it is not replaced.",
            "Replace it with `force`, or name another file with `out`.",
        )


def _is_generated(path: Path) -> bool:
    """Whether its truth is beside it and is newer, as it is unless the ratings were changed."""
    truth = truth_path(path)
    return _is_truth(truth) and path.stat().st_mtime_ns <= truth.stat().st_mtime_ns


def _is_truth(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{name}.npy" for name in _TRUTH} == set(archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, RuntimeError):
        return False


def write_generated(
    generator: Generator, path: Path, file_format: Format, progress: Progress | None = None
) -> RatingCounts:
    """Write all ratings and the truth; the same generator and Polars give the same bytes.

    Both files are whole or not there, and new ratings never without their truth. Holds a block of
    about a million ratings or a few, however many there are.

    Args:
        generator: of the ratings.
        path: of the ratings; what has the name is replaced.
        file_format: of the ratings.
        progress: called after each block with the ratings so far, and those in all.

    Raises:
        DataError: a file cannot be written.
    """
    counts = RatingCounts(generator.truth)
    write = _write_parquet if file_format is Format.PARQUET else _write_csv
    try:
        with written_whole(path) as file:
            write(_frames(generator, counts, progress), file)
            # Only now, so that ratings that are to be replaced keep their own truth until then; on
            # disk first, so that nothing but two renames is between the one and the other.
            file.flush()
            os.fsync(file.fileno())
            _write_truth(generator, truth_path(path))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be written: {reason}.") from error
    return counts


def _frames(
    generator: Generator, counts: RatingCounts, progress: Progress | None
) -> Iterator[pl.DataFrame]:
    """The blocks as tables, counted on the way."""
    truth = generator.truth
    for block in generator.blocks():
        columns = (
            truth.user_ids[block.user], truth.item_ids[block.item], block.value, block.timestamp,
        )  # fmt: skip
        counts.add(block)
        yield pl.DataFrame(dict(zip(_SCHEMA, columns, strict=True)))
        if progress:
            progress(counts.n_ratings, generator.shape.n_ratings)


def _write_csv(frames: Iterator[pl.DataFrame], file: BinaryIO) -> None:
    file.write((",".join(_SCHEMA) + "\n").encode())
    for frame in frames:
        frame.write_csv(file, include_header=False)


def _write_parquet(frames: Iterator[pl.DataFrame], file: BinaryIO) -> None:
    sink_frames(frames, _SCHEMA, lambda rows: rows.sink_parquet(file, row_group_size=_ROWS_A_GROUP))


def _write_truth(generator: Generator, path: Path) -> None:
    truth = generator.truth
    values = (
        truth.alpha, truth.noise, truth.user_sd, truth.item_sd, generator.seed,
        truth.user_ids, truth.user_bias, truth.item_ids, truth.item_bias,
    )  # fmt: skip
    arrays = {name: np.asarray(value) for name, value in zip(_TRUTH, values, strict=True)}
    with written_whole(path) as file:
        # Its stubs take **arrays for allow_pickle, a parameter of newer versions.
        np.savez(file, **arrays)  # type: ignore[arg-type]
