"""Any file of ratings to Ratings, in chunks, on a pool of threads."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from itertools import chain, islice

from mlbias.core.cores import usable_cores
from mlbias.core.ratings import repeated_pairs
from mlbias.datasets.columns import ReadOptions
from mlbias.datasets.dataset import Oddities
from mlbias.datasets.encoding import EncodedChunk, RatingsBuilder, encode_chunk
from mlbias.datasets.generated.generator import sample
from mlbias.datasets.layout import SNIFFED_ROWS, sniff_layout
from mlbias.datasets.parquet import parquet_tasks
from mlbias.datasets.rows import (
    Chunk,
    Rows,
    count_lines,
    is_plain,
    no_rows,
    parse_chunk,
    parse_quoted,
    text_lines,
)
from mlbias.datasets.sources import Source
from mlbias.datasets.streams import Stream, opened
from mlbias.errors import BadRowError, DataError
from mlbias.ratings import Ratings

_CHUNK = 8 << 20
_LONGEST_LINE = 64 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Called with the bytes read so far and in all, the latter None where nobody knows.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a source came to.

    Args:
        ratings: in the order of their users, those of a user as in the source.
        oddities: what was odd about them.
    """

    ratings: Ratings
    oddities: Oddities


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
        options: what the columns are, where the file does not tell; what to do with bad rows.
        timestamps: whether to read these too, where the source has them.
        threads: how many chunks are read at a time; by default one for each core.
        progress: called now and then with the bytes read so far.

    Raises:
        DataError: the source cannot be read or holds no ratings.
        BadRowError: a row is no rating, and bad rows are not to be skipped.
        OptionError: the options name a column that is not there.
    """
    if source.is_sample:
        return Reading(sample()[0], Oddities())
    options = options or ReadOptions()
    threads = threads or usable_cores()
    builder = RatingsBuilder()
    bad = _BadRows(source.where, options.skip_bad_rows)
    with opened(source) as stream:
        bad.unit = "row" if stream.is_parquet else "line"
        for encoded, rows in _encoded(_tasks(stream, source.where, options, timestamps), threads):
            bad.note(rows)
            if encoded is not None:
                builder.add(encoded)
            if progress:
                progress(stream.tell(), stream.size)
    if not len(builder):
        raise DataError(f"{source.where} {bad.instead_of_ratings()}.")
    ratings = builder.finish(threads).by_user()
    return Reading(ratings, Oddities(repeated_pairs(ratings), bad.count, bad.first))


class _BadRows:
    """Stops at the first bad row, or counts them; knows at which line each chunk begins."""

    def __init__(self, where: str, skip: bool) -> None:
        self._where = where
        self._skip = skip
        self._lines = 0
        self.unit = "line"
        self.count = 0
        self.first = ""

    def note(self, rows: Rows) -> None:
        for row in rows.bad:
            if self.first and not row.ends_text:
                continue
            told = f"{self._where}, {self.unit} {self._lines + row.line + 1}, {row.reason}"
            if row.ends_text:
                raise BadRowError(f"{told}.", "Mend the line; what follows cannot be read.")
            if not self._skip:
                raise BadRowError(
                    f"{told}.",
                    f"Mend the {self.unit}, or leave such rows out with --skip-bad-rows.",
                )
            self.first = told
        self.count += len(rows.bad)
        self._lines += rows.n_lines

    def instead_of_ratings(self) -> str:
        if self.count:
            return f"has no ratings but {self.count:,} bad rows, the first in {self.first}"
        return "has a header and no ratings" if self._lines else "is empty"


Task = Callable[[], Rows]


def _tasks(stream: Stream, where: str, options: ReadOptions, timestamps: bool) -> Iterator[Task]:
    """Yield functions that each read a part of the source, in its order."""
    if stream.is_parquet:
        yield from parquet_tasks(stream, where, options, timestamps=timestamps)
        return
    chunks = _whole_lines(stream.file, where)
    first, lines = _sniffed_part(chunks)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{where} is UTF-16 text.", "Convert it to UTF-8, as with iconv.")
    if not first.strip():
        return
    layout = sniff_layout(lines, where, options, timestamps=timestamps)
    if layout.has_header:
        header, first = _split_header(first)
        yield partial(no_rows, layout, count_lines(header))
    for chunk in chain([(first,)] if first else [], chunks):
        if not is_plain(chunk, layout):
            for rows in parse_quoted(chain([chunk], chunks), layout):
                yield partial(_as_is, rows)
            return
        yield partial(parse_chunk, chunk, layout)


def _encoded(tasks: Iterator[Task], threads: int) -> Iterator[tuple[EncodedChunk | None, Rows]]:
    """Run the tasks on a pool, a few ahead of the one whose rows are yielded."""

    def run(task: Task) -> tuple[EncodedChunk | None, Rows]:
        rows = task()
        return (encode_chunk(rows.frame) if len(rows.frame) else None), rows

    # One more than there are cores, since each waits while Polars' own threads work for it.
    workers = threads + 1 if threads > 1 else 1
    ahead: deque[Future[tuple[EncodedChunk | None, Rows]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for task in tasks:
                ahead.append(pool.submit(run, task))
                if len(ahead) > workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _whole_lines(file: BufferedReader, where: str) -> Iterator[Chunk]:
    """Yield the bytes in chunks of whole lines; only the last may lack its line end."""
    while data := file.read(_CHUNK):
        rest = b"" if data.endswith(b"\n") else file.readline(_LONGEST_LINE)
        if len(rest) == _LONGEST_LINE:
            raise DataError(f"{where} is no text of ratings: a line fills more than 64 MiB.")
        yield data, rest


def _sniffed_part(chunks: Iterator[Chunk]) -> tuple[bytes, list[str]]:
    """The first chunk, or as many as it takes for the rows that decide on the layout; these."""
    first = b"".join(next(chunks, ())).removeprefix(_BYTE_ORDER_MARK)
    while len(lines := _first_lines(first)) <= SNIFFED_ROWS:
        more = next(chunks, ())
        if not more:
            break
        first = b"".join((first, *more))
    return first, lines


def _first_lines(chunk: bytes) -> list[str]:
    return list(islice(text_lines(chunk), SNIFFED_ROWS + 1))


def _split_header(chunk: bytes) -> tuple[bytes, bytes]:
    """The first line that is not empty, with those before it; and what follows."""
    match = re.match(rb"[\r\n]*[^\r\n]*(\r\n|\r|\n)?", chunk)
    end = match.end() if match else 0
    return chunk[:end], chunk[end:]


def _as_is(rows: Rows) -> Rows:
    return rows
