"""Frames from Python to Ratings: pandas, Polars, PyArrow, DuckDB, anything that speaks Arrow."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from mlbias.arguments import article
from mlbias.columns.find import find_columns
from mlbias.columns.names import Columns
from mlbias.core.ratings import Codes
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.rows import Rows
from mlbias.datasets.reading.tables import check_types, rows_of_columns, table_wording
from mlbias.datasets.reading.told_times import with_times
from mlbias.datasets.understood import Understood
from mlbias.errors import DataError, OptionError
from mlbias.id_columns import is_missing
from mlbias.ids import Ids, TextIds, distinct
from mlbias.printable import shortened
from mlbias.ratings import Ratings

_WHERE = "the frame"
_OPTIONS = re.compile(r"`(\w+)_col`")


def ratings_of_frame(frame: Any, asked: Mapping[str, str | None]) -> Ratings:
    """Ratings of a frame, in its order.

    Args:
        frame: with a column each for user, item, rating and perhaps time.
        asked: by role the name of the column, None where it has a usual name.

    Raises:
        DataError: it is no frame, or a value is missing or of a wrong type.
        OptionError: a named column is not there.
    """
    try:
        return _read(frame, asked)
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().split("\n")[0]
        raise DataError(f"{_WHERE} cannot be read: {reason[:200]}.") from error


def predictions_of_frame(frame: Any) -> tuple[Ratings, Ratings | None]:
    """Predictions of a frame, in place of ratings, and the ratings beside them if it has some.

    Raises:
        DataError: it is no frame, lacks a column with a usual name, or a value is missing or of a
            wrong type.
    """
    table = as_polars(frame)
    columns = frame_columns(find_columns, table, {"prediction": None})
    predictions = ratings_of_frame(table, {"prediction": None})
    if columns.rated is None:
        return predictions, None
    places = {"user": columns.user, "item": columns.item, "rating": columns.rated}
    asked = {role: table.columns[place] for role, place in places.items()}
    return predictions, ratings_of_frame(table, asked)


def _read(frame: Any, asked: Mapping[str, str | None]) -> Ratings:
    table = as_polars(frame)
    columns = frame_columns(find_columns, table, asked)
    refuse_missing_ids(table, columns)
    check_types(table.schema, columns, _WHERE)
    chosen = table.select(
        pl.col(table.columns[place]).alias(role) for role, place in columns.places.items()
    )
    if len(chosen) == 0:
        raise DataError("there are no ratings")
    rows = rows_of_columns(chosen, table_wording(table.columns, columns, ReadOptions()))
    if rows.first_bad is not None:
        raise DataError(f"row {rows.first_bad.place}, {rows.first_bad.reason}")
    return _ratings(rows)


def frame_columns(
    find: Callable[..., Columns], table: pl.DataFrame, asked: Mapping[str, str | None]
) -> Columns:
    """The columns that ``find`` finds; where it does not, in the words of a call on a frame.

    Raises:
        DataError, OptionError: see find_columns and find_pair_columns.
    """
    try:
        return find(table.columns, asked, _WHERE)
    except (DataError, OptionError) as error:
        roles = _OPTIONS.findall(error.advice)
        named = "" if "prediction" in asked else f", or name it with {_joined(roles, '`')}"
        advice = f"Call it {_joined(roles)}{named}." if roles else error.advice
        raise type(error)(_OPTIONS.sub(r"`\1`", str(error)), advice) from None


def _joined(names: Sequence[str], mark: str = "") -> str:
    return " and ".join(f"{mark}{name}{mark}" for name in names)


def refuse_missing_ids(table: pl.DataFrame, columns: Columns) -> None:
    """Name a missing id before its column's type, which it turns from integers to floats."""
    for role in ("user", "item"):
        place = columns.places[role]
        column = table.to_series(place)
        missing = column.is_null()
        if column.dtype.is_float():
            missing |= column.is_nan().fill_null(True)
        if missing.any():
            row, name = int(missing.arg_max() or 0), shortened(column.name)
            raise DataError(f"row {row}, column {name}: the {role} is missing")


def _ratings(rows: Rows) -> Ratings:
    frame = rows.frame
    user_ids, user = _distinct(frame["user"])
    item_ids, item = _distinct(frame["item"])
    ratings = Ratings(user, item, frame["value"].to_numpy(), user_ids, item_ids)
    if "time" not in frame.columns:
        return ratings
    if rows.untimed is not None:
        first = rows.untimed
        return replace(ratings, untimed=f"row {first.place} of {_WHERE} {first.reason}")
    times = frame["time"].to_numpy()
    are_dates = "date" in rows.first_times
    return with_times(ratings, times, Understood(), None, are_dates=are_dates)[0]


def _distinct(column: pl.Series) -> tuple[Ids, Codes]:
    ids, codes = distinct(TextIds(column) if column.dtype == pl.String else column.to_numpy())
    return ids, codes.astype(np.int32)


def as_polars(frame: Any) -> pl.DataFrame:
    """The frame as one of Polars, without a copy where its types allow.

    Raises:
        DataError: it is no frame.
    """
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    if type(frame).__module__.startswith("pyspark.sql."):
        frame = frame.toArrow()  # what fits this machine is quicker here than there
    if isinstance(frame, Mapping):
        return pl.DataFrame({str(name): _column(name, column) for name, column in frame.items()})
    if type(frame).__module__.partition(".")[0] == "pandas" and hasattr(frame, "columns"):
        # By its columns, since pandas speaks Arrow only where PyArrow is installed.
        return pl.DataFrame({str(name): _column(name, frame[name]) for name in frame.columns})
    if hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__"):
        return pl.DataFrame(frame)
    is_name = isinstance(frame, str | os.PathLike)
    raise DataError(
        f"expected Ratings or a frame with columns, and found {article(type(frame).__name__)}.",
        "load_ratings reads files and the sample."
        if is_name
        else "Ratings.from_ids takes columns one by one.",
    )


def _column(name: object, column: Any) -> pl.Series:
    """A column of a pandas frame, or any array; what is missing is null.

    Raises:
        DataError: it has more than one dimension, or values of several types.
    """
    if isinstance(column, pl.Series):
        return column
    values = np.ma.filled(column, np.nan) if np.ma.isMaskedArray(column) else np.asarray(column)
    if values.ndim != 1:
        raise DataError(
            f"column {shortened(str(name))} has {values.ndim} dimensions; expected a single column"
        )
    try:
        if values.dtype.kind != "O":
            return pl.Series(values, nan_to_null=values.dtype.kind == "f")
        texts = [None if is_missing(value) else value for value in values.tolist()]
        return pl.Series(texts, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        kinds = sorted({type(value).__name__ for value in values.tolist()})
        raise DataError(
            f"column {shortened(str(name))} holds values of several types: {', '.join(kinds)}"
        ) from None
