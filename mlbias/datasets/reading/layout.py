"""How a text of ratings is laid out: separator, header, quotation marks, which column is what.

Everything is told from the first lines, never from the name of the file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlbias.columns.names import Columns, IfThere, is_header, listed_names, names_columns
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.fields import UNQUOTED, bare, joined, separator_of, split_records
from mlbias.datasets.reading.preamble import is_comment, preamble
from mlbias.datasets.reading.wanted import Wanted
from mlbias.errors import DataError
from mlbias.ids import MISSING_TEXTS
from mlbias.printable import shortened

# So many lines decide on the layout at most.
SNIFFED_LINES = 1_000

_NAMES = {",": "commas", ";": "semicolons", "|": "pipes", "\t": "tabs", " ": "spaces"}
_CANONICAL = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_RATING = re.compile(r"[ \t]*[+-]?([0-9]{1,99}\.?[0-9]*|\.[0-9]+)[ \t]*", re.ASCII)
_TIME_LIKE = re.compile(r"\s*(-?[0-9]+(\.[0-9]*)?|[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}([T ].*)?)\s*")


@dataclass(frozen=True, slots=True)
class Layout:
    """How to take a text apart.

    Attributes:
        separator: one character, "::", or " " for any run of spaces and tabs.
        width: fields of every row.
        columns: where the user, the item, the rating and perhaps the time are.
        quoted: whether fields may be quoted, by the rules of RFC 4180.
        n_lines_before: lines before the first row, a header included.
        header: names of the columns; None without a header.
        decimal: the decimal mark of ratings.
        text_ids: roles whose ids are taken for text from the start.
        kept: names of all columns, where all are read as the text that they are.
        notes: what was guessed, a sentence each.
    """

    separator: str
    width: int
    columns: Columns
    quoted: bool
    n_lines_before: int
    header: tuple[str, ...] | None
    decimal: str = "."
    text_ids: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of all columns but R's row names; what has no name is called by its role or number."""
        roles = {place: role for role, place in self.columns.places.items()}
        names = self.header or [roles.get(place, "") for place in range(self.width)]
        return tuple(name or f"column{place + 1}" for place, name in enumerate(names))

    @property
    def separator_name(self) -> str:
        """What people call the separator, in the plural."""
        return _NAMES.get(self.separator, repr(self.separator))


def sniff_layout(
    lines: Sequence[str], where: str, options: ReadOptions, wanted: Wanted = Wanted.RATINGS
) -> Layout:
    """The layout of a text that begins with these lines.

    Args:
        lines: the first lines without their line ends, at least one of them not blank.
        where: what messages call the file.
        options: what the user says of it.
        wanted: what is read of it, which decides what columns must be there.

    Raises:
        DataError: the first line does not split into enough fields, or the header lacks a column.
        OptionError: a column that the options name is not there.
    """
    n_before, hint, notes = preamble(lines, options)
    lead, lines = _first_rows(lines[n_before:], where)
    comment = is_comment(lines[0])
    if comment:
        lines[0] = re.sub(r"[#%\s]+", "", lines[0], count=1)
    given = options.separator
    if isinstance(given, IfThere) and given not in lines[0]:
        given = None
    separator = given or hint or separator_of(lines, where, wanted.needed(options.asked))
    rough = split_records(lines, separator, quoted=separator not in UNQUOTED)
    named = comment or is_header([bare(name) for name in rough[0]], options.asked)
    quoted = separator not in UNQUOTED or (named and lines[0].lstrip().startswith('"'))
    names, *rows = split_records(lines, separator, quoted=quoted)
    shift = 0
    if named:
        records = joined(lines) if quoted else lines
        shift = int(_has_row_names(names, rows, separator, records))
        notes += ["dropped the row names in front, as R writes them"] if shift else []
    if names[-1] == "" and not any(any(row[len(names) - 1 :]) for row in rows):
        names = names[:-1]
    if not named:
        _refuse_late_header(rows, where)
    columns = wanted.find(names, options.asked, where, named=named)
    if not named and options.time_col is None:
        columns = _checked_time(columns, [names, *rows])
    if named and not _names_ratings(names, options):
        notes.append(f"took the first line for a header: {', '.join(map(shortened, names[:6]))}")
    columns = _shifted(columns, shift)
    return Layout(
        separator=separator,
        width=len(names) + shift,
        columns=columns,
        quoted=quoted,
        n_lines_before=n_before + lead + (_n_lines(lines, quoted) if named else 0),
        header=tuple(names) if named else None,
        decimal=options.decimal,
        text_ids=_text_ids(columns, rows if named else [names, *rows], len(names) + shift, options),
        notes=(*notes, *columns.notes),
    )


def _first_rows(lines: Sequence[str], where: str) -> tuple[int, list[str]]:
    """How many blank lines are in front, and the lines behind them that are not blank."""
    lead = next((place for place, line in enumerate(lines) if line.strip()), None)
    if lead is None:
        raise DataError(f"{where} begins with more than {SNIFFED_LINES} lines without a row.")
    if lines[lead].lstrip().startswith("["):
        raise DataError(
            f"{where} is a JSON document; expected JSON lines, an object in each.",
            "Write one object a line, as with `jq -c '.[]'`.",
        )
    return lead, [line for line in lines[lead:] if line.strip()]


def _refuse_late_header(rows: Sequence[Sequence[str]], where: str) -> None:
    """See that no row names columns: with one in front of the header, columns would be guessed.

    Raises:
        DataError: one does.
    """
    late = next((row for row in rows if names_columns(row)), None)
    if late is not None:
        raise DataError(
            f"{where} has its header, {listed_names(late)}, behind other lines.",
            "Remove the lines in front of the header.",
        )


def _n_lines(lines: Sequence[str], quoted: bool) -> int:
    """How many lines the first record fills."""
    return 1 + (joined(lines)[0].count("\n") if quoted else 0)


def _has_row_names(
    names: Sequence[str], rows: Sequence[Sequence[str]], separator: str, records: Sequence[str]
) -> bool:
    """Whether every row has one field more than the header, as R's write.table leaves it.

    A comma or semicolon may be a decimal comma, or a thousands separator, that makes one field too
    many; there R's names are recognised by quotation marks around them and the header's names.
    """
    if (
        not rows
        or any(len(row) != len(names) + 1 for row in rows)
        or all(row[-1] == "" for row in rows)
    ):
        return False
    first = [row[0] for row in rows]
    if len(set(first)) < len(first):
        return False
    counted = first == [str(number) for number in range(1, len(first) + 1)]
    if separator not in (" ", "\t"):
        return counted and all(record.startswith('"') for record in records)
    return counted or records[0].startswith('"')


def _checked_time(columns: Columns, rows: Sequence[Sequence[str]]) -> Columns:
    """Without a header a fourth column is of times only if it looks like it."""
    place = columns.time
    if place is None:
        return columns
    texts = [row[place] for row in rows if len(row) > place]
    is_time = any(texts) and all(_TIME_LIKE.fullmatch(text) for text in texts if text)
    return columns if is_time else replace(columns, time=None, time_notes=())


def _names_ratings(names: Sequence[str], options: ReadOptions) -> bool:
    """Whether the header is beyond doubt, by a usual name or one that was asked for."""
    asked = [name for name in options.asked.values() if name and not name.isdecimal()]
    return any(name in names for name in asked) or is_header([*names, "0"], {})


def _shifted(columns: Columns, shift: int) -> Columns:
    rating, time, rated = (
        None if place is None else place + shift
        for place in (columns.rating, columns.time, columns.rated)
    )
    return replace(
        columns,
        user=columns.user + shift,
        item=columns.item + shift,
        rating=rating,
        time=time,
        rated=rated,
    )


def _text_ids(
    columns: Columns, rows: Sequence[Sequence[str]], width: int, options: ReadOptions
) -> frozenset[str]:
    """The roles whose ids are seen to be text in these rows already.

    Only rows that are ratings beyond doubt count: one that is left out later decides nothing.
    """
    roles = {"user": columns.user, "item": columns.item}
    if options.ids == "text":
        return frozenset(roles)
    point = str.maketrans(",.", ".,") if options.decimal == "," else {}
    good = [
        row
        for row in rows
        if len(row) == width
        and (columns.rating is None or _RATING.fullmatch(row[columns.rating].translate(point)))
        and not any(
            row[place] in MISSING_TEXTS or "\ufffd" in row[place] for place in roles.values()
        )
    ]
    return frozenset(
        role for role, place in roles.items() if not all(_is_integer(row[place]) for row in good)
    )


def _is_integer(text: str) -> bool:
    """Whether it is an integer of 64 bits, written canonically."""
    return bool(_CANONICAL.fullmatch(text)) and -(2**63) <= int(text) < 2**63
