"""Any source of ratings to Ratings: its files in turn, in parts, on a pool of threads."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mlbias.core.cores import usable_cores
from mlbias.datasets.generated.generator import sample
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.opening import opened
from mlbias.datasets.reading.reader import Reader, Reading, ReadingOnDisk
from mlbias.datasets.reading.runs import DiskRoom
from mlbias.datasets.reading.sorted_ratings import Sorting
from mlbias.datasets.sources import Source
from mlbias.datasets.understood import Understood
from mlbias.errors import DataError, OptionError
from mlbias.ratings import Ratings

# Called with the bytes read so far and in all, the latter None where nobody knows.
Progress = Callable[[int, int | None], None]


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
    found = read_within(
        source, options, None, timestamps=timestamps, threads=threads, progress=progress
    )
    assert isinstance(found, Reading)  # since there is no room elsewhere
    return found


def read_within(
    source: Source,
    options: ReadOptions | None,
    room: DiskRoom | None,
    *,
    timestamps: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
    sorting: Sorting | None = None,
) -> Reading | ReadingOnDisk:
    """Read all ratings of a source to memory, or to disk where they do not fit.

    Args:
        source: see find_source.
        options: see read_ratings.
        room: in memory and on disk; None for memory without a limit.
        timestamps: see read_ratings.
        threads: likewise.
        progress: likewise.
        sorting: called now and then while ratings on disk are sorted.

    Raises:
        DataError, BadRowError, OptionError: see read_ratings.
    """
    options = options or ReadOptions()
    if source.is_sample:
        ratings = sample_ratings(options)
        return Reading(ratings, Understood(n_rows=len(ratings), format="generated"))
    # Times decide which rating of a pair is the first or the last, where there are times.
    timestamps = timestamps or options.duplicates in ("first", "last")
    reader = Reader(options, threads or usable_cores(), timestamps, room)
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
    return reader.finish(source, sorting)


def sample_ratings(options: ReadOptions) -> Ratings:
    """The generated sample.

    Raises:
        OptionError: the options say how to read a file.
    """
    if options != ReadOptions():
        raise OptionError("options for reading go with files; the sample has its own columns.")
    return sample()[0]
