"""Reading for the commands, with progress and notices, and the two sides of a hold-out."""

import os
import threading
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from mlbias.cli.options.engine import EngineOptions
from mlbias.cli.options.holdout import HoldoutOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.reading_bars import ReadingBars
from mlbias.cli.show.console import Output
from mlbias.cli.show.source import document_skipped, say_understood
from mlbias.cli.show.text import counted
from mlbias.cli.signals import raise_on_signals
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.loading import import_reader, load_dataset
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.prepared import prepared_copy
from mlbias.datasets.sources import Source, find_source
from mlbias.datasets.understood import Understood
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.evaluation.holdout import Holdout
from mlbias.evaluation.sides_in_parts import n_shared_in_parts, sides_in_parts
from mlbias.evaluation.splits import n_shared
from mlbias.evaluation.unmatched import unmatched_ids
from mlbias.ratings import Ratings
from mlbias.saved_model.record import TrainingData


@dataclass(frozen=True, slots=True)
class Sides:
    """What is trained on and what is held out, as it was read.

    Attributes:
        source: what was read.
        options: how it was read.
        whole: its ratings, with those held out of them.
        training: what to train on; the same where nothing is held out of it.
        held_out: None where there is no hold-out.
        tested: how the source of the hold-out was taken; None where there is no such source.
        holdout: how it was chosen, likewise.
        seconds: spent on reading and splitting.
        threads: how many may work at a time; None for one for each core.
    """

    source: Source
    options: ReadOptions
    whole: Dataset
    training: Dataset
    held_out: Ratings | PartitionedIncidence | None
    tested: Understood | None
    holdout: Holdout | None
    seconds: float
    threads: int | None

    def holdout_document(self) -> dict[str, Any]:
        """What is held out, under the names that it has in JSON."""
        assert self.holdout is not None
        skipped = {} if self.tested is None else document_skipped(self.tested)
        return self.holdout.document() | skipped

    def record(self) -> TrainingData:
        """Where all of it is and how it was read and split, for a model's file."""
        n, fingerprint = self.whole.n_ratings, self.whole.fingerprint
        return TrainingData(self.source, self.options, n, fingerprint, self.holdout)


class Reader:
    """Reads sources as one command was asked to.

    Args:
        output: for notices and progress.
        reading: where and how to read.
    """

    on_spark = False

    def __init__(self, output: Output, reading: ReadingOptions) -> None:
        self._output = output
        self._reading = reading
        self.options, self._limit = reading.options(), reading.limit

    def source(self, data: str | None) -> Source:
        """What --data names; says which one is taken where it was not given."""
        source = find_source(data, self._reading.data_dir)
        if data is None:
            self._output.notice(f"no --data: taking {source.label}")
        return source

    def read(
        self,
        source: Source,
        options: ReadOptions | None = None,
        *,
        times: bool = False,
        cache: bool = True,
        warn: bool = True,
        meanwhile: str | None = None,
    ) -> Dataset:
        """The ratings of a source; says what is odd about them.

        Args:
            source: what to read.
            options: how, where it is not as the command was asked to.
            times: whether to read timestamps too.
            cache: whether to look for a prepared copy and to leave one, unless --no-cache says no.
            warn: whether to say what would look wrong in ratings to train on.
            meanwhile: a module to import in the background, as Polars' threads parse without
                Python.

        Raises:
            DataError: see load_dataset.
        """
        options = options or self.options
        threads, cache = self._reading.n_threads, cache and not self._reading.no_cache
        limit_polars(threads)
        if meanwhile is not None:
            threading.Thread(target=import_module, args=(meanwhile,), daemon=True).start()
        copy = prepared_copy(source, options) if cache else None
        if copy is None or not copy.is_ready:
            import_reader(source, threads, self._limit)
            # Polars, imported with it, installs its own handler for Ctrl-C, under which a read
            # goes on waiting.
            raise_on_signals()
        with ReadingBars(self._output) as bars:
            dataset = load_dataset(
                source, options, cache=cache, timestamps=times, threads=threads,
                progress=bars.reading, sorting=bars, memory_limit=self._limit,
            )  # fmt: skip
        say_understood(self._output, dataset.understood, with_times=times, warn=warn)
        for notice in dataset.notices:
            self._output.notice(notice)
        return dataset

    def read_sides(
        self, holdout: HoldoutOptions, wanted: Holdout | None, *, meanwhile: str | None = None
    ) -> Sides:
        """What to train on and what to hold out, of one source or of two.

        Args:
            holdout: the options, for a pair of files.
            wanted: what they hold out of one source; None for nothing.
            meanwhile: see read.

        Raises:
            DataError: a source cannot be read, or one side would be empty.
        """
        source = self.source(holdout.training_data(self._reading.data))
        test = None if holdout.test_file is None else self.source(holdout.test_file)
        started = time.perf_counter()
        times = wanted is not None and wanted.needs_times
        whole = training = self.read(source, times=times, meanwhile=meanwhile)
        held_out: Ratings | PartitionedIncidence | None = None
        understood = None
        if test is not None:
            tested = self.read(test)
            held_out, understood = held_out_of(tested, None), tested.understood
            self._say_what_is_shared(whole, held_out)
            self.finish(tested)
            wanted = Holdout.given(test, tested.fingerprint)
        elif wanted is not None:
            training, held_out = self.split(whole, wanted)
        return Sides(
            source, self.options, whole, training, held_out, understood, wanted,
            time.perf_counter() - started, self._reading.n_threads,
        )  # fmt: skip

    def split(
        self, whole: Dataset, wanted: Holdout
    ) -> tuple[Dataset, Ratings | PartitionedIncidence]:
        """Training ratings and hold-out.

        Raises:
            DataError: one side would be empty, or there are no times.
        """
        mask = wanted.held_out(whole.ratings)
        chosen = whole.ratings.where(mask)
        return whole.rest(~mask, chosen, self._reading.n_threads), chosen.used()

    def finish(self, dataset: Dataset) -> None:
        """Wait until the prepared copy is on disk, if one is being made, and say so."""
        notice = dataset.finish()
        if notice:
            self._output.notice(notice)

    def _say_what_is_shared(
        self, training: Dataset, held_out: Ratings | PartitionedIncidence
    ) -> None:
        if isinstance(held_out, PartitionedIncidence):
            n = n_shared_in_parts(parts_of(training), held_out)
        else:
            n = n_shared(training.ratings, held_out)
        if n:
            self._output.notice(
                f"{counted(n, 'rating')} held out are of pairs that are in training too"
            )
        for notice in unmatched_ids(held_out, training.user_ids, training.item_ids):
            self._output.notice(notice)


def reader_of(output: Output, reading: ReadingOptions, engine: EngineOptions) -> Reader:
    """The reader of an engine."""
    if not engine.is_spark:
        return Reader(output, reading)
    from mlbias.cli.reading_spark import SparkReader  # what it imports takes its time

    return SparkReader(output, reading, engine.master)


def parts_of(dataset: Dataset) -> PartitionedIncidence:
    """The ratings of a data set that is in parts."""
    assert isinstance(dataset.incidence, PartitionedIncidence)
    return dataset.incidence


def held_out_of(dataset: Dataset, holdout: Holdout | None) -> Ratings | PartitionedIncidence:
    """The ratings that are held out of a data set, all where nothing is."""
    if dataset.has_columns:
        ratings = dataset.ratings
        return ratings if holdout is None else ratings.where(holdout.held_out(ratings)).used()
    if holdout is None:
        return parts_of(dataset)
    return sides_in_parts(parts_of(dataset), holdout)[1]


def limit_polars(threads: int | None) -> None:
    """Let Polars work on no more threads than were asked for."""
    if threads is not None:
        # Polars reads this once, when it is imported.
        os.environ.setdefault("POLARS_MAX_THREADS", str(threads))


def folders_of(data: str | None, data_dir: Path) -> list[Path]:
    """Where files may have prepared copies beside them, each folder once."""
    folders = [Path(), data_dir]
    if data_dir.is_dir():
        folders += sorted(entry for entry in data_dir.iterdir() if entry.is_dir())
    if data is not None and Path(data).is_dir():
        folders.append(Path(data))
    elif data is not None and (path := find_source(data, data_dir).path) is not None:
        folders.append(path.parent)
    return list({folder.resolve(): folder for folder in folders}.values())
