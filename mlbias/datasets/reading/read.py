"""Any source of ratings to Ratings: its files in turn, in parts, on a pool of threads."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from mlbias.core.cores import usable_cores
from mlbias.datasets.generated.generator import sample
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.bad_rows import BadRows
from mlbias.datasets.reading.checks import checked
from mlbias.datasets.reading.duplicates import without_duplicates
from mlbias.datasets.reading.encode import EncodedChunk, RatingsBuilder, encode_chunk
from mlbias.datasets.reading.equal_columns import EqualColumns
from mlbias.datasets.reading.in_order import in_order
from mlbias.datasets.reading.opening import Stream, opened
from mlbias.datasets.reading.parts import Parts, Task, parts_of_file
from mlbias.datasets.reading.rows import Rows, Wanted
from mlbias.datasets.reading.told_times import with_times
from mlbias.datasets.sources import Source
from mlbias.datasets.understood import Understood
from mlbias.errors import DataError, OptionError
from mlbias.ratings import Ratings

# Called with the bytes read so far and in all, the latter None where nobody knows.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a source came to.

    Attributes:
        ratings: ascending by user, item and value, whatever the order of the source.
        understood: how the source was taken, and what was odd about it.
    """

    ratings: Ratings
    understood: Understood


def read_ratings(
    source: Source,
    options: ReadOptions | None = None,
    *,
    timestamps: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Reading:
    """Read all ratings of a source.

    Args:
        source: see find_source.
        options: how it is read, where the source does not tell.
        timestamps: whether to read these too, where the source has them.
        threads: how many parts are read at a time; by default one for each core.
        progress: called now and then with the bytes read so far.

    Raises:
        DataError: the source cannot be read or holds no ratings.
        BadRowError: a row is no rating, and bad rows are not to be skipped.
        OptionError: the options name a column that is not there.
    """
    options = options or ReadOptions()
    if source.is_sample:
        ratings = sample_ratings(options)
        return Reading(ratings, Understood(n_rows=len(ratings), format="generated"))
    # Times decide which rating of a pair is the first or the last, where there are times.
    timestamps = timestamps or options.duplicates in ("first", "last")
    reader = _Reader(options, threads or usable_cores(), timestamps)
    files: Sequence[Path | None] = (None,) if source.path is None else source.files
    if not files:
        raise DataError(f"{source.where} has no files.")
    total = sum(path.stat().st_size for path in files if path is not None and path.exists())
    done = 0
    for path in files:
        with opened(source, path, options.encoding) as stream:
            for _ in reader.read(stream):
                if progress:
                    progress(done + stream.tell(), total if len(files) > 1 else stream.size)
        done += stream.size or 0
    return reader.finish(source)


def sample_ratings(options: ReadOptions) -> Ratings:
    """The generated sample.

    Raises:
        OptionError: the options say how to read a file.
    """
    if options != ReadOptions():
        raise OptionError("options for reading go with files; the sample has its own columns.")
    return sample()[0]


class _Reader:
    """Ratings of one file after the other, and what was understood on the way."""

    def __init__(self, options: ReadOptions, threads: int, timestamps: bool) -> None:
        self._options, self._threads, self._timestamps = options, threads, timestamps
        self._builder, self._bad = RatingsBuilder(), BadRows(options)
        self._first: tuple[str, Parts] | None = None
        self._n_files = self._n_not_rated = 0
        self._text_ids = set[str]()
        self._untimed, self._zone_assumed = "", False
        self._are_dates = set[bool]()
        self._notices: list[str] = []

    def read(self, stream: Stream) -> Iterator[None]:
        """Read a file; yields after each part."""
        self._n_files += 1
        self._bad.begin(stream)
        wanted = Wanted.TIMED_RATINGS if self._timestamps else Wanted.RATINGS
        parts = parts_of_file(stream, self._options, self._text_ids, wanted)
        if parts is None:
            return
        if self._first is None:
            self._first = stream.where, parts
        else:
            check_same_columns(*self._first, stream.where, parts)
            self._add_notices(stream.where, parts.understood.notices)
        for rows, encoded, n_not_rated in self._encoded(parts.tasks):
            self._add(rows, encoded, n_not_rated)
            yield

    def _add_notices(self, where: str, notices: Sequence[str]) -> None:
        """Keep what is odd about a further file, unless the first is as odd."""
        known = self._first[1].understood.notices if self._first else ()
        self._notices += [f"{where}: {notice}" for notice in notices if notice not in known]

    def _add(self, rows: Rows, encoded: EncodedChunk | None, n_not_rated: int) -> None:
        if rows.untimed is not None and not self._untimed:
            self._untimed = f"{self._bad.told(rows.untimed.place)} {rows.untimed.reason}"
        self._bad.note(rows)
        self._n_not_rated += n_not_rated
        self._zone_assumed = self._zone_assumed or rows.zone_assumed
        if encoded is not None:
            self._builder.add(encoded)
            if encoded.timestamp is not None:
                self._are_dates.add(rows.are_dates)
        for role in ("user", "item"):
            if rows.frame[role].dtype == pl.String:
                self._text_ids.add(role)

    def finish(self, source: Source) -> Reading:
        """The ratings of all files, and what was understood.

        Raises:
            DataError: there are none, too many rows are bad, or what was asked of times or of
                pairs that are rated twice cannot be.
        """
        n = len(self._builder) + self._n_not_rated
        if not len(self._builder):
            raise DataError(f"{source.where} {self._bad.instead_of_ratings(self._n_not_rated)}.")
        self._bad.check_share(source.where, n)
        ratings, times = self._builder.finish(self._threads, self._text_ids)
        understood = self._first[1].understood if self._first else Understood()
        understood = replace(
            understood,
            notices=(*understood.notices, *self._notices),
            n_files=self._n_files,
            n_rows=n + self._bad.count,
            n_skipped=self._bad.count,
            first_skipped=self._bad.first,
            n_not_rated=self._n_not_rated,
        )
        if self._timestamps:
            if len(self._are_dates) > 1:
                times, self._untimed = None, "some are numbers, others dates"
            ratings = replace(ratings, untimed=self._untimed)
            ratings, understood = with_times(
                ratings,
                times,
                understood,
                self._options.time_unit,
                are_dates=True in self._are_dates,
            )
            if self._zone_assumed:
                assumed = "times without a zone are taken for UTC"
                understood = replace(understood, time_notices=(*understood.time_notices, assumed))
        ratings = ratings.by_user()
        ratings, understood = without_duplicates(ratings, understood, self._options, source.where)
        # In one order whatever the file's was, so that permuting its rows changes no bit.
        ratings = ratings.by_pair()
        equal = EqualColumns()
        equal.look(ratings)
        understood = checked(
            understood, ratings.user_ids, ratings.item_ids, ratings.value, equal, source
        )
        return Reading(ratings, understood)

    def _encoded(self, tasks: Iterator[Task]) -> Iterator[tuple[Rows, EncodedChunk | None, int]]:
        """Run the tasks on a pool."""
        not_rated = self._options.not_rated_values

        def run(task: Task) -> tuple[Rows, EncodedChunk | None, int]:
            rows = task()
            frame = rows.frame
            if not_rated:
                frame = frame.filter(~pl.col("value").is_in(not_rated))
            n_not_rated = len(rows.frame) - len(frame)
            return rows, encode_chunk(frame) if len(frame) else None, n_not_rated

        return in_order(run, tasks, self._threads)


def check_same_columns(first: str, one: Parts, where: str, other: Parts) -> None:
    """See that two files that are read as one have their columns in common.

    Raises:
        DataError: they do not.
    """
    sides = [(parts.understood.columns, parts.understood.header) for parts in (one, other)]
    headers = [header for _, header in sides]
    if headers in ([True, False], [False, True]):
        with_one, without = (first, where) if headers[0] else (where, first)
        raise DataError(
            f"{without} has no header, and {with_one} has one.",
            "Files that are read as one have the same columns.",
        )
    if sides[0] != sides[1]:
        told = [
            ", ".join(f"{role} in {column}" for role, column in (columns or {}).items())
            for columns, _ in sides
        ]
        raise DataError(
            f"{where} is not laid out as {first}: {told[1]}, there {told[0]}.",
            "Files that are read as one have the same columns.",
        )
