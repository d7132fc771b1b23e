"""The parts of a file, each with the function that reads it, and how the file was understood."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import polars as pl

from mlbias.columns.names import Columns, refuse_doubles
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.json_lines import (
    is_json_lines,
    json_wording,
    parse_json_pairs,
    parse_json_part,
)
from mlbias.datasets.reading.layout import SNIFFED_LINES, Layout, sniff_layout
from mlbias.datasets.reading.netflix import is_netflix, netflix_layout, with_movies
from mlbias.datasets.reading.opening import Stream
from mlbias.datasets.reading.parsing import BYTE_ORDER_MARK, parse_part
from mlbias.datasets.reading.quotation_marks import check_quotes, with_newlines
from mlbias.datasets.reading.rows import BadRow, BrokenTextError, Rows
from mlbias.datasets.reading.tables import table_parts
from mlbias.datasets.reading.text import next_part, parts_of
from mlbias.datasets.reading.wanted import Wanted
from mlbias.datasets.understood import Understood
from mlbias.errors import DataError

# So much text is looked at to tell the layout, and the line that it ends in.
_SNIFFED = 1 << 20

Task = Callable[[], Rows]


@dataclass(frozen=True, slots=True)
class Parts:
    """A file in parts.

    Attributes:
        understood: how the file was taken.
        tasks: functions that each read a part, in the order of the file.
        names: of the columns; None without a header.
        n_tasks: how many there are, where that is known.
    """

    understood: Understood
    tasks: Iterator[Task]
    names: Sequence[str] | None
    n_tasks: int | None = None


def parts_of_file(
    stream: Stream, options: ReadOptions, text_ids: set[str], wanted: Wanted
) -> Parts | None:
    """The parts of a file; None if it is empty.

    Args:
        stream: of the file.
        options: how it is read.
        text_ids: roles whose ids were seen to be text, which grows while parts are read.
        wanted: what to read of it.

    Raises:
        DataError: it cannot be told how the file is laid out, or it lacks a column.
        OptionError: a named column is not there.
    """
    if stream.format != "text":
        columns, names, tasks = table_parts(stream, options, wanted)
        understood = _understood(stream, stream.format, columns, names, len(names))
        return Parts(understood, iter(tasks), names, len(tasks))
    first = next_part(stream).removeprefix(BYTE_ORDER_MARK)
    if not first.strip():
        return None
    if b"\0" in first[: first.find(b"\n") + 1 or None]:
        raise DataError(
            f"{stream.where} is no UTF-8 text: there are NUL bytes in its first line.",
            "If it is UTF-16 without a byte order mark, use `encoding` utf-16-le or utf-16-be.",
        )
    end = first.find(b"\n", _SNIFFED)
    text = first[:end] if end > 0 else first
    head = with_newlines(text, quoted=False).split(b"\n", SNIFFED_LINES)[:SNIFFED_LINES]
    lines = [line.decode("utf-8", "replace") for line in head]
    if is_json_lines(lines):
        return _json_parts(first, lines, stream, options, wanted)
    return _text_parts(first, lines, stream, options, text_ids, wanted)


def _json_parts(
    first: bytes, lines: Sequence[str], stream: Stream, options: ReadOptions, wanted: Wanted
) -> Parts:
    columns, wording = json_wording(lines, stream.where, options, wanted)
    names = wording.names
    wording = replace(wording, columns=wanted.read(columns).places)
    texts = chain([first], iter(lambda: next_part(stream), b""))
    parse = parse_json_pairs if wanted is Wanted.PAIRS else parse_json_part
    tasks = (partial(parse, text, wording) for text in texts)
    return Parts(_understood(stream, "JSON lines", columns, names, len(names)), tasks, names)


def _text_parts(
    first: bytes,
    lines: Sequence[str],
    stream: Stream,
    options: ReadOptions,
    text_ids: set[str],
    wanted: Wanted,
) -> Parts:
    netflix = is_netflix(lines)
    if netflix:
        layout = netflix_layout(lines, options)
    else:
        layout = sniff_layout(lines, stream.where, options, wanted)
    form = "Netflix Prize" if netflix else "text"
    columns, names, notes = layout.columns, layout.header, list(layout.notes)
    if (layout.header is None and not netflix) or layout.separator not in (",", "\t", "::", " "):
        place = next((k for k, note in enumerate(notes) if note.startswith("no header")), None)
        told = f"separated by {layout.separator_name}"
        if place is None:
            notes.append(f"fields are {told}")
        else:
            notes[place] += f", {told}"
    understood = replace(
        _understood(stream, form, columns, names, layout.width),
        separator=layout.separator,
        header=names is not None,
        notices=tuple(notes),
    )
    if wanted is Wanted.PAIRS:
        names = layout.names
        refuse_doubles(names, stream.where)
        layout = replace(layout, kept=names)
    layout = replace(layout, columns=wanted.read(columns))
    text_ids |= layout.text_ids
    return Parts(understood, _text_tasks(first, stream, layout, text_ids, netflix), names)


def _text_tasks(
    first: bytes, stream: Stream, layout: Layout, text_ids: set[str], netflix: bool
) -> Iterator[Task]:
    lines = re.match(rb"([^\r\n]*(\r\n?|\n|\Z)){0,%d}" % layout.n_lines_before, first)
    header = lines[0] if lines else b""
    rows = with_newlines(first[len(header) :], quoted=layout.quoted)
    parts = parts_of(rows, stream, layout)
    try:
        if layout.quoted and layout.header is not None:
            check_quotes(header, layout.separator.encode(), at_end=True)
        yield partial(_no_rows, layout.n_lines_before)
        for part in with_movies(parts) if netflix else parts:
            yield partial(parse_part, part, layout, frozenset(text_ids))
    except BrokenTextError as error:
        yield partial(_no_rows, 0, error.bad)


def _no_rows(n_lines: int, bad: BadRow | None = None) -> Rows:
    """What lines without ratings come to, as a header's or those of a broken text."""
    schema = {"user": pl.Int64, "item": pl.Int64, "value": pl.Float64}
    return Rows(pl.DataFrame(schema=schema), n_lines, int(bad is not None), bad)


def _understood(
    stream: Stream, form: str, columns: Columns, names: Sequence[str] | None, n_columns: int
) -> Understood:
    places = columns.named_places
    return Understood(
        format=form,
        columns={
            role: place + 1 if names is None or place >= len(names) else names[place]
            for role, place in places.items()
        },
        n_columns=n_columns,
        encoding=stream.encoding if form not in ("Parquet", "Arrow") else None,
        packing=stream.packing,
        notices=columns.notes,
        time_notices=columns.time_notes,
    )
