"""Parquet files of ratings, a slice of rows at a time."""

import io
from collections.abc import Callable, Iterator
from functools import partial

import polars as pl

from mlbias.datasets.columns import Column, ReadOptions, find_columns, find_timestamp
from mlbias.datasets.layout import Layout
from mlbias.datasets.rows import Rows, find_doubtful, frame_schema, reread
from mlbias.datasets.streams import Stream
from mlbias.errors import DataError

_ROWS_A_SLICE = 1 << 20


def parquet_tasks(
    stream: Stream, where: str, options: ReadOptions, *, timestamps: bool
) -> Iterator[Callable[[], Rows]]:
    """Yield one function for each slice of a Parquet file, which reads its rows.

    Args:
        stream: of the file.
        where: what messages call it.
        options: what the columns are.
        timestamps: whether to look for a column of them.

    Raises:
        DataError: it is no Parquet file, lacks a column, or an id column is of another type
            than integers or text.
        OptionError: a named column is not there.
    """
    try:
        scan = pl.scan_parquet(stream.path or io.BytesIO(stream.file.read()))
        schema = scan.collect_schema()
        size = scan.select(pl.len()).collect().item()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{where} is damaged: {error}.") from error
    layout = _layout(schema, where, options, timestamps)
    names = schema.names()
    chosen = scan.select(
        pl.col(names[column.position]).alias(name)
        for column, name in zip(layout.columns, frame_schema(layout), strict=True)
    )
    for start in range(0, size, _ROWS_A_SLICE):
        yield partial(_parse_slice, chosen.slice(start, _ROWS_A_SLICE), layout)


def _layout(schema: pl.Schema, where: str, options: ReadOptions, timestamps: bool) -> Layout:
    names = schema.names()
    positions = find_columns(names, True, where, options)

    def column(role: str) -> Column:
        place = positions[role]
        dtype = schema[names[place]]
        text = dtype in (pl.String, pl.Categorical, pl.Enum)
        if not (text or dtype.is_integer() or (role == "rating" and dtype.is_numeric())):
            raise DataError(
                f"{where}: column {names[place]!r} for the {role} holds {dtype}; expected "
                f"{'numbers' if role == 'rating' else 'integers or text'}."
            )
        return Column(role, place, integer=role != "rating" and not text and options.ids == "auto")

    three = column("user"), column("item"), column("rating")
    timestamp = find_timestamp(names, True, positions) if timestamps else None
    if timestamp is not None and not schema[names[timestamp.position]].is_integer():
        timestamp = None
    return Layout(",", len(names), True, *three, timestamp)


def _parse_slice(scan: pl.LazyFrame, layout: Layout) -> Rows:
    raw = scan.collect()
    frame = raw.select(
        pl.col(name).cast(kind, strict=False) for name, kind in frame_schema(layout).items()
    ).with_columns(pl.col(pl.String).replace("", None))
    doubtful = find_doubtful(frame)
    if doubtful is None:
        return Rows(frame, [], len(frame))
    return reread(frame, doubtful, lambda place: _fields(raw.row(place), layout), layout)


def _fields(row: tuple[object, ...], layout: Layout) -> list[str]:
    fields = [""] * layout.width
    for column, value in zip(layout.columns, row, strict=True):
        fields[column.position] = "" if value is None else str(value)
    return fields
