"""Reading for the commands where Spark keeps the ratings."""

from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.reading import Reader, parts_of
from mlbias.cli.show.console import Output
from mlbias.cli.show.text import counted
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.sources import Source
from mlbias.datasets.understood import Understood
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.sources import source_of, spark_dataset
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
                "Ratings.from_frame in Python brings them here"
                if source.path is None
                else "train without --engine"
            )
            self._output.notice(
                f"{counted(found.n_ratings, 'rating')} fit into the memory of this machine, where "
                f"everything takes less time: {instead}"
            )
        return found

    def split(self, whole: Dataset, wanted: Holdout) -> tuple[Dataset, PartitionedIncidence]:
        """Training ratings and hold-out, in parts.

        Raises:
            DataError: one side would be empty, or there are no times.
        """
        rest, held_out = sides_in_parts(parts_of(whole), wanted)
        ids = rest.user_ids, rest.item_ids
        return Dataset(*ids, len(rest), Understood(), lambda: rest, None), held_out
