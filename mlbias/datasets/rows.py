"""Text to rows: a chunk of lines at Polars' speed, and what it cannot read row by row.

What is accepted is what Python accepts (see fields.py). Polars accepts less, so that it takes the
many plain rows, and each row that it leaves blank is read again by Python, which decides.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import polars as pl

from mlbias.datasets.fields import Row, read_row
from mlbias.datasets.layout import Layout

# Stands for "::" between fields; Polars splits at single bytes only.
_UNIT_SEPARATOR = b"\x1f"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ROWS_OF_QUOTED_TEXT = 100_000

# Whole lines in pieces: to join them costs as much as to read them, so it is done only once.
Chunk = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no rating: its line, counted from the chunk's first, and what is wrong.

    ``ends_text`` tells that nothing after it could be read, so that it cannot just be left out.
    """

    line: int
    reason: str
    ends_text: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """What a chunk came to.

    Args:
        frame: its ratings, in columns user, item, value and perhaps timestamp; see encode_chunk.
        bad: its rows that are no ratings, in their order.
        n_lines: how many lines it has, blank ones included.
    """

    frame: pl.DataFrame
    bad: list[BadRow]
    n_lines: int


def is_plain(chunk: Chunk, layout: Layout) -> bool:
    """Whether lines end at line ends and fields at separators, and nowhere else."""
    if not layout.quoted:
        return True
    if any(b'"' in piece for piece in chunk):
        return False
    if not any(b"\r" in piece for piece in chunk):
        return True
    joined = b"".join(chunk)
    return joined.count(b"\r") == joined.count(b"\r\n")


def parse_chunk(chunk: Chunk, layout: Layout) -> Rows:
    """Rows of a plain chunk."""
    # A header of our own fixes the number of columns; shorter lines are filled with nulls.
    header = layout.separator.join(_column_names(layout)).encode() + b"\n"
    text = b"".join((header, *chunk))
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if _is_odd(text, len(header), layout):
        return _parse_lines(text, layout)
    try:
        frame = _parse_plain(text, layout)
    except pl.exceptions.PolarsError:  # bytes that are not UTF-8
        return _parse_lines(text, layout)
    doubtful = find_doubtful(frame)
    if doubtful is None:
        return Rows(frame, [], len(frame))
    lines = _lines_below_header(text)
    if len(frame) != len(lines):
        return _parse_lines(text, layout)
    return reread(frame, doubtful, lambda place: layout.fields(decoded(lines[place])), layout)


def find_doubtful(frame: pl.DataFrame) -> pl.Series | None:
    """Which rows Polars could not read, or read as no finite number; None if there are none.

    A timestamp that is missing does not count.
    """
    needed = ("user", "item", "value")
    if not any(frame[name].null_count() for name in needed) and frame["value"].is_finite().all():
        return None
    return frame.select(
        pl.any_horizontal(pl.col(*needed).is_null()) | ~pl.col("value").is_finite()
    ).to_series()


def reread(
    frame: pl.DataFrame,
    doubtful: pl.Series,
    fields_of: Callable[[int], Sequence[str]],
    layout: Layout,
) -> Rows:
    """Give the rows that Polars left blank to Python; put what it reads in their places."""
    good, bad = _Collected(layout), list[BadRow]()
    places = []
    for place in np.flatnonzero(doubtful.to_numpy()).tolist():
        fields = fields_of(place)
        if fields != [""] and good.add(fields, place, bad):
            places.append(place)
    numbered = frame.with_row_index("place").filter(~doubtful)
    mended = good.frame().insert_column(0, pl.Series("place", places, numbered["place"].dtype))
    whole = pl.concat([numbered, mended]).sort("place").drop("place")
    return Rows(whole, bad, len(frame))


def no_rows(layout: Layout, n_lines: int) -> Rows:
    """What lines without ratings come to, as a header's."""
    return Rows(_Collected(layout).frame(), [], n_lines)


def count_lines(chunk: bytes) -> int:
    """Lines of a chunk, a last one without a line end included."""
    return len(chunk.removesuffix(b"\n").split(b"\n"))


def parse_quoted(chunks: Iterable[Chunk], layout: Layout) -> Iterator[Rows]:
    """Rows of the rest of a text, from a chunk on that is not plain, by Python's csv.

    Fields may be quoted and hold separators and line ends; a lone carriage return ends a line.
    """
    lines = chain.from_iterable(text_lines(b"".join(chunk)) for chunk in chunks)
    reader = csv.reader(lines, delimiter=layout.separator)
    more = True
    while more:
        good, bad = _Collected(layout), list[BadRow]()
        first = line = reader.line_num
        while more and len(good) + len(bad) < _ROWS_OF_QUOTED_TEXT:
            try:
                fields = next(reader, None)
            except csv.Error as error:  # what follows is lost in an open quotation
                bad.append(
                    BadRow(line - first, f"{error}; is a quotation mark left open?", ends_text=True)
                )
                fields = None
            more = fields is not None
            if fields:
                good.add(fields, line - first, bad)
            line = reader.line_num
        yield Rows(good.frame(), bad, line - first)


class _Collected:
    """Good rows on their way into a frame."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._rows: list[Row] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, fields: Sequence[str], line: int, bad: list[BadRow]) -> bool:
        """Keep the row, or note in ``bad`` why not; whether it was kept."""
        try:
            self._rows.append(read_row(fields, self._layout))
        except ValueError as error:
            bad.append(BadRow(line, str(error)))
            return False
        return True

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(self._rows, schema=frame_schema(self._layout), orient="row")


def frame_schema(layout: Layout) -> dict[str, type[pl.DataType]]:
    """Columns of a frame of ratings and their types, in the order of the layout's columns."""
    schema: dict[str, type[pl.DataType]] = {
        "user": pl.Int64 if layout.user.integer else pl.String,
        "item": pl.Int64 if layout.item.integer else pl.String,
        "value": pl.Float64,
    }
    return schema if layout.timestamp is None else schema | {"timestamp": pl.Int64}


def _column_names(layout: Layout) -> list[str]:
    names = [f"unused{place}" for place in range(layout.width)]
    for column, name in zip(layout.columns, frame_schema(layout), strict=True):
        names[column.position] = name
    return names


def _is_odd(text: bytes, start: int, layout: Layout) -> bool:
    """Whether Polars would drop or change something: it skips blank lines and marks in front."""
    if text.startswith((b"\n", _BYTE_ORDER_MARK), start):
        return True
    return layout.separator == "::" and _UNIT_SEPARATOR in text


def _parse_plain(text: bytes, layout: Layout) -> pl.DataFrame:
    separator = layout.separator.encode()
    if separator == b"::":
        text, separator = text.replace(b"::", _UNIT_SEPARATOR), _UNIT_SEPARATOR
    elif separator == b" ":
        text = re.sub(rb"[ \t]+", b" ", re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", text))
    return pl.read_csv(
        text,
        separator=separator.decode(),
        columns=list(frame_schema(layout)),
        schema_overrides=frame_schema(layout),
        quote_char=None,
        ignore_errors=True,
        truncate_ragged_lines=True,
    ).select(*frame_schema(layout))


def _parse_lines(text: bytes, layout: Layout) -> Rows:
    """Rows of a text under a header of ours, each read by Python."""
    good, bad = _Collected(layout), list[BadRow]()
    lines = _lines_below_header(text)
    for line, content in enumerate(lines):
        fields = layout.fields(decoded(content))
        if fields != [""]:
            good.add(fields, line, bad)
    return Rows(good.frame(), bad, len(lines))


def _lines_below_header(text: bytes) -> list[bytes]:
    return text.removesuffix(b"\n").split(b"\n")[1:]


def text_lines(content: bytes) -> Iterator[str]:
    """Lines with their ends, which may be newlines, carriage returns or both; see decoded."""
    return io.TextIOWrapper(io.BytesIO(content), "utf-8", "surrogateescape", newline="")


def decoded(text: bytes) -> str:
    """UTF-8 text; a byte that is none stands as a lone surrogate, which read_row refuses."""
    return text.decode("utf-8", "surrogateescape")
