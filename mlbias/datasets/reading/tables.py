"""Parquet and Arrow files, and frames from Python: columns that have types."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial

import polars as pl

from mlbias.columns.names import Columns
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.opening import Stream
from mlbias.datasets.reading.rows import (
    Rows,
    TimeKind,
    Wording,
    first_rows,
    first_untimed,
    rows_of_texts,
)
from mlbias.datasets.reading.wanted import Wanted
from mlbias.errors import DataError
from mlbias.ids import MISSING_TEXTS
from mlbias.printable import shortened

_ROWS_A_SLICE = 1 << 20
# A row takes as much memory while it is read as so many bytes of a file of text.
_BYTES_A_ROW, _BYTES_WITH_TEXT = 8, 16
_TEXT = (pl.String, pl.Categorical, pl.Enum, pl.Binary)


def table_parts(
    stream: Stream, options: ReadOptions, wanted: Wanted
) -> tuple[Columns, list[str], list[Callable[[], Rows]]]:
    """The columns of a Parquet or Arrow file, their names, and functions that read its slices.

    Raises:
        DataError: it is damaged, lacks a column, or one has a type that holds no such thing.
        OptionError: a named column is not there.
    """
    where = stream.where
    source = stream.path or io.BytesIO(stream.file.read())
    scan_file = pl.scan_parquet if stream.format == "Parquet" else pl.scan_ipc
    with _told_as_damage(where):
        # Otherwise Polars takes the name of a file for a pattern, and its folders for a hive.
        scan = scan_file(source, glob=False, hive_partitioning=False)
        schema = scan.collect_schema()
        size = scan.select(pl.len()).collect().item()
    names = schema.names()
    columns = wanted.find(names, options.asked, where)
    check_types(schema, columns, where)
    wording = table_wording(names, wanted.read(columns), options)
    keeps_all = wanted is Wanted.PAIRS
    n_rows = _ROWS_A_SLICE
    if stream.part_size is not None:
        has_text = any(schema[names[place]] in _TEXT for place in columns.places.values())
        bytes_a_row = _BYTES_WITH_TEXT if has_text else _BYTES_A_ROW
        n_rows = min(n_rows, max(stream.part_size // bytes_a_row, 1))
    chosen = [pl.col(names[place]).alias(role) for role, place in wording.columns.items()]
    read_scan = scan if keeps_all else scan.select(chosen)

    # For each slice Polars reads all of a row group's columns, as they are in the file: one by one
    # where memory is limited.
    turn = nullcontext() if stream.part_size is None else threading.Lock()

    def read(start: int) -> Rows:
        with _told_as_damage(where):
            with turn:
                frame = read_scan.slice(start, n_rows).collect()
            if len(frame) != min(n_rows, size - start):
                raise ValueError("it has fewer rows than it says")
            if not keeps_all:
                return rows_of_columns(frame, wording)
            return replace(rows_of_columns(frame.select(chosen), wording), table=frame)

    return columns, names, [partial(read, start) for start in range(0, size, n_rows)]


def table_wording(names: list[str], columns: Columns, options: ReadOptions) -> Wording:
    """How messages call the columns of a table."""
    text = frozenset(("user", "item")) if options.ids == "text" else frozenset[str]()
    return Wording(columns.places, names, options.decimal, text, value_name=columns.value_name)


def check_types(schema: pl.Schema, columns: Columns, where: str) -> None:
    """See that ids are integers or text, and ratings numbers.

    Raises:
        DataError: they are something else.
    """
    names = schema.names()
    for role, place in columns.places.items():
        dtype = schema[names[place]]
        is_number = dtype.is_integer() or (role != "item" and role != "user" and dtype.is_numeric())
        is_time = role == "time" and (dtype == pl.Datetime or dtype == pl.Date)
        # A column without any value has no type; each of its rows is named as missing.
        if is_number or is_time or dtype in _TEXT or dtype == pl.Null:
            continue
        expected = {"rating": "numbers", "time": "times"}.get(role, "integers or text")
        called = columns.value_name if role == "rating" else role
        advice = ""
        if dtype.is_float():
            advice = (
                "pandas makes floats of integers where one is missing: drop such rows, and convert "
                "the column to integers."
            )
        raise DataError(
            f"{where}: column {shortened(names[place])} for the {called} holds {dtype}; "
            f"expected {expected}.",
            advice,
        )


def rows_of_columns(frame: pl.DataFrame, wording: Wording) -> Rows:
    """Read typed columns user, item and perhaps rating and time; every row of them is a place."""
    columns = {role: _ids(frame[role], role in wording.all_text) for role in ("user", "item")}
    is_text = frozenset(role for role, ids in columns.items() if ids.dtype == pl.String)
    are_dates = "time" in frame.columns and frame["time"].dtype.is_temporal()
    kind: TimeKind = "date" if are_dates else "number"
    is_local = are_dates and getattr(frame["time"].dtype, "time_zone", None) is None
    if "time" in frame.columns:
        columns["time"] = _times(frame["time"])
    ratings = {role: frame[role] for role in ("rating",) if role in frame.columns}
    has_text_times = "time" in columns and columns["time"].dtype == pl.String
    if (
        all(rating.dtype.is_numeric() for rating in ratings.values())
        and not has_text_times
        and not any(_has_missing(columns[role]) for role in is_text)
    ):
        values = [each.cast(pl.Float64).alias("value") for each in ratings.values()]
        is_whole = all(not value.null_count() and bool(value.is_finite().all()) for value in values)
        if is_whole and not any(columns[role].null_count() for role in ("user", "item")):
            time = columns.get("time")
            return Rows(
                pl.DataFrame(columns).with_columns(*values),
                len(frame),
                untimed=None if time is None else first_untimed(time, frame["time"], int),
                first_times={} if time is None else first_rows(**{kind: time}),
                zone_assumed=is_local,
            )
    texts = pl.DataFrame(
        {
            role: column if role == "time" else _as_text(column)
            for role, column in (columns | ratings).items()
        }
    )
    exact = replace(wording, all_text=wording.all_text | is_text)
    rows = rows_of_texts(texts, exact, int, len(frame))
    firsts = rows.first_times
    if are_dates and firsts:  # dates are numbers by now
        firsts = {"date": firsts["number"]}
    return replace(rows, first_times=firsts, zone_assumed=rows.zone_assumed or is_local)


def _ids(column: pl.Series, is_text: bool) -> pl.Series:
    if column.dtype.is_integer():
        whole = column.cast(pl.Int64, strict=False)
        if not is_text and whole.null_count() == column.null_count():
            return whole
    return _as_text(column)


def _as_text(column: pl.Series) -> pl.Series:
    """Any column as text.

    Raises:
        PolarsError: its bytes are not UTF-8.
    """
    return column.cast(pl.String)


def _has_missing(ids: pl.Series) -> bool:
    return bool(ids.is_in(sorted(MISSING_TEXTS)).any())


def _times(column: pl.Series) -> pl.Series:
    """Integers and text as they are, floats without NaN, dates and times as Unix seconds."""
    if column.dtype.is_integer():
        return column
    if column.dtype.is_numeric():
        floats = column.cast(pl.Float64)
        return floats.set(~floats.is_finite(), None)
    if not column.dtype.is_temporal():
        return _as_text(column)
    micro = column.cast(pl.Datetime("us")).dt.epoch("us")
    whole = micro // 1_000_000
    return whole if bool((whole * 1_000_000 == micro).all()) else micro / 1e6


@contextmanager
def _told_as_damage(where: str) -> Iterator[None]:
    """Errors of Polars, a panic of its readers included, as those of a damaged file.

    Raises:
        DataError: there is one.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        reason = str(error).strip().split("\n")[0]
        raise DataError(f"{where} is damaged: {reason[:200]}.") from error
