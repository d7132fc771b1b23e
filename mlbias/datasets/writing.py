"""Tables to files and streams, a frame at a time, so that no more than a few are in memory."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
from polars.io.plugins import register_io_source

from mlbias.errors import DataError, OptionError
from mlbias.files import obstacle
from mlbias.printable import shortened

_ROWS_A_GROUP = 1 << 18
_INTEGERS = r"^(0|-?[1-9][0-9]{0,18})$"
_NUMBERS = r"^[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)$"


class TableFormat(StrEnum):
    """How a table is written."""

    CSV = "CSV"
    TSV = "TSV"
    JSON_LINES = "JSON lines"
    PARQUET = "Parquet"
    ARROW = "Arrow"


ENDINGS = {
    ".csv": TableFormat.CSV,
    ".tsv": TableFormat.TSV,
    ".jsonl": TableFormat.JSON_LINES,
    ".ndjson": TableFormat.JSON_LINES,
    ".parquet": TableFormat.PARQUET,
    ".arrow": TableFormat.ARROW,
    ".feather": TableFormat.ARROW,
}


def format_of(path: Path, others: Iterable[str] = ()) -> TableFormat | None:
    """The format that the name of a file asks for; None for one of the ``others``.

    Raises:
        OptionError: it ends like neither.
    """
    ending = path.suffix.lower()
    if ending in others:
        return None
    if ending not in ENDINGS:
        listed = ", ".join([*ENDINGS, *others])
        raise OptionError(f"`out` ends in {listed}, which says the format; {path} does not.")
    return ENDINGS[ending]


def check_table_place(path: Path, *, force: bool) -> None:
    """See that a table can be written here without harm to another file.

    Nothing in a table says who wrote it, so that no file is replaced without force.

    Raises:
        DataError: something other than a regular file has the name, there is no folder to write
            to, or a file is there.
    """
    if reason := obstacle(path):
        raise DataError(f"{path} cannot be written: {reason}.")
    if path.exists() and not force:
        raise DataError(
            f"{path} exists, so it is not replaced.",
            "Replace it with `force`, or name another file with `out`.",
        )


def write_frames(
    frames: Iterable[pl.DataFrame], file: BinaryIO, form: TableFormat, *, of_texts: bool = False
) -> None:
    """Write frames one after the other as one table.

    Args:
        frames: with the same columns; at least one.
        file: where to.
        form: how.
        of_texts: whether columns of text come from a file of text: then those that hold integers or
            numbers alone are written as such, where the format has types.

    Raises:
        DataError: a later frame has values of another type than the first, or the format cannot
            hold a column.
    """
    rows = iter(frames)
    if form in (TableFormat.CSV, TableFormat.TSV):
        for number, frame in enumerate(rows):
            file.write(_as_csv(frame, "," if form is TableFormat.CSV else "\t", header=not number))
        return
    first = next(rows)
    if of_texts:
        first = first.with_columns(_typed(column) for column in first.get_columns())
    schema = {
        name: pl.String if dtype == pl.Null else dtype for name, dtype in first.schema.items()
    }
    conformed = _conformed(chain([first], rows), schema)
    if form is TableFormat.JSON_LINES:
        for frame in conformed:
            file.write(frame.write_ndjson().encode())
    elif form is TableFormat.PARQUET:
        sink_frames(
            conformed, schema, lambda rows: rows.sink_parquet(file, row_group_size=_ROWS_A_GROUP)
        )
    else:
        sink_frames(conformed, schema, lambda rows: rows.sink_ipc(file))


def sink_frames(
    frames: Iterator[pl.DataFrame], schema: Mapping[str, Any], sink: Callable[[pl.LazyFrame], Any]
) -> None:
    """Let Polars ask for one frame after the other, so that it never holds all of them.

    It does so in another thread, because ours could handle no signal as long as it is in Polars.
    """
    stopped = threading.Event()
    raised: list[BaseException] = []

    def source(*_: object) -> Iterator[pl.DataFrame]:
        try:
            for frame in frames:
                if stopped.is_set():
                    return
                yield frame
        except BaseException as error:  # Polars would make it one of its own
            raised.append(error)
            raise

    rows = register_io_source(source, schema=schema)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(sink, rows)
        try:
            writing.result()
        except pl.exceptions.PolarsError:
            if raised:
                raise raised[0] from None
            raise
        finally:
            stopped.set()


def _as_csv(frame: pl.DataFrame, separator: str, *, header: bool) -> bytes:
    written = BytesIO()
    try:
        frame.write_csv(written, include_header=header, separator=separator)
    except pl.exceptions.PolarsError as error:
        nested = next((name for name, dtype in frame.schema.items() if dtype.is_nested()), None)
        if nested is None:
            raise
        raise DataError(
            f"column {shortened(nested)} holds {frame.schema[nested]}, which text cannot hold.",
            "Write Parquet, Arrow or JSON lines.",
        ) from error
    return written.getvalue()


def _typed(column: pl.Series) -> pl.Series:
    """A column of text as integers or numbers, where each value is one."""
    if column.dtype != pl.String or column.null_count() == len(column):
        return column
    for pattern, dtype in ((_INTEGERS, pl.Int64), (_NUMBERS, pl.Float64)):
        if column.str.contains(pattern).all():
            found = column.cast(dtype, strict=False)
            if found.null_count() == column.null_count():
                return found
    return column


def _conformed(frames: Iterable[pl.DataFrame], schema: Mapping[str, Any]) -> Iterator[pl.DataFrame]:
    """The frames with the columns of the first."""
    n = 0
    for frame in frames:
        lacking = [name for name in schema if name not in frame.columns]
        further = [name for name in frame.columns if name not in schema]
        if further:
            raise DataError(
                f"after {n:,} rows there is a key {shortened(further[0])}, which none of them has.",
                "Give each object the same keys.",
            )
        frame = frame.with_columns(pl.lit(None).alias(name) for name in lacking)
        columns = [_cast(frame[name], dtype, n) for name, dtype in schema.items()]
        yield pl.DataFrame(columns)
        n += len(frame)


def _cast(column: pl.Series, dtype: Any, n_before: int) -> pl.Series:
    """The column in another type, in which no value is another one."""
    if column.dtype == dtype:
        return column
    found = column.cast(dtype, strict=False)
    changed = found.is_null() & column.is_not_null()
    if column.dtype == pl.String and dtype in (pl.Int64, pl.Float64):
        pattern = _INTEGERS if dtype == pl.Int64 else _NUMBERS
        changed |= ~column.str.contains(pattern).fill_null(True)
    elif column.dtype.is_float() and dtype.is_integer():
        changed |= (found.cast(column.dtype) != column).fill_null(False)
    row = changed.arg_max() if changed.any() else None
    if row is not None:
        raise DataError(
            f"column {shortened(column.name)} holds {dtype} in the first rows, and "
            f"{shortened(str(column[row]))} in row {n_before + row + 1:,}.",
            "Write CSV, which has no types.",
        )
    return found
