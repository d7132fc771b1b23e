"""The rows of a part of text: Polars parses them, at full speed wherever that is exact."""

import re
from collections.abc import Mapping
from math import isfinite

import polars as pl

from mlbias.datasets.reading.layout import Layout
from mlbias.datasets.reading.odd_integers import has_odd_integers
from mlbias.datasets.reading.quotation_marks import outside_quotes, with_newlines
from mlbias.datasets.reading.regular_rows import RegularRows, regular_rows, unused_byte
from mlbias.datasets.reading.rows import BadRow, Rows, Wording, rows_of_texts
from mlbias.errors import DataError
from mlbias.ids import MISSING_TEXTS

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def parse_part(data: bytes, layout: Layout, text_ids: frozenset[str]) -> Rows:
    """Read the rows of a part.

    Args:
        data: whole rows, without a header.
        layout: how to take them apart.
        text_ids: roles whose ids are known to be text.
    """
    data, separator = _normalised(data, layout)
    found = regular_rows(data, layout, separator)
    is_text = found.stand_in or layout.kept
    frame = None if is_text else _typed(found.data, layout, separator, text_ids)
    if frame is None or len(frame) != found.n_rows:
        return _texts(found, layout, separator, text_ids)
    has_times = "time" in frame.columns and len(frame) > 0
    return Rows(
        frame,
        found.n_lines,
        found.n_bad,
        found.first_bad,
        first_times={"number": found.line(0)} if has_times else {},
    )


def _typed(
    data: bytes, layout: Layout, separator: int, text_ids: frozenset[str]
) -> pl.DataFrame | None:
    """The rows at Polars' full speed; None where some value has to be looked at as text."""
    whole = {"user", "item"} - text_ids
    quoted = layout.quoted and b'"' in data
    if layout.decimal != "." or (whole and has_odd_integers(data, separator, quoted=quoted)):
        return None
    kinds: dict[str, type[pl.DataType]] = {"rating": pl.Float64, "time": pl.Int64}
    for role in ("user", "item"):
        kinds[role] = pl.Int64 if role in whole else pl.String
    try:
        frame = _read(data, layout, separator, kinds)
    except pl.exceptions.PolarsError:
        return None
    if any(frame[role].null_count() for role in frame.columns):
        return None
    # A sum is quicker to check, and only overflows where single ratings are looked at.
    if not isfinite(frame["rating"].sum()) and not frame["rating"].is_finite().all():
        return None
    missing = sorted(MISSING_TEXTS)
    if any(frame[role].is_in(missing).any() for role in text_ids):
        return None
    frame.columns = ["value" if role == "rating" else role for role in frame.columns]
    return frame


def _texts(found: RegularRows, layout: Layout, separator: int, text_ids: frozenset[str]) -> Rows:
    """The rows by their texts: slower, and exact."""
    kinds = dict.fromkeys(("user", "item", "rating", "time"), pl.String)
    data, is_utf8 = found.data, True
    try:
        texts = _read(data, layout, separator, kinds)
    except pl.exceptions.PolarsError:
        data, is_utf8 = data.decode("utf-8", "replace").encode(), False
        texts = _read(data, layout, separator, kinds)
    if len(texts) != found.n_rows:
        raise DataError(f"Polars finds {len(texts)} rows where there are {found.n_rows}.")
    if found.stand_in:
        mark = found.stand_in.decode()
        texts = texts.with_columns(pl.all().str.replace_all(mark, "\n", literal=True))
    wording = Wording(
        layout.columns.places,
        decimal=layout.decimal,
        all_text=text_ids,
        is_utf8=is_utf8,
        value_name=layout.columns.value_name,
    )
    rows = rows_of_texts(texts, wording, found.line, found.n_lines)
    garbled = None if is_utf8 or not layout.kept else _garbled(texts, found)
    firsts = [bad for bad in (found.first_bad, rows.first_bad, garbled) if bad is not None]
    return Rows(
        rows.frame,
        found.n_lines,
        found.n_bad + rows.n_bad + (garbled is not None),
        min(firsts, key=lambda bad: bad.place, default=None),
        rows.untimed,
        rows.first_times,
        rows.zone_assumed,
        _table(texts, layout) if layout.kept else None,
    )


def _table(texts: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """All columns under their names, without R's row names in front."""
    n_before = layout.width - len(layout.kept)
    columns = texts.get_columns()[n_before:]
    return pl.DataFrame(
        [column.alias(name) for column, name in zip(columns, layout.kept, strict=True)]
    )


def _garbled(texts: pl.DataFrame, found: RegularRows) -> BadRow | None:
    """The first row with bytes that are not UTF-8, whatever their column."""
    rows = texts.select(pl.any_horizontal(pl.all().str.contains("\ufffd", literal=True)))
    row = rows.to_series().arg_max() if rows.to_series().any() else None
    if row is None:
        return None
    return BadRow(
        found.line(row),
        "the row is not valid UTF-8",
        "`encoding` names the encoding, such as latin-1.",
    )


def _read(
    data: bytes, layout: Layout, separator: int, kinds: Mapping[str, type[pl.DataType]]
) -> pl.DataFrame:
    places = layout.columns.places
    names = [f"unused{place}" for place in range(layout.width)]
    for role, place in places.items():
        names[place] = role
    schema = {name: kinds.get(name, pl.String) for name in names}
    # Polars takes off a byte order mark at the beginning, but not behind a header of our own.
    marked = data.startswith(BYTE_ORDER_MARK)
    if marked:
        data = chr(separator).join(names).encode() + b"\n" + data
    frame = pl.read_csv(
        data,
        has_header=marked,
        separator=chr(separator),
        columns=None if layout.kept else sorted(places.values()),
        schema=schema,
        quote_char='"' if layout.quoted else None,
        raise_if_empty=False,
    )
    return frame if layout.kept else frame[list(places)]


def _normalised(data: bytes, layout: Layout) -> tuple[bytes, int]:
    """The text with newlines as line ends and one byte as the separator, and this byte."""
    data = with_newlines(data, quoted=layout.quoted)
    if not data.endswith(b"\n"):
        data += b"\n"
    if layout.separator == "::":
        stand_in = unused_byte(data)
        return data.replace(b"::", bytes([stand_in])), stand_in
    runs = (b"\t", b"  ", b" \n", b"\n ")
    if layout.separator == " " and any(run in b"\n" + data for run in runs):
        is_quoted = layout.quoted and b'"' in data
        data = outside_quotes(data, _single_spaced) if is_quoted else _single_spaced(data)
        data = data.removeprefix(b" ")
    return data, ord(layout.separator)


def _single_spaced(text: bytes) -> bytes:
    """Runs of spaces and tabs as one space, none of them at the ends of lines."""
    return re.sub(rb"[ \t]+", b" ", text).replace(b" \n", b"\n").replace(b"\n ", b"\n")
