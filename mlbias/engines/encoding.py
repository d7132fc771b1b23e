"""Rows on a worker to the part that they make."""

from dataclasses import replace

import numpy as np
import polars as pl

from mlbias.columns.find import find_columns
from mlbias.columns.names import Columns
from mlbias.core.compact import as_array
from mlbias.datasets.options import IdKind, ReadOptions
from mlbias.datasets.reading.encode import encode_chunk
from mlbias.datasets.reading.rows import Rows, Wording, rows_of_texts
from mlbias.datasets.reading.tables import check_types, rows_of_columns
from mlbias.datasets.reading.told_times import with_times
from mlbias.datasets.understood import Understood
from mlbias.engines.parts import Part
from mlbias.errors import DataError, OptionError
from mlbias.ratings import Ratings

ROLES = ("user", "item", "rating")


class NoRatingError(DataError):
    """A row is no rating; its columns as text, so that the source can be searched for it.

    Args:
        message: what is wrong with it.
        row: by role what the columns hold.
    """

    def __init__(self, message: str, row: dict[str, str | None] | None = None) -> None:
        super().__init__(message)
        self.row = row or {}


def roles_of(names: list[str], asked: dict[str, str | None], *, times: bool) -> dict[str, str]:
    """By role the name of its column, that of times if they are wanted and there are any.

    Args:
        names: of all columns.
        asked: by role the name that was given, None for a usual one.
        times: whether times are wanted.

    Raises:
        DataError: a column is missing.
        OptionError: a named column is not there.
    """
    places = find_columns(names, asked, "the frame").places
    wanted = (*ROLES, "time") if times else ROLES
    return {role: names[places[role]] for role in wanted if role in places}


def check_parts(parts: int | None) -> None:
    """See that there is a part at least.

    Raises:
        OptionError: there is none.
    """
    if parts is not None and parts < 1:
        raise OptionError(f"`parts` is {parts}; expected 1 or more.")


def part_of_rows(
    frame: pl.DataFrame, names: list[str], options: ReadOptions, *, from_text: bool = False
) -> Part:
    """The part with these rows.

    Args:
        frame: columns user, item, rating and perhaps time.
        names: what messages call the columns, in the same order.
        options: for ids, decimal marks and the unit of times.
        from_text: whether the columns are those of a text file, whose ids become integers where
            all are; ids that are text in a frame stay text.

    Raises:
        NoRatingError: a row is none.
        DataError: a column has a type that holds no such thing.
    """
    all_text = frozenset(ROLES[:2]) if options.ids is IdKind.TEXT else frozenset[str]()
    roles = {role: k for k, role in enumerate(frame.columns)}
    wording = Wording(roles, names, options.decimal, all_text)
    called = pl.Schema(zip(names, frame.dtypes, strict=True))
    check_types(called, Columns(*range(len(roles))), "the frame")
    try:
        if from_text:
            rows = rows_of_texts(frame, wording, int, len(frame))
        else:
            rows = rows_of_columns(frame, wording)
    except pl.exceptions.PolarsError as error:  # bytes that are no text
        raise DataError(f"the frame cannot be read: {error}.") from error
    if rows.first_bad is not None:
        bad = frame.row(rows.first_bad.place, named=True)
        texts = {role: None if value is None else str(value) for role, value in bad.items()}
        raise NoRatingError(rows.first_bad.reason, texts)
    return _part(rows, options.time_unit)


def _part(rows: Rows, unit: str | None) -> Part:
    chunk = encode_chunk(rows.frame)
    user, item = chunk.user[:].astype(np.int32), chunk.item.astype(np.int32)
    ratings = Ratings(user, item, as_array(chunk.value), chunk.user_keys, chunk.item_keys)
    if rows.untimed is not None:
        return Part.of(replace(ratings, untimed=f"a rating {rows.untimed.reason}"))
    times, dates = chunk.timestamp, "date" in rows.first_times
    timed, understood = with_times(ratings, times, Understood(), unit, are_dates=dates)
    return Part.of(timed, understood.time_unit or "")


def empty_part() -> Part:
    """The part without ratings."""
    nothing = np.empty(0, np.int32)
    ids = np.empty(0, np.int64)
    return Part.of(Ratings(nothing, nothing, np.empty(0, np.float32), ids, ids))
