"""Pairs of users and items from any source, in their order and with all their columns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import polars as pl

from mlbias.core.cores import usable_cores
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.bad_rows import BadRows
from mlbias.datasets.reading.encode import as_ids
from mlbias.datasets.reading.in_order import in_order
from mlbias.datasets.reading.opening import Stream, opened
from mlbias.datasets.reading.parts import Parts, Task, parts_of_file
from mlbias.datasets.reading.read import Progress, sample_ratings
from mlbias.datasets.reading.rows import Rows
from mlbias.datasets.reading.same_columns import check_same_columns
from mlbias.datasets.reading.wanted import Wanted
from mlbias.datasets.sources import Source
from mlbias.datasets.understood import Understood
from mlbias.errors import DataError
from mlbias.ids import Ids

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Some rows of a source.

    Attributes:
        table: all their columns; those of text are text, null where a field is empty.
        user, item: (n,) ids.
    """

    table: pl.DataFrame
    user: Ids
    item: Ids

    @classmethod
    def of(cls, rows: Rows) -> "Pairs":
        """From what a part of a source came to."""
        assert rows.table is not None
        return cls(rows.table, as_ids(rows.frame["user"]), as_ids(rows.frame["item"]))


class PairReader(Generic[T]):
    """Reads a source in parts, and makes something of each on both cores.

    Args:
        source: see find_source.
        options: how it is read, where the source does not tell.
        make: called with each part, on a pool of threads.
        threads: how many parts are read at a time; by default one for each core.
        progress: called now and then with the bytes read so far.

    Attributes:
        understood: how the source was taken, once its first part is there.
    """

    def __init__(
        self,
        source: Source,
        options: ReadOptions,
        make: Callable[[Pairs], T],
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._source, self._options, self._make = source, options, make
        self._threads, self._progress = threads or usable_cores(), progress
        self._bad, self._text_ids = BadRows(options, may_skip=False), set[str]()
        self._first: tuple[str, Parts] | None = None
        self.understood = Understood(format="generated")

    def __iter__(self) -> Iterator[T]:
        """Yield what is made of each part, in the order of the source.

        Raises:
            DataError: the source cannot be read or has no rows, or files differ in their columns.
            BadRowError: a row has no user or no item.
            OptionError: the options name a column that is not there.
        """
        if self._source.is_sample:
            yield self._make(_sample(self._options))
            return
        files: Sequence[Path | None] = (None,) if self._source.path is None else self._source.files
        sizes = [0 if path is None else path.stat().st_size for path in files]
        is_empty = True
        for number, path in enumerate(files):
            with opened(self._source, path, self._options.encoding) as stream:
                for made in self._file(stream, sum(sizes[:number]), sum(sizes)):
                    is_empty = False
                    yield made
        if is_empty:
            raise DataError(f"{self._source.where} has no rows: there is nothing to predict.")

    def _file(self, stream: Stream, before: int, total: int) -> Iterator[T]:
        self._bad.begin(stream)
        parts = parts_of_file(stream, self._options, self._text_ids, Wanted.PAIRS)
        if parts is None:
            return
        if self._first is None:
            self._first, self.understood = (stream.where, parts), parts.understood
        else:
            self._check_same(stream.where, parts)
        for done, (rows, made) in enumerate(in_order(self._run, parts.tasks, self._threads), 1):
            self._bad.note(rows)
            if made is not None:
                yield made
            if self._progress and total:
                share = done / parts.n_tasks if parts.n_tasks else None
                read = stream.tell() if share is None else round(share * (stream.size or 0))
                self._progress(before + read, total)

    def _run(self, task: Task) -> tuple[Rows, T | None]:
        rows = task()
        is_good = rows.first_bad is None and len(rows.frame) > 0
        return rows, self._make(Pairs.of(rows)) if is_good else None

    def _check_same(self, where: str, parts: Parts) -> None:
        assert self._first is not None
        first, known = self._first
        check_same_columns(first, known, where, parts)
        if list(known.names or ()) != list(parts.names or ()):
            raise DataError(
                f"{where} has other columns than {first}.",
                "Files that are read as one have the same columns.",
            )


def _sample(options: ReadOptions) -> Pairs:
    ratings = sample_ratings(options)
    user, item = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    table = pl.DataFrame({"user": user, "item": item, "rating": ratings.value})
    return Pairs(table, user, item)
