"""How a text of ratings is laid out: separator, header, which column is what, kinds of ids.

Everything is told from the first lines, never from the name of the file.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mlbias.datasets.columns import (
    Column,
    IdKind,
    ReadOptions,
    find_columns,
    find_timestamp,
    is_header,
    shortened,
)
from mlbias.errors import DataError

# How many rows decide whether an id column holds integers or text.
SNIFFED_ROWS = 10_000

_INTEGER = re.compile(r" *(0|-?[1-9][0-9]*) *")
INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Layout:
    """How to take lines apart.

    Args:
        separator: one character, "::", or " " for any run of spaces and tabs.
        width: fields of a whole line.
        has_header: whether the first line names the columns.
        user, item, rating: the columns; width is above all their positions.
        timestamp: a column of integers, None without one or where nobody asks for it.
    """

    separator: str
    width: int
    has_header: bool
    user: Column
    item: Column
    rating: Column
    timestamp: Column | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """User, item, rating, and the timestamp if there is one."""
        three = self.user, self.item, self.rating
        return three if self.timestamp is None else (*three, self.timestamp)

    @property
    def quoted(self) -> bool:
        """Whether a double quote is a quotation mark and not a letter."""
        return len(self.separator) == 1 and self.separator != " "

    def fields(self, line: str) -> list[str]:
        """The fields of one line, quotation marks taken as letters; [""] for a blank one."""
        return split_fields(line, self.separator)


def split_fields(line: str, separator: str) -> list[str]:
    """The fields of one line without its line end, no quotation marks heeded."""
    if separator == " ":
        return re.split(r"[ \t]+", line.strip(" \t"))
    return line.split(separator)


def sniff_layout(
    lines: Sequence[str], where: str, options: ReadOptions, *, timestamps: bool = False
) -> Layout:
    """The layout of a text that begins with these lines.

    Args:
        lines: the first lines, line ends included, with at least one that is not blank.
        where: the file's name for messages.
        options: what the user says of it.
        timestamps: whether to look for a column of them.

    Raises:
        DataError: the first line does not split into three fields, or the header lacks a column.
        OptionError: a named column is not there.
    """
    first = next((line.rstrip("\r\n") for line in lines if line.strip()), "")
    if not first:
        raise DataError(f"{where} begins with blank lines alone.")
    separator = options.separator or _sniff_separator(first, where)
    records = _records(lines, separator)
    header = records[0] if is_header(records[0], options) else None
    positions = find_columns(records[0], header is not None, where, options)
    rows = records[1:] if header else records
    sniffed = rows[:SNIFFED_ROWS]

    def texts_at(place: int) -> list[str]:
        return [row[place] for row in sniffed if len(row) > place]

    def column(role: str) -> Column:
        place = positions[role]
        texts = texts_at(place)
        whole = role != "rating" and options.ids is IdKind.AUTO and _all_integers(texts)
        return Column(role, place, whole)

    timestamp = find_timestamp(records[0], header is not None, positions) if timestamps else None
    if timestamp is not None:
        texts = texts_at(timestamp.position)
        timestamp = timestamp if any(texts) and _all_integers(texts) else None
    return Layout(
        separator=separator,
        width=max(len(records[0]), *(place + 1 for place in positions.values())),
        has_header=header is not None,
        user=column("user"),
        item=column("item"),
        rating=column("rating"),
        timestamp=timestamp,
    )


def _sniff_separator(line: str, where: str) -> str:
    for separator in ("::", "\t", ","):
        if len(line.split(separator)) >= 3:
            return separator
    if len(split_fields(line, " ")) >= 3:
        return " "
    raise DataError(
        f"{where}, line 1: expected user, item and rating separated by a comma, a tab, '::' or "
        f"spaces, found {shortened(line)}.",
        "If something else separates them, name it with --separator.",
    )


def _records(lines: Iterable[str], separator: str) -> list[list[str]]:
    if separator in ("::", " "):
        records: Iterable[list[str]] = (
            split_fields(line.rstrip("\r\n"), separator) for line in lines
        )
    else:
        records = _until_error(csv.reader(lines, delimiter=separator))
    return [record for record in records if record not in ([], [""])]


def _until_error(reader: Iterable[list[str]]) -> Iterator[list[str]]:
    """What can be read; an open quotation is for the reading itself to complain about."""
    with suppress(csv.Error):
        yield from reader


def _all_integers(texts: Iterable[str]) -> bool:
    """Whether all that are not missing are integers of 64 bits, without leading zeros."""
    return all(_is_integer(text) for text in texts if text)


def _is_integer(text: str) -> bool:
    # The length first: int() refuses texts of thousands of digits.
    return len(text) < 40 and bool(_INTEGER.fullmatch(text)) and int(text) in INT64
