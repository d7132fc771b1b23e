"""A table of biases with titles, and of the items that a user has not rated."""

from pathlib import Path

import polars as pl

from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.reading import Reader
from mlbias.cli.show.console import Output
from mlbias.datasets.sources import Source
from mlbias.datasets.titles import read_labels, titles_of
from mlbias.errors import DataError
from mlbias.saved_model.file import SavedModel
from mlbias.use.biases import biases, unrated, with_titles


def labelled(
    output: Output,
    reading: ReadingOptions,
    saved: SavedModel,
    side: str,
    labels: Path | None,
    user: str | None,
) -> pl.DataFrame:
    """The biases of a side, with titles where there are any, and what else was asked for.

    Raises:
        DataError: the labels or the ratings cannot be read, or nothing says where these are.
    """
    model = saved.fit.model
    reader = Reader(output, reading)
    table = biases(model, side)
    source = _source(reader, reading, saved)
    if user is not None:
        if source is None:
            raise DataError(
                "the model does not say what it was trained on.", "Give the ratings with --data."
            )
        own = None if reading.data is not None or saved.data is None else saved.data.options
        table = unrated(model, table, user, reader.read(source, own).ratings)
    titles = read_labels(labels) if labels is not None else {}
    if labels is None and side == "items" and source is not None:
        titles = titles_of(source)
    return with_titles(table, titles) if titles else table


def _source(reader: Reader, reading: ReadingOptions, saved: SavedModel) -> Source | None:
    """Where the ratings are: as --data says, or else as the model does."""
    if reading.data is not None:
        return reader.source(reading.data)
    return None if saved.data is None else saved.data.source
