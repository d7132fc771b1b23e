"""Ratings in one call: from a prepared copy where there is one, else by reading."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mlbias.arguments import checks_options
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.options import IdKind, ReadOptions
from mlbias.datasets.prepared import (
    PreparedCopy,
    UnusableCopyError,
    load_copy,
    prepared_copy,
    write_copy,
)
from mlbias.datasets.sources import DATA_DIR, Source, find_source
from mlbias.memory import check_room, let_polars_keep_little
from mlbias.memory import memory_limit as limit_of
from mlbias.ratings import Ratings

if TYPE_CHECKING:
    from mlbias.datasets.reading.read import Progress
    from mlbias.datasets.watching import SortingWatch


@checks_options
def load_ratings(
    data: str | os.PathLike[str] | None = None,
    *,
    data_dir: str | os.PathLike[str] = DATA_DIR,
    user_col: str | None = None,
    item_col: str | None = None,
    rating_col: str | None = None,
    time_col: str | None = None,
    separator: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    time_unit: str | None = None,
    not_rated: float | str | None = None,
    duplicates: str = "keep",
    text_ids: bool = False,
    skip_bad_rows: bool = False,
    max_bad_share: float = 0.1,
    cache: bool = True,
    memory_limit: int | str | None = None,
) -> Ratings:
    """Read ratings from wherever they are.

    Args:
        data: "sample", the name of a data set in data_dir, a folder, a file, a pattern of files
            such as "parts/*.csv", or "-" for standard input; by default ml-25m, or else the only
            data set in data_dir.
        data_dir: the folder of data sets.
        user_col: name of the users' column, or its number counted from 1, where the file does
            not tell.
        item_col: of the items', likewise.
        rating_col: of the ratings', likewise.
        time_col: of the times', likewise.
        separator: what stands between fields, where the file does not tell.
        decimal: the decimal mark of ratings, "." or ",".
        encoding: of text, such as "latin-1", where it is not UTF-8.
        time_unit: of numeric times, s, ms, us or ns, where their size does not tell.
        not_rated: a number, or several with commas, that stands for no rating.
        duplicates: which of several ratings of a pair count: keep (all), first, last or mean;
            error refuses them.
        text_ids: take all ids for text; otherwise a column of which every id is an integer,
            written canonically, is one of integers.
        skip_bad_rows: leave out rows that are not ratings instead of stopping.
        max_bad_share: the largest share of rows that may be left out so.
        cache: take a large file from its prepared copy, and leave one beside it.
        memory_limit: memory that reading may take, as bytes or a size such as "4G"; ratings that
            need more are sorted on disk. By default half of what the machine or its container has.

    Raises:
        DataError: there is no such data, or it cannot be read.
        BadRowError: a row is no rating, and bad rows are not skipped.
        OptionError: a named column is not there.

    Example:
        >>> from mlbias import load_ratings
        >>> load_ratings("sample")
        <Ratings: 100,000 of 1,000 users for 3,637 items>
    """
    options = ReadOptions(
        user_col=user_col,
        item_col=item_col,
        rating_col=rating_col,
        time_col=time_col,
        separator=separator,
        decimal=decimal,
        encoding=encoding,
        time_unit=time_unit,
        not_rated=None if not_rated is None else f"{not_rated}",
        duplicates=duplicates,
        ids=IdKind.TEXT if text_ids else IdKind.AUTO,
        skip_bad_rows=skip_bad_rows,
        max_bad_share=max_bad_share,
    )
    source = find_source(None if data is None else os.fspath(data), Path(data_dir))
    limit = limit_of(memory_limit)
    dataset = load_dataset(source, options, cache=cache, timestamps=True, memory_limit=limit)
    dataset.finish()
    return dataset.ratings


def load_dataset(
    source: Source,
    options: ReadOptions | None = None,
    *,
    cache: bool = True,
    timestamps: bool = False,
    known_as: Path | None = None,
    threads: int | None = None,
    progress: "Progress | None" = None,
    sorting: "SortingWatch | None" = None,
    memory_limit: int | None = None,
) -> Dataset:
    """All ratings of a source, from its prepared copy or by reading it, which leaves a copy.

    The copy is written in the background; Dataset.finish waits for it.

    Args:
        source: see find_source.
        options: how it is read.
        cache: whether to look for a copy and to leave one.
        timestamps: whether to read these too, where the source has them.
        known_as: see prepared_copy.
        threads: how many work at a time; by default one for each core.
        progress: see read_ratings.
        sorting: is told of ratings that are sorted on disk.
        memory_limit: bytes; see load_ratings.

    Raises:
        DataError, BadRowError, OptionError: see read_ratings.
    """
    options = options or ReadOptions()
    copy = prepared_copy(source, options, known_as=known_as) if cache else None
    limit = limit_of() if memory_limit is None else memory_limit
    effort = Effort(threads, limit, progress, sorting)
    if copy is None:
        return _read(source, options, effort, timestamps=timestamps)
    unusable, keep = "", True
    try:
        dataset = load_copy(copy, threads)
    except UnusableCopyError as error:
        dataset, unusable, keep = None, str(error), error.is_replaceable
    if dataset is not None:
        dataset.notices.append("took the prepared copy of an earlier run")
        return dataset

    def is_current() -> bool:
        """Of a file that changed while it was read nobody knows what was read."""
        return prepared_copy(source, options, known_as=known_as) == copy

    is_new = not copy.path.exists()
    dataset = _read(source, options, effort, copy if keep else None, is_current, timestamps=True)
    dataset.notices += [unusable] if unusable else []
    if not is_current():
        changed = f"{source.where} changed while it was read; these may be ratings of both states"
        dataset.notices.append(changed)
    elif keep and not dataset.is_on_disk:
        dataset.keep(copy.path, partial(write_copy, copy, dataset), tell=is_new)
    return dataset


def import_reader(source: Source, threads: int | None, limit: int | None = None) -> None:
    """Import what reads a source, and with it Polars, once there is room for both.

    Polars takes as long to import as a prepared copy to load, and aborts without room.

    Raises:
        DataError: there are too little memory or too few threads.
    """
    sizes = (path.stat().st_size for path in source.files if path.is_file())
    check_room(sum(sizes), threads, limit)
    if limit is not None:
        let_polars_keep_little(limit)
    import_module("mlbias.datasets.reading.read")


@dataclass(frozen=True, slots=True)
class Effort:
    """What reading may take, and whom it tells how far it has come.

    Attributes:
        threads: how many work at a time; None for one for each core.
        memory_limit: bytes of memory.
        progress: see read_within.
        sorting: likewise.
    """

    threads: int | None
    memory_limit: int
    progress: "Progress | None"
    sorting: "SortingWatch | None"


def _read(
    source: Source,
    options: ReadOptions,
    effort: Effort,
    copy: PreparedCopy | None = None,
    is_current: Callable[[], bool] = bool,
    *,
    timestamps: bool,
) -> Dataset:
    """Read a source, to its prepared copy if it does not fit into memory and has one."""
    threads = effort.threads
    import_reader(source, threads, effort.memory_limit)
    from mlbias.datasets.disk_folder import DiskFolder
    from mlbias.datasets.reading.read import read_within
    from mlbias.datasets.reading.reader import Reading
    from mlbias.datasets.reading.runs import DiskRoom

    limit, watch = effort.memory_limit, effort.sorting
    with DiskFolder(copy, limit, watch) as disk:
        room = DiskRoom.within(limit, threads, disk.folder)
        reading = read_within(
            source,
            options,
            room,
            timestamps=timestamps,
            threads=room.threads,
            progress=effort.progress,
            sorting=watch.sorting if watch else None,
        )
        if isinstance(reading, Reading):
            return Dataset.of(reading.ratings, reading.understood, threads)
        disk.finish(reading, is_current, threads)
        del reading  # whose ids would be there twice
        return disk.dataset(threads)
