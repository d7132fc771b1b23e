"""Predictions of other systems, and the ratings that they are scored on."""

from collections.abc import Sequence
from dataclasses import replace

from mlbias.cli.reading import Reader
from mlbias.cli.scoring import Scored, read_scored
from mlbias.cli.show.console import Output
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.options import PredictionOptions
from mlbias.datasets.sources import Source
from mlbias.errors import DataError, OptionError
from mlbias.evaluation.matching import same_ratings
from mlbias.ratings import Ratings
from mlbias.saved_model.file import SavedModel

BESIDE = "the ratings beside the predictions"


class JudgedFiles:
    """Files of predictions, read once or, where ratings stand beside them, twice.

    Args:
        output: for notices.
        reader: reads the files, with the options that the command was given.
        data: --data, whose ratings go before those beside the predictions.
    """

    def __init__(self, output: Output, reader: Reader, data: str | None) -> None:
        self._output, self._reader, self._data = output, reader, data
        self._beside: dict[str, tuple[Source, Dataset]] = {}
        self.systems: dict[str, Ratings] = {}

    def read(self, files: Sequence[str], prediction_col: str | None) -> None:
        """Read all files.

        Raises:
            OptionError: one is given twice, or is no file of predictions.
            DataError: one cannot be read.
        """
        if [*files, self._data].count("-") > 1:
            raise OptionError("only one file can be standard input.")
        options = PredictionOptions.of(self._reader.options, prediction_col)
        if self._data is not None:
            options = replace(options, rating_col=None)  # which names one of --data
        for file in files:
            source = self._reader.source(file)
            if source.is_sample or source.label in self.systems:
                why = "is no file of predictions" if source.is_sample else "is given twice"
                raise OptionError(f"`predictions` {source.label} {why}.")
            dataset = self._reader.read(source, options, cache=False, warn=False)
            self.systems[source.label] = dataset.ratings
            columns = dataset.understood.columns or {}
            if self._data is None and "rating" in columns:
                self._beside[source.label] = source, self._ratings_of(source, dataset)

    def scored(self, saved: SavedModel) -> Scored:
        """The ratings of --data; else those beside the predictions; else the model's own.

        Raises:
            DataError: there are none, or two files have different ones.
        """
        if not self._beside:
            return read_scored(self._output, self._reader, saved, self._data)
        ratings = same_ratings({name: one.ratings for name, (_, one) in self._beside.items()})
        source, dataset = next(iter(self._beside.values()))
        return Scored(source, dataset, ratings, BESIDE, None, None, dataset.fingerprint)

    def _ratings_of(self, source: Source, predictions: Dataset) -> Dataset:
        if source.is_standard_input:
            raise DataError(
                "standard input cannot be read twice, for predictions and for ratings.",
                "Save it as a file, or give the ratings with --data.",
            )
        columns = predictions.understood.columns or {}
        user, item, rating = (str(columns[role]) for role in ("user", "item", "rating"))
        options = replace(self._reader.options, user_col=user, item_col=item, rating_col=rating)
        return self._reader.read(source, options, cache=False)
