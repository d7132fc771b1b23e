"""Ratings of one file after the other, and what was understood of them on the way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from mlbias.datasets.column_file import mapped
from mlbias.datasets.new_folder import sorting_in
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.bad_rows import BadRows
from mlbias.datasets.reading.checks import checked
from mlbias.datasets.reading.duplicates import Doubles, without_duplicates
from mlbias.datasets.reading.encode import EncodedChunk, RatingsBuilder, RawTimes, encode_chunk
from mlbias.datasets.reading.equal_columns import EqualColumns
from mlbias.datasets.reading.in_order import in_order
from mlbias.datasets.reading.merge import Merge
from mlbias.datasets.reading.opening import Stream
from mlbias.datasets.reading.parts import Parts, Task, parts_of_file
from mlbias.datasets.reading.rows import Rows, TimeKind
from mlbias.datasets.reading.runs import DiskRoom, Runs
from mlbias.datasets.reading.same_columns import check_same_columns
from mlbias.datasets.reading.sorted_ratings import RATINGS, SortedRatings, Sorting, written
from mlbias.datasets.reading.told_times import TimeScale, time_scale
from mlbias.datasets.reading.wanted import Wanted
from mlbias.datasets.sources import Source
from mlbias.datasets.understood import Understood
from mlbias.errors import DataError
from mlbias.ratings import Ratings


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a source came to.

    Attributes:
        ratings: ascending by user, item and value, whatever the order of the source.
        understood: how the source was taken, and what was odd about it.
    """

    ratings: Ratings
    understood: Understood


@dataclass(frozen=True, slots=True)
class ReadingOnDisk:
    """What reading a source came to that does not fit into memory.

    Attributes:
        ratings: in the same order.
        understood: see Reading.
        untimed: see Ratings.
    """

    ratings: SortedRatings
    understood: Understood
    untimed: str


class Reader:
    """Reads files and keeps what is in them, in memory or on disk.

    Args:
        options: how they are read.
        threads: how many work at a time.
        timestamps: whether times are read, where there are some.
        room: for ratings that do not fit into memory; None keeps all of them there.
    """

    def __init__(
        self,
        options: ReadOptions,
        threads: int,
        timestamps: bool,
        room: DiskRoom | None = None,
    ) -> None:
        self._options, self._threads, self._timestamps = options, threads, timestamps
        self._builder, self._bad = RatingsBuilder(), BadRows(options)
        self._runs, self._n_ratings = None if room is None else Runs(room, threads), 0
        self._first: tuple[str, Parts] | None = None
        self._n_files = self._n_not_rated = 0
        self._text_ids = set[str]()
        self._untimed, self._zone_assumed = "", False
        self._first_times = dict[TimeKind, str]()
        self._notices: list[str] = []

    def read(self, stream: Stream) -> Iterator[None]:
        """Read a file; yields after each part."""
        self._n_files += 1
        if self._runs:
            stream = replace(stream, part_size=self._runs.room.part_size)
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
        for kind, place in rows.first_times.items():
            self._first_times.setdefault(kind, self._bad.told(place))
        self._bad.note(rows)
        self._n_not_rated += n_not_rated
        self._zone_assumed = self._zone_assumed or rows.zone_assumed
        if encoded is not None:
            if self._runs and self._runs.are_due(self._builder, encoded):
                self._settle(self._runs)
            self._builder.add(encoded)
            self._n_ratings += len(encoded.value)
        for role in ("user", "item"):
            if rows.frame[role].dtype == pl.String:
                self._text_ids.add(role)

    def _settle(self, runs: Runs) -> None:
        runs.settle(self._builder, self._text_ids)
        self._builder = RatingsBuilder()

    def finish(self, source: Source, sorting: Sorting | None = None) -> Reading | ReadingOnDisk:
        """The ratings of all files, and what was understood.

        Args:
            source: of the files.
            sorting: called now and then while ratings on disk are sorted.

        Raises:
            DataError: there are none, too many rows are bad, or what was asked of times or of
                pairs that are rated twice cannot be.
        """
        understood, runs = self._counted(source), self._runs
        if runs is None or not runs.runs:
            found = self._sorted_in_memory(source, understood)
            if found is not None:
                return found
        assert runs is not None
        if len(self._builder):
            self._settle(runs)
        return self._sorted(runs, source, understood, sorting)

    def _sorted_in_memory(self, source: Source, understood: Understood) -> Reading | None:
        """The ratings of all files; None where they have no room, and have become a run."""
        runs, n_bytes = self._runs, self._builder.n_bytes
        found = self._builder.finish(self._threads, self._text_ids)
        ratings, times = found.ratings, found.times
        if runs and not found.pairs_ascend and not runs.have_room_for(n_bytes):
            runs.add(ratings, times)
            self._builder = RatingsBuilder()
            return None
        scale, untimed, understood = self._timed(None if times is None else [times], understood)
        ratings = replace(ratings, untimed=untimed)
        if scale is not None and times is not None:
            ratings = replace(ratings, timestamp=scale.seconds(times))
        if not found.pairs_ascend:
            ratings = ratings.by_user()
            ratings, understood = without_duplicates(
                ratings, understood, self._options, source.where
            )
            # In one order whatever the file's was, so that permuting its rows changes no bit.
            ratings = ratings.by_pair()
        equal = EqualColumns()
        equal.look(ratings)
        understood = checked(
            understood, ratings.user_ids, ratings.item_ids, ratings.value_column, equal, source
        )
        return Reading(ratings, understood)

    def _sorted(
        self, runs: Runs, source: Source, understood: Understood, sorting: Sorting | None
    ) -> ReadingOnDisk:
        """The same of ratings on disk."""
        scale, untimed, understood = self._timed(runs.times(), understood)
        folder = runs.room.folder()
        with sorting_in(folder.path.parent):
            merge = Merge(runs, self._options, self._text_ids, scale)
            found = written(merge, folder, sorting)
        doubles = Doubles(found.n_repeated, found.first_double, scale is not None, untimed)
        understood = doubles.said(understood, self._options, source.where)
        value = mapped(folder.path / RATINGS)
        understood = checked(understood, found.user_ids, found.item_ids, value, found.equal, source)
        return ReadingOnDisk(found, understood, untimed)

    def _counted(self, source: Source) -> Understood:
        """How the files were taken, and how many rows they have."""
        n = self._n_ratings + self._n_not_rated
        if not self._n_ratings:
            raise DataError(f"{source.where} {self._bad.instead_of_ratings(self._n_not_rated)}.")
        self._bad.check_share(source.where, n)
        understood = self._first[1].understood if self._first else Understood()
        return replace(
            understood,
            notices=(*understood.notices, *self._notices),
            n_files=self._n_files,
            n_rows=n + self._bad.count,
            n_skipped=self._bad.count,
            first_skipped=self._bad.first,
            n_not_rated=self._n_not_rated,
        )

    def _timed(
        self, columns: Sequence[RawTimes] | None, understood: Understood
    ) -> tuple[TimeScale | None, str, Understood]:
        """How times become seconds, or why they do not, and what was understood of them."""
        if not self._timestamps:
            return None, "", understood
        scale, untimed = None, self._untimed
        firsts = self._first_times
        if len(firsts) > 1:
            untimed = f"{firsts['number']} has a number, {firsts['date']} a date"
        elif columns is not None:
            unit, are_dates = self._options.time_unit, "date" in firsts
            found = time_scale(columns, unit, are_dates=are_dates)
            if isinstance(found, str):
                untimed = found
            else:
                scale, untimed = found, ""
                understood = found.said(understood, unit, are_dates=are_dates)
        if self._zone_assumed:
            assumed = "times without a zone are taken for UTC"
            understood = replace(understood, time_notices=(*understood.time_notices, assumed))
        return scale, untimed, understood

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
