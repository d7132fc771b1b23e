r"""Text of ratings in parts: what a row is, checked on bytes; what its fields are, by Polars.

The bytes between fields and rows, alone and in their order, are a text's skeleton: in a file with
four columns ",,,\n" again and again. Comparing it takes a tenth of the time of parsing, and tells
whether every row has as many fields as it should.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlbias.columns import shortened
from mlbias.datasets.reading.layout import Layout
from mlbias.datasets.reading.opening import Stream
from mlbias.datasets.reading.rows import BadRow, BrokenTextError, Rows, Wording, rows_of_texts
from mlbias.errors import DataError
from mlbias.ids import MISSING_TEXTS

PART_SIZE = 8 << 20
_LONGEST_LINE = 64 << 20
_LONGEST_QUOTATION = 256 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTE, _NEWLINE = ord('"'), ord("\n")
# Bytes that text hardly ever holds; one stands for "::" and for line ends inside quotation marks.
_STAND_INS = b"\x1f\x1e\x1d\x1c\x02\x03\x04\x05\x06\x07"
_CACHED = 1 << 17

Bytes = NDArray[np.uint8]
Places = NDArray[np.intp]


def next_part(stream: Stream) -> bytes:
    """The next whole lines, about 8 MiB of them; only the last of a text may lack its line end.

    Raises:
        DataError: a line is longer than any row of ratings.
    """
    file, end = stream.file, 0
    if stream.path is not None:
        # Where the part ends is looked up first: to join two pieces takes as long as to parse.
        start = file.tell()
        file.seek(start + PART_SIZE - 1)
        line = file.readline(_LONGEST_LINE)
        end = file.tell()
        file.seek(start)
        data = file.read(end - start if line else PART_SIZE)
    else:
        data, line = file.read(PART_SIZE), b""
        if data and not data.endswith(b"\n"):
            line = file.readline(_LONGEST_LINE)
            data += line
    if len(line) >= _LONGEST_LINE:
        raise DataError(f"{stream.where} is no text of ratings: a line fills more than 64 MiB.")
    return data


def parts_of(first: bytes, stream: Stream, layout: Layout) -> Iterator[bytes]:
    """Yield text in parts of whole rows.

    Args:
        first: whole lines that were read already, the header taken off.
        stream: what follows.
        layout: how it is laid out.

    Raises:
        DataError: a line is longer than any row of ratings.
        BrokenTextError: a quotation mark is where none may be, or is never closed; the place is
            counted from the line after the last part.
    """
    part = first
    while part:
        if layout.quoted and b'"' in part:
            part = _whole_quotations(part, stream, layout.separator.encode())
        yield part
        part = next_part(stream)


def _whole_quotations(part: bytes, stream: Stream, mark: bytes) -> bytes:
    """The part with what it takes to end outside of quotation marks."""
    file = stream.file
    part = with_newlines(part, quoted=True)
    while not check_quotes(part, mark, at_end=len(part) > _LONGEST_QUOTATION or not file.peek(1)):
        part += file.read(len(part)) + file.readline(_LONGEST_LINE)
        part = with_newlines(part, quoted=True)
    return part


def with_newlines(data: bytes, *, quoted: bool) -> bytes:
    """Whole rows with newlines as line ends; within quotation marks a carriage return stays."""
    if b"\r" not in data:
        return data
    if quoted and b'"' in data:
        text = np.frombuffer(data, np.uint8)
        places = np.flatnonzero(text == _QUOTE), np.flatnonzero(text == ord("\r"))
        if (np.searchsorted(*places) & 1).any():
            return _outside_quotes(data, partial(with_newlines, quoted=False))
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _outside_quotes(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Whole rows with what is not within quotation marks changed."""
    pieces = data.split(b'"')
    pieces[::2] = map(change, pieces[::2])
    return b'"'.join(pieces)


def check_quotes(data: bytes, mark: bytes, *, at_end: bool) -> bool:
    """Whether a text ends outside of quotation marks, all of which are where RFC 4180 has them.

    Args:
        data: rows from the beginning of one on.
        mark: the separator.
        at_end: whether nothing follows.

    Raises:
        BrokenTextError: a mark stands inside an unquoted field, text follows a closing mark, or a
            quotation is never closed.
    """
    text = np.frombuffer(b"\n" + data + b"\n", np.uint8)
    places = np.flatnonzero(text == _QUOTE)
    opening, closing = places[0::2], places[1::2]
    around = np.zeros(256, dtype=np.bool_)
    around[[mark[0], _NEWLINE, ord("\r"), _QUOTE]] = True
    around[ord("\t")] |= mark == b" "
    wrong_opening = opening[~around[text[opening - 1]]]
    wrong_closing = np.flatnonzero(~around[text[closing + 1]])
    faults = []
    if len(wrong_opening):
        reason = "a quotation mark stands inside a field that is not quoted"
        faults.append((int(wrong_opening[0]), reason))
    if len(wrong_closing):
        reason = "a quotation that is opened here has text after its closing mark"
        faults.append((_opened_at(opening, closing, int(wrong_closing[0])), reason))
    if not faults and at_end and len(opening) > len(closing):
        place = _opened_at(opening, closing, len(opening) - 1)
        faults.append((place, "a quotation that is opened here is never closed"))
    if not faults:
        return len(opening) == len(closing)
    place, reason = min(faults)
    advice = "Fix the line; where a row ends cannot be told, so that it cannot be left out."
    line = data.count(b"\n", 0, place - 1)
    raise BrokenTextError(BadRow(line, reason, advice, ends_text=True))


def _opened_at(opening: Places, closing: Places, number: int) -> int:
    """Where the field of an opening mark begins: two marks side by side are a letter of a field."""
    while number and closing[number - 1] + 1 == opening[number]:
        number -= 1
    return int(opening[number])


def parse_part(data: bytes, layout: Layout, text_ids: frozenset[str]) -> Rows:
    """Read the rows of a part.

    Args:
        data: whole rows, without a header.
        layout: how to take them apart.
        text_ids: roles whose ids are known to be text.
    """
    data, separator = _normalised(data, layout)
    found: _Regular | None = None
    if not (layout.quoted and b'"' in data):
        skeleton = data.translate(None, _all_but(separator))
        row = bytes([separator]) * (layout.width - 1) + b"\n"
        n_lines = len(skeleton) // len(row)
        if skeleton == row * n_lines:
            found = _Regular(data, n_lines)
    found = found or _regular_rows(data, layout, separator)
    frame = None if found.stand_in else _typed(found.data, layout, separator, text_ids)
    if frame is None or len(frame) != found.n_rows:
        return _texts(found, layout, separator, text_ids)
    return Rows(frame, found.n_lines, found.n_bad, found.first_bad)


@dataclass(frozen=True, slots=True)
class _Regular:
    """Rows that have as many fields as they should, and what else was among them.

    Attributes:
        data: the rows.
        n_lines: lines of the part in all.
        starts: where each row begins in the part; None if each line is a row.
        part: the part.
        n_bad: rows with other numbers of fields.
        first_bad: the first of them.
        stand_in: what stands for line ends inside quotation marks, empty for none.
    """

    data: bytes
    n_lines: int
    starts: NDArray[np.int64] | None = None
    part: bytes = b""
    n_bad: int = 0
    first_bad: BadRow | None = None
    stand_in: bytes = b""

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return self.n_lines if self.starts is None else len(self.starts)

    def line(self, row: int) -> int:
        """In which line of the part a row begins, from 0."""
        return row if self.starts is None else self.part.count(b"\n", 0, int(self.starts[row]))


def _regular_rows(data: bytes, layout: Layout, separator: int) -> _Regular:
    """The rows of a part that has others, blank lines or quotation marks as well."""
    text = np.frombuffer(data, np.uint8)
    is_mark = (text == separator) | (text == _NEWLINE)
    quoted = layout.quoted and b'"' in data
    if quoted:
        is_mark |= text == _QUOTE
    marks = np.flatnonzero(is_mark)
    kinds, stand_in = text[marks], b""
    if quoted:
        is_quote = kinds == _QUOTE
        inside = (np.cumsum(is_quote, dtype=np.int32) & 1).astype(np.bool_)
        hidden = marks[inside & (kinds == _NEWLINE)]
        if len(hidden):
            stand_in = bytes([_unused(data)])
            text = text.copy()
            text[hidden] = stand_in[0]
        marks, kinds = marks[~is_quote & ~inside], kinds[~is_quote & ~inside]
    last = np.flatnonzero(kinds == _NEWLINE)  # the mark that ends each row
    stops = marks[last]
    starts = np.concatenate([[0], stops[:-1] + 1]).astype(np.int64)
    widths = np.diff(last, prepend=-1)
    good = widths == layout.width
    # A separator too many at the end of a row is no field, with or without quotation marks.
    before = marks[np.maximum(last - 1, 0)]
    is_empty = stops - before == 1
    if quoted:
        is_empty |= (
            (stops - before == 3) & (text[stops - 1] == _QUOTE) & (text[stops - 2] == _QUOTE)
        )
    trailing = (widths == layout.width + 1) & is_empty
    # A line of blanks alone is no row. Blanks are rare, so that each is looked at.
    odd = np.flatnonzero(~good & ~trailing)
    blank = [row for row in odd if not data[starts[row] : stops[row]].strip()]
    bad = np.setdiff1d(odd, blank, assume_unique=True)
    keep = good | trailing
    if keep.all() and not trailing.any():
        return _Regular(text.tobytes(), _count(data, _NEWLINE), starts, data, stand_in=stand_in)
    kept = np.repeat(keep, stops + 1 - starts)
    for offset in range(3):
        kept[(before + offset)[trailing & (before + offset < stops)]] = False
    first = None
    if len(bad):
        row = int(bad[0])
        line = data[starts[row] : stops[row]].replace(bytes([separator]), layout.separator.encode())
        first = BadRow(
            data.count(b"\n", 0, int(starts[row])), *_miscounted(line, int(widths[row]), layout)
        )
    return _Regular(
        text[kept].tobytes(), _count(data, _NEWLINE), starts[keep], data, len(bad), first, stand_in
    )


def _miscounted(line: bytes, found: int, layout: Layout) -> tuple[str, str]:
    shown = shortened(line[:300].decode("utf-8", "replace"))
    advice = ""
    if found == 1:
        advice = (
            f"Fields are taken to be separated by {layout.separator_name}; --separator names "
            "another."
        )
    return f"expected {layout.width} fields, found {found}: {shown}", advice


def _typed(
    data: bytes, layout: Layout, separator: int, text_ids: frozenset[str]
) -> pl.DataFrame | None:
    """The rows at Polars' full speed; None where some value has to be looked at as text."""
    whole = {"user", "item"} - text_ids
    if layout.decimal != "." or (whole and _has_odd_integers(data, layout, separator)):
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
    if not frame["rating"].is_finite().all():
        return None
    missing = sorted(MISSING_TEXTS)
    if any(frame[role].is_in(missing).any() for role in text_ids):
        return None
    return frame.rename({"rating": "value"})


def _texts(found: _Regular, layout: Layout, separator: int, text_ids: frozenset[str]) -> Rows:
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
        layout.columns.places, decimal=layout.decimal, all_text=text_ids, is_utf8=is_utf8
    )
    rows = rows_of_texts(texts, wording, found.line, found.n_lines)
    firsts = [bad for bad in (found.first_bad, rows.first_bad) if bad is not None]
    return Rows(
        rows.frame,
        found.n_lines,
        found.n_bad + rows.n_bad,
        min(firsts, key=lambda bad: bad.place, default=None),
        rows.untimed,
        rows.are_dates,
        rows.zone_assumed,
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
    return pl.read_csv(
        data,
        has_header=marked,
        separator=chr(separator),
        columns=sorted(places.values()),
        schema=schema,
        quote_char='"' if layout.quoted else None,
        raise_if_empty=False,
    ).select(*places)


def _has_odd_integers(data: bytes, layout: Layout, separator: int) -> bool:
    """Whether a field may be an integer that is not written canonically.

    It then begins with a blank, a plus sign, a zero before a digit, or a minus before a zero.
    """
    text = np.frombuffer(data, np.uint8)
    if _is_odd_start(data[:2]):
        return True
    is_odd = _ODD_STARTS
    if separator == ord("\t"):
        # There it is the next separator, behind an empty field.
        is_odd = is_odd.copy()
        is_odd[separator * 256 : separator * 256 + 256] = False
    quoted = layout.quoted and b'"' in data
    for start in range(0, len(text) - 2, _CACHED):
        one = text[start : start + _CACHED + 2]
        before, first, second = one[:-2], one[1:-1], one[2:]
        # Nearly all fields begin with 1 to 9, and so above "0"; only the others are looked at.
        if separator <= ord(","):
            suspect = (before <= ord(",")) & (first <= ord("0"))
        else:
            begins = (before == separator) | (before == _NEWLINE)
            if quoted:
                begins |= before == _QUOTE
            suspect = begins & (first <= ord("0"))
        places = np.flatnonzero(suspect)
        pairs = first[places] * np.uint16(256) + second[places]
        if is_odd[pairs].any():
            return True
    return False


def _is_odd_start(pair: bytes) -> bool:
    first, second = pair[:1], pair[1:2]
    return (
        first in (b" ", b"\t", b"+")
        or (first == b"0" and second.isdigit())
        or (first == b"-" and second == b"0")
    )


# By two bytes at the beginning of a field, as 256 times the first plus the second.
_ODD_STARTS = np.array([_is_odd_start(bytes(divmod(pair, 256))) for pair in range(1 << 16)])


def _normalised(data: bytes, layout: Layout) -> tuple[bytes, int]:
    """The text with newlines as line ends and one byte as the separator, and this byte."""
    data = with_newlines(data, quoted=layout.quoted)
    if not data.endswith(b"\n"):
        data += b"\n"
    if layout.separator == "::":
        stand_in = _unused(data)
        return data.replace(b"::", bytes([stand_in])), stand_in
    runs = (b"\t", b"  ", b" \n", b"\n ")
    if layout.separator == " " and any(run in b"\n" + data for run in runs):
        is_quoted = layout.quoted and b'"' in data
        data = _outside_quotes(data, _single_spaced) if is_quoted else _single_spaced(data)
        data = data.removeprefix(b" ")
    return data, ord(layout.separator)


def _single_spaced(text: bytes) -> bytes:
    """Runs of spaces and tabs as one space, none of them at the ends of lines."""
    return re.sub(rb"[ \t]+", b" ", text).replace(b" \n", b"\n").replace(b"\n ", b"\n")


def _unused(data: bytes) -> int:
    """A byte that the text does not hold."""
    found = next((byte for byte in _STAND_INS if byte not in data), None)
    if found is None:
        raise DataError("the text holds so many control characters that it is no table.")
    return found


def _count(data: bytes, byte: int) -> int:
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == byte))


def _all_but(separator: int) -> bytes:
    return bytes(set(range(256)) - {separator, _NEWLINE})
