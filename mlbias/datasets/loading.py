"""Ratings and models in one call, for Python."""

import os
from pathlib import Path

from mlbias.core.model import BiasModel
from mlbias.core.ratings import Ratings
from mlbias.datasets import model_file
from mlbias.datasets.layout import IdKind, ReadOptions
from mlbias.datasets.reading import read_ratings
from mlbias.datasets.sources import DATA_DIR, find_source


def load_ratings(
    data: str | os.PathLike[str] | None = None,
    *,
    data_dir: str | os.PathLike[str] = DATA_DIR,
    user_col: str | None = None,
    item_col: str | None = None,
    rating_col: str | None = None,
    separator: str | None = None,
    text_ids: bool = False,
    skip_bad_rows: bool = False,
) -> Ratings:
    """Read ratings from wherever they are.

    Args:
        data: "sample", the name of a data set in data_dir, a folder, a file, or "-" for standard
            input; by default ml-25m, or else the only data set in data_dir.
        data_dir: the folder of data sets.
        user_col: name of the users' column, or its number counted from 1, where the file does
            not tell.
        item_col: of the items', alike.
        rating_col: of the ratings', alike.
        separator: what stands between fields, where it is no comma, tab, "::" or space.
        text_ids: take all ids for text; otherwise a column whose first 10,000 rows are integers
            is one of integers.
        skip_bad_rows: leave out rows that are no ratings instead of stopping.

    Raises:
        DataError: there is no such data, or it cannot be read.
        BadRowError: a row is no rating, and bad rows are not skipped.
        OptionError: a named column is not there.
    """
    options = ReadOptions(
        user_col=user_col,
        item_col=item_col,
        rating_col=rating_col,
        separator=separator,
        ids=IdKind.TEXT if text_ids else IdKind.AUTO,
        skip_bad_rows=skip_bad_rows,
    )
    source = find_source(None if data is None else os.fspath(data), Path(data_dir))
    return read_ratings(source, options).ratings


def load_model(path: str | os.PathLike[str]) -> BiasModel:
    """Read a model that ``mlbias train`` saved; nothing in the file is executed.

    Raises:
        ModelFileError: it is missing, no model file, damaged, or of a newer format.
    """
    return model_file.load_model(Path(path)).model
