"""Reading for the commands where Spark keeps the ratings."""

import time

from mlbias.cli.options.holdout import HoldoutOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.reading import Reader, Sides, parts_of
from mlbias.cli.show.console import Output
from mlbias.cli.show.text import counted
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.sources import Source
from mlbias.datasets.understood import Understood
from mlbias.engines.sources import source_of, spark_dataset
from mlbias.errors import OptionError
from mlbias.evaluation.holdout import Holdout
from mlbias.evaluation.sides_in_parts import sides_in_parts
from mlbias.memory import memory_limit

# Of a rating in memory, its time included.
_BYTES = 24


class SparkReader(Reader):
    """Reads sources into Spark as one command was asked to.

    Args:
        output: for notices.
        reading: where and how to read.
        master: of the session, if one has to be made.
    """

    on_spark = True

    def __init__(self, output: Output, reading: ReadingOptions, master: str | None) -> None:
        super().__init__(output, reading)
        self._data_dir, self._master = reading.data_dir, master

    def source(self, data: str | None) -> Source:
        """What --data names."""
        return source_of(data, self._data_dir)

    def read(
        self,
        source: Source,
        options: ReadOptions | None = None,
        *,
        times: bool = False,
        cache: bool = True,  # noqa: ARG002  Spark has its own
        warn: bool = True,  # noqa: ARG002  nothing is guessed
        meanwhile: str | None = None,  # noqa: ARG002
    ) -> Dataset:
        """The ratings of a source, in parts.

        Raises:
            DataError: Spark is not there, or cannot read it.
        """
        found = spark_dataset(source, self._master, options or self.options, times=times)
        if found.n_ratings * _BYTES < memory_limit():
            instead = (
                "in Python, by Ratings.from_frame" if source.path is None else "without --engine"
            )
            self._output.notice(
                f"{counted(found.n_ratings, 'rating')} fit the memory of this machine, which takes "
                f"less time: {instead}"
            )
        return found

    def read_sides(
        self,
        holdout: HoldoutOptions,
        wanted: Holdout | None,
        *,
        meanwhile: str | None = None,  # noqa: ARG002
    ) -> Sides:
        """What to train on and what to hold out.

        Raises:
            DataError: the source cannot be read, or one side would be empty.
            OptionError: the hold-out is a file.
        """
        if holdout.test_file is not None:
            raise OptionError("a file of held-out ratings does not go with --engine spark.")
        source = self.source(holdout.training_data(self._reading.data))
        started = time.perf_counter()
        whole = training = self.read(source, times=wanted is not None and wanted.needs_times)
        held_out = None
        if wanted is not None:
            rest, held_out = sides_in_parts(parts_of(whole), wanted)
            ids, n = (rest.user_ids, rest.item_ids), len(rest)
            training = Dataset(*ids, n, Understood(), lambda: rest, None)
        return Sides(
            source, self.options, whole, training, held_out, None, wanted,
            time.perf_counter() - started, self._reading.n_threads,
        )  # fmt: skip
