"""What a part of a source comes to: columns of ratings, and the rows that are none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import polars as pl

from mlbias.datasets.reading.dates import parsed_times
from mlbias.ids import MISSING_TEXTS
from mlbias.printable import shortened

# Plain decimal numbers and canonical integers, as regular expressions of Rust.
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_INTEGER = r"^(0|-?[1-9][0-9]{0,18})$"
_DECIMAL_COMMA = r"^\s*[+-]?[0-9]+,[0-9]+\s*$"
_BLANKS = " \t"

TimeKind = Literal["number", "date"]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no rating, or has no time: its place in the part from 0, and what is wrong.

    Attributes:
        place: its line or row.
        reason: what is wrong, with its column where there is one.
        advice: what to do beyond the usual.
        ends_text: whether nothing can be read from here on, so that it cannot be left out.
    """

    place: int
    reason: str
    advice: str = ""
    ends_text: bool = False


class BrokenTextError(Exception):
    """Where rows end cannot be told from here on.

    Args:
        bad: where, and why.
    """

    def __init__(self, bad: BadRow) -> None:
        super().__init__(bad.reason)
        self.bad = bad


@dataclass(frozen=True, slots=True)
class Rows:
    """What a part of a source came to.

    Attributes:
        frame: its ratings, with columns user and item (Int64 or String), value (Float64, finite;
            not for pairs) and, if the layout has one, time (Int64 or Float64, null where there is
            none).
        n_places: lines, or rows, of the part in all.
        n_bad: rows that are not ratings.
        first_bad: the first of them.
        untimed: the first rating without a time, and why; None if each has one.
        first_times: the places of the first time that is a number and of the first that is a date,
            where there are such. Dates are in Unix seconds.
        zone_assumed: whether times were taken for UTC, since they name no zone.
        table: of pairs without a bad one all columns, as they stand in the source.
    """

    frame: pl.DataFrame
    n_places: int
    n_bad: int = 0
    first_bad: BadRow | None = None
    untimed: BadRow | None = None
    first_times: Mapping[TimeKind, int] = field(default_factory=dict)
    zone_assumed: bool = False
    table: pl.DataFrame | None = None


# From a row of a frame to its place in the part.
PlaceOf = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Wording:
    """How messages call the columns.

    Attributes:
        columns: by role the position of the column from 0.
        names: by position the names, where there are any that tell more than a number.
        decimal: the decimal mark.
        all_text: roles whose ids stay text even where all are integers.
        is_utf8: whether all bytes could be decoded; else U+FFFD stands for those that could not.
        value_name: what the values are called.
    """

    columns: dict[str, int]
    names: Sequence[str] = ()
    decimal: str = "."
    all_text: frozenset[str] = frozenset()
    is_utf8: bool = True
    value_name: str = "rating"

    def column(self, role: str) -> str:
        """As "column 3", or by name where columns have no order."""
        place = self.columns[role]
        return f"column {self.names[place]!r}" if self.names else f"column {place + 1}"


def rows_of_texts(texts: pl.DataFrame, wording: Wording, place_of: PlaceOf, n_places: int) -> Rows:
    """Read columns of text: which rows are ratings, and what their values are.

    Args:
        texts: columns user, item and perhaps rating and time, as they stand in the source.
        wording: how messages call them.
        place_of: from a row of ``texts`` to its place in the part.
        n_places: places in the part.
    """
    frame = texts.select("user", "item")
    bad = _is_no_id(texts["user"], wording) | _is_no_id(texts["item"], wording)
    if "rating" in texts.columns:
        numbers = _as_numbers(texts["rating"], wording.decimal)
        frame = frame.with_columns(numbers.alias("value"))
        bad |= numbers.is_null() | ~numbers.is_finite().fill_null(False)
    n_bad, first_bad = int(bad.sum()), None
    if n_bad:
        row = int(bad.arg_max() or 0)
        first_bad = BadRow(place_of(row), *_reason(texts.row(row, named=True), wording))
        frame, texts = frame.filter(~bad), texts.filter(~bad)
        kept = (~bad).arg_true()
        place_of = _after(kept, place_of)
    ids = [narrowed_ids(frame[role], role in wording.all_text) for role in ("user", "item")]
    frame = frame.with_columns(*ids)
    untimed, first_times, assumed = None, dict[TimeKind, int](), False
    if "time" in texts.columns:
        times, firsts, assumed = as_times(texts["time"])
        first_times = {kind: place_of(row) for kind, row in firsts.items()}
        frame = frame.with_columns(times.alias("time"))
        untimed = first_untimed(times, texts["time"], place_of)
    return Rows(frame, n_places, n_bad, first_bad, untimed, first_times, assumed)


def first_untimed(times: pl.Series, found: pl.Series, place_of: PlaceOf) -> BadRow | None:
    """The first row without a time, and what it has instead; None if each has one.

    Args:
        times: null where there is none.
        found: the same as they stand in the source.
        place_of: from a row to its place in the part.
    """
    if not times.null_count():
        return None
    row = int(times.is_null().arg_max() or 0)
    text = found[row]
    if not isinstance(text, str) or text.strip() in MISSING_TEXTS:
        return BadRow(place_of(row), "has none")
    reason = f"has {shortened(text)}, which is neither a number nor an ISO 8601 date"
    return BadRow(place_of(row), reason)


def narrowed_ids(ids: pl.Series, is_text: bool) -> pl.Series:
    """Ids as integers if every one is written as an integer canonically, else as they are."""
    if is_text or not ids.str.contains(_INTEGER).all():
        return ids
    whole = ids.cast(pl.Int64, strict=False)
    return ids if whole.null_count() else whole


def as_times(texts: pl.Series) -> tuple[pl.Series, dict[TimeKind, int], bool]:
    """Numbers as they are, dates as Unix seconds; the first row of each kind; is UTC assumed.

    Where a column has both kinds, numbers have no time: nobody knows what they count.
    """
    if texts.dtype != pl.String:
        return texts, first_rows(number=texts), False
    stripped = texts.str.strip_chars(_BLANKS)
    whole = stripped.cast(pl.Int64, strict=False)
    if not whole.null_count():
        return whole, first_rows(number=whole), False
    is_number = stripped.str.contains(_NUMBER).fill_null(False)
    found = stripped.set(~is_number, None).cast(pl.Float64, strict=False)
    found = found.set(~found.is_finite().fill_null(False), None)
    dates, assumed = parsed_times(stripped.set(is_number, None))
    firsts = first_rows(number=found, date=dates)
    return (dates if "date" in firsts else found), firsts, assumed


def first_rows(**times: pl.Series) -> dict[TimeKind, int]:
    """By kind, the first row that has a time."""
    firsts = {kind: of_kind.is_not_null().arg_max() for kind, of_kind in times.items()}
    return {
        cast(TimeKind, kind): int(row)
        for kind, row in firsts.items()
        if row is not None and times[kind][row] is not None
    }


def _as_numbers(texts: pl.Series, decimal: str) -> pl.Series:
    stripped = texts.str.strip_chars(_BLANKS)
    if decimal == ",":
        # A point would be a thousands separator, so that it makes no plain number.
        stripped = stripped.str.replace_all(".", "?", literal=True).str.replace(
            ",", ".", literal=True
        )
    plain = stripped.str.contains(_NUMBER).fill_null(False)
    return stripped.set(~plain, None).cast(pl.Float64, strict=False)


def _is_no_id(ids: pl.Series, wording: Wording) -> pl.Series:
    missing = ids.is_null() | ids.is_in(sorted(MISSING_TEXTS)).fill_null(True)
    return missing if wording.is_utf8 else missing | ids.str.contains("\ufffd", literal=True)


def _after(kept: pl.Series, place_of: PlaceOf) -> PlaceOf:
    return lambda row: place_of(int(kept[row]))


def _reason(row: dict[str, str | None], wording: Wording) -> tuple[str, str]:
    """What is wrong with a bad row, and what to do about it."""
    for role in ("user", "item"):
        id_ = row[role]
        if id_ is None or id_ in MISSING_TEXTS:
            found = f", found {id_}" if id_ else ""
            return f"{wording.column(role)}: the {role} is missing{found}", ""
        if not wording.is_utf8 and "\ufffd" in id_:
            return (
                f"{wording.column(role)}: {role} {shortened(id_)} is not valid UTF-8",
                "`encoding` names the encoding, such as latin-1.",
            )
    text, name = row["rating"], wording.value_name
    if not text:
        return f"{wording.column('rating')}: the {name} is missing{_of(row)}", ""
    kind = (
        "finite number"
        if _as_numbers(pl.Series([text]), wording.decimal).is_not_null().all()
        else "number"
    )
    advice = ""
    if wording.decimal == "." and pl.Series([text]).str.contains(_DECIMAL_COMMA).all():
        advice = "`decimal` ',' reads decimal commas."
    return f"{wording.column('rating')}: {name} {shortened(text)} is not a {kind}{_of(row)}", advice


def _of(row: dict[str, str | None]) -> str:
    shown = ((role, row[role] or "") for role in ("user", "item"))
    texts = (text if text.isdecimal() else shortened(text) for _, text in shown)
    user, item = texts
    return f" (user {user}, item {item})"
