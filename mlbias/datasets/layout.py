"""How a text of ratings is laid out: separator, header, which column is what, kinds of ids.

Everything is told from the first lines, never from the name of the file.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from mlbias.errors import DataError, OptionError

# How many rows decide whether an id column holds integers or text.
SNIFFED_ROWS = 10_000

_INTEGER = re.compile(r" *(0|-?[1-9][0-9]*) *")
INT64 = range(-(2**63), 2**63)
_USUAL_NAMES = {
    "user": ("userid", "user", "users", "uid", "reviewerid", "customerid"),
    "item": (
        "movieid", "itemid", "item", "items", "iid", "mid", "movie", "productid", "asin",
        "parentasin", "bookid", "isbn", "artistid", "trackid", "songid", "businessid",
    ),
    "rating": ("rating", "ratings", "score", "stars", "bookrating", "overall"),
    "timestamp": ("timestamp", "time", "ts", "unixtime", "unixtimestamp", "unixreviewtime"),
}  # fmt: skip


class IdKind(StrEnum):
    """How ids are read: as the first rows show, or as text whatever they look like."""

    AUTO = "auto"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says of the columns; None where the file is to tell.

    Args:
        user_col, item_col, rating_col: name in the header, or number counted from 1.
        separator: one character between fields, or "::".
        ids: whether id columns may be taken for integers.
        skip_bad_rows: count and leave out rows that are no ratings instead of stopping.
    """

    user_col: str | None = None
    item_col: str | None = None
    rating_col: str | None = None
    separator: str | None = None
    ids: IdKind = IdKind.AUTO
    skip_bad_rows: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One of the three columns that matter: what it holds, where it is, whether as integers."""

    role: str
    position: int
    integer: bool = False


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
    header = records[0] if _is_header(records[0], options) else None
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


def _is_header(record: Sequence[str], options: ReadOptions) -> bool:
    """A first line is a header if it names asked or usual columns, or holds no number at all."""
    asked = {options.user_col, options.item_col, options.rating_col} - {None}
    if any(name in record for name in asked if name and not name.isdigit()):
        return True
    plain = {_plain(name) for name in record}
    if all(plain.intersection(_USUAL_NAMES[role]) for role in ("user", "rating")):
        return True
    return not any(_is_number(text) for text in record)


def find_columns(
    names: Sequence[str], is_header: bool, where: str, options: ReadOptions
) -> dict[str, int]:
    """Positions of user, item and rating among the fields of the first line.

    Raises:
        DataError: the header has no column that is usually called so.
        OptionError: a column that the options name is not there, or one stands for two.
    """
    asked = {"user": options.user_col, "item": options.item_col, "rating": options.rating_col}
    found: dict[str, int | None] = {}
    for place, (role, name) in enumerate(asked.items()):
        if name is not None:
            found[role] = _asked_column(role, name, names, is_header, where)
        else:
            found[role] = _usual_column(role, names) if is_header else place
    missing = [role for role, place in found.items() if place is None]
    if missing:
        raise _unnamed(missing, names, where)
    positions = {role: place for role, place in found.items() if place is not None}
    if len(set(positions.values())) < len(positions):
        listed = ", ".join(f"the {role} in {place + 1}" for role, place in positions.items())
        raise OptionError(f"two columns of {where} are the same one: {listed}.")
    return positions


def find_timestamp(
    names: Sequence[str], is_header: bool, positions: dict[str, int]
) -> Column | None:
    """The column that is usually called so or, without a header, a fourth one."""
    fourth = 3 if len(names) > 3 else None
    place = _usual_column("timestamp", names) if is_header else fourth
    if place is None or place in positions.values():
        return None
    return Column("timestamp", place, integer=True)


def _asked_column(role: str, asked: str, names: Sequence[str], is_header: bool, where: str) -> int:
    if is_header and asked in names:
        return list(names).index(asked)
    if asked.isdigit() and 1 <= int(asked) <= len(names):
        return int(asked) - 1
    known = _listed(names) if is_header else f"1 to {len(names)}, without a header"
    raise OptionError(f"{where} has no column {asked!r} for --{role}-col; it has {known}.")


def _usual_column(role: str, names: Sequence[str]) -> int | None:
    plain = [_plain(name) for name in names]
    return next((plain.index(usual) for usual in _USUAL_NAMES[role] if usual in plain), None)


def _unnamed(roles: Sequence[str], names: Sequence[str], where: str) -> DataError:
    if any("\0" in name or name.encode("utf-8", "replace").decode() != name for name in names):
        return DataError(f"{where} is no text of ratings: its first line is not UTF-8.")
    return DataError(
        f"{where} has no column for the {' and the '.join(roles)} among {_listed(names)}.",
        f"Name it with {', '.join(f'--{role}-col' for role in roles)}; "
        "--separator says what separates columns.",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(shortened(name, 30) for name in names[:8]) + more


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _all_integers(texts: Iterable[str]) -> bool:
    """Whether all that are not missing are integers of 64 bits, without leading zeros."""
    return all(_is_integer(text) for text in texts if text)


def _is_integer(text: str) -> bool:
    # The length first: int() refuses texts of thousands of digits.
    return len(text) < 40 and bool(_INTEGER.fullmatch(text)) and int(text) in INT64


def shortened(text: str, length: int = 60) -> str:
    """The text in quotation marks, cut where it would fill more than a line."""
    return repr(text if len(text) <= length else text[: length - 1] + "…")
