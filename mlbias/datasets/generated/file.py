"""Generated ratings in a CSV or Parquet file, and the truth that they were drawn from beside it.

The truth is a NumPy archive (npz) of plain arrays: alpha, sigma, sigma_user, sigma_item and seed,
numbers; user_ids and item_ids, ascending, with user_bias and item_bias in the same order.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from mlbias.datasets.generated.generator import Block, Generator, Truth
from mlbias.datasets.sources import TRUTH_ENDING
from mlbias.errors import DataError
from mlbias.files import unwritable_folder, written_whole

Progress = Callable[[int, int | None], None]

_SCHEMA = {"userId": pl.Int64, "movieId": pl.Int64, "rating": pl.Float64, "timestamp": pl.Int64}
_ROWS_A_GROUP = 1 << 20


class Format(StrEnum):
    """What the ratings' file is."""

    CSV = "csv"
    PARQUET = "parquet"

    @property
    def label(self) -> str:
        """What people call it."""
        return {Format.CSV: "CSV", Format.PARQUET: "Parquet"}[self]


class Tally:
    """How many ratings were written of each user and of each item, in the order of the truth.

    Args:
        truth: with the ids of both.
    """

    def __init__(self, truth: Truth) -> None:
        self.per_user = np.zeros(len(truth.user_ids), np.int64)
        self.per_item = np.zeros(len(truth.item_ids), np.int64)

    def add(self, block: Block) -> None:
        """Count one more block."""
        self.per_user += np.bincount(block.user, minlength=len(self.per_user))
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
    """Where the truth behind a ratings file is."""
    return path.with_name(path.name + TRUTH_ENDING)


def check_place(path: Path) -> None:
    """See that ratings and their truth can be written here.

    Raises:
        DataError: a folder has the name, or there is no folder to write to.
    """
    for file in (path, truth_path(path)):
        if file.is_dir():
            raise DataError(f"{file} is a folder, so that no file of that name can be written.")
    blocking = unwritable_folder(path)
    if blocking is not None:
        raise DataError(f"{path} cannot be written: {blocking} is no folder to write to.")


def write_generated(
    generator: Generator, path: Path, file_format: Format, progress: Progress | None = None
) -> Tally:
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
    tally = Tally(generator.truth)
    write = _write_parquet if file_format is Format.PARQUET else _write_csv
    try:
        with written_whole(path) as file:
            write(_frames(generator, tally, progress), file)
            # Only now, so that ratings that are to be replaced keep their own truth until then; on
            # disk first, so that nothing but two renames is between the one and the other.
            file.flush()
            os.fsync(file.fileno())
            _write_truth(generator, truth_path(path))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be written: {reason}.") from error
    return tally


def _frames(
    generator: Generator, tally: Tally, progress: Progress | None
) -> Iterator[pl.DataFrame]:
    """The blocks as tables, counted on the way."""
    truth = generator.truth
    for block in generator.blocks():
        columns = (
            truth.user_ids[block.user], truth.item_ids[block.item], block.value, block.timestamp,
        )  # fmt: skip
        tally.add(block)
        yield pl.DataFrame(dict(zip(_SCHEMA, columns, strict=True)))
        if progress:
            progress(tally.n_ratings, generator.shape.n_ratings)


def _write_csv(frames: Iterator[pl.DataFrame], file: BinaryIO) -> None:
    file.write((",".join(_SCHEMA) + "\n").encode())
    for frame in frames:
        frame.write_csv(file, include_header=False)


def _write_parquet(frames: Iterator[pl.DataFrame], file: BinaryIO) -> None:
    """Let Polars ask for one frame after the other, so that it never holds all of them.

    It does so in another thread, because ours could handle no signal as long as it is in Polars.
    """
    stopped = threading.Event()

    def source(*_: object) -> Iterator[pl.DataFrame]:
        for frame in frames:
            if stopped.is_set():
                return
            yield frame

    ratings = register_io_source(source, schema=_SCHEMA)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(ratings.sink_parquet, file, row_group_size=_ROWS_A_GROUP)
        try:
            writing.result()
        finally:
            stopped.set()


def _write_truth(generator: Generator, path: Path) -> None:
    truth = generator.truth
    with written_whole(path) as file:
        np.savez(
            file,
            alpha=truth.alpha,
            sigma=truth.noise,
            sigma_user=truth.user_sd,
            sigma_item=truth.item_sd,
            seed=generator.seed,
            user_ids=truth.user_ids,
            user_bias=truth.user_bias,
            item_ids=truth.item_ids,
            item_bias=truth.item_bias,
        )
