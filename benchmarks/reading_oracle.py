"""What a text of ratings holds, told row by row by Python's own parsers: slow, and independent.

It imports nothing of mlbias. A text is given with what it was written as: its separator, its header
and its columns are known here, where mlbias has to find them out.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MISSING = {"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A", "\\N"}
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_LINE_END = re.compile(r"\r\n|\r|\n")

_BLANKS = " \t\x0b\x0c"

Id = int | str
Row = tuple[Id, Id, float]


class BrokenError(Exception):
    """A quotation mark is where none may be, so that rows cannot be told from here on.

    Args:
        line: where, from 1.
    """

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


@dataclass(frozen=True)
class Written:
    """As what a text was written.

    Args:
        form: text, json or netflix.
        separator: between fields.
        header: whether the first line is one.
        quoted: whether quotation marks are those of RFC 4180.
        columns: positions of the user, the item and the rating.
        row_names: whether each row begins with a name that the header lacks.
    """

    form: str = "text"
    separator: str = ","
    header: bool = True
    quoted: bool = True
    columns: tuple[int, int, int] = (0, 1, 2)
    row_names: bool = False


@dataclass
class Truth:
    """What a text holds.

    Args:
        rows: its good rows, ids as integers in columns of which all are such.
        bad: the lines of its bad ones, from 1.
        broken: the line of a quotation mark that ends the text, None without one.
    """

    rows: list[Row] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    broken: int | None = None


def truth_of(text: str, written: Written) -> Truth:
    """What the text holds if it is what it was written as."""
    truth = Truth()
    text = text.removeprefix("\ufeff")
    if written.form == "json":
        found = _json_rows(text)
    elif written.form == "netflix":
        found = _netflix_rows(text)
    else:
        found = _text_rows(list(_until_broken(_records(text, written), truth)), written)
    good: list[tuple[str, str, float]] = []
    for line, fields in found:
        if fields is not None and _is_rating(fields):
            good.append((fields[0], fields[1], float(fields[2])))
        else:
            truth.bad.append(line)
    truth.rows = _with_integers(good)
    return truth


def header_of(text: str, written: Written) -> list[str]:
    """The fields of the first row, none of a text that breaks in it."""
    return next((fields for _, fields in _until_broken(_records(text, written), Truth())), [])


def _is_rating(fields: list[str]) -> bool:
    number = fields[2].strip(" \t")
    is_number = bool(_NUMBER.fullmatch(number)) and abs(float(number)) < float("inf")
    return is_number and not MISSING.intersection(fields[:2])


def _text_rows(
    records: list[tuple[int, list[str]]], written: Written
) -> Iterator[tuple[int, list[str] | None]]:
    """User, item and rating of each row, None where it has not as many fields as the first."""
    if not records:
        return
    _, first = records[0]
    # A separator at the end of the first row, behind which no other has anything, ends no field.
    others = records[1:1000]
    if first[-1] == "" and not any(any(fields[len(first) - 1 :]) for _, fields in others):
        first = first[:-1]
    width = len(first) + written.row_names
    for line, fields in records[1:] if written.header else records:
        if len(fields) == width + 1 and fields[-1] == "":
            fields = fields[:-1]
        is_whole = max(written.columns) < len(fields) == width
        yield line, [fields[place] for place in written.columns] if is_whole else None


def _until_broken(
    records: Iterator[tuple[int, list[str]]], truth: Truth
) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from records
    except BrokenError as error:
        truth.broken = error.line


def _records(text: str, written: Written) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with its line."""
    if not written.quoted:
        for number, line in enumerate(_LINE_END.split(text), 1):
            if written.separator == " ":
                if line.strip(_BLANKS):
                    yield number, re.split(r"[ \t]+", line.strip(" \t"))
            elif line.strip(_BLANKS):
                yield number, line.split(written.separator)
        return
    broken = _first_broken(text, written.separator)
    sound = text if broken is None else text[: broken[1]]
    reader = csv.reader(io.StringIO(sound, newline=""), delimiter=written.separator, strict=True)
    csv.field_size_limit(1 << 30)
    end = 0
    for record in reader:
        line, end = end + 1, reader.line_num
        # A line of blanks is no record; an empty field between marks alone is one.
        may_be_blank = len(record) == 1 or written.separator == "\t"
        line_of_blanks = may_be_blank and record != [""] and not "".join(record).strip(_BLANKS)
        if record and not line_of_blanks:
            yield line, record
    if broken is not None:
        raise BrokenError(broken[0])


# Where a field is, and what comes next: a mark, a separator, a line end, or a letter.
_NEXT = {
    "start": {"mark": "quoted", "separator": "start", "end": "start", "letter": "unquoted"},
    "unquoted": {"mark": "broken", "separator": "start", "end": "start", "letter": "unquoted"},
    "quoted": {"mark": "closed", "separator": "quoted", "end": "quoted", "letter": "quoted"},
    "closed": {"mark": "quoted", "separator": "start", "end": "start", "letter": "broken"},
}


def _first_broken(text: str, separator: str) -> tuple[int, int] | None:
    """The line of the first mark that RFC 4180 does not allow, and where its row begins."""
    tokens = re.compile(
        rf'(?P<mark>")|(?P<separator>{re.escape(separator)})|(?P<end>\r\n|\r|\n)|(?P<letter>.)',
        re.DOTALL,
    )
    line, row, opened = 1, 0, (1, 0)
    state = "start"
    for token in tokens.finditer(text):
        kind = token.lastgroup or ""
        before, state = state, _NEXT[state][kind]
        if state == "broken":
            return (line, row) if before == "unquoted" else opened
        if before == "start" and state == "quoted":
            opened = line, row
        if kind == "end":
            line += 1
            row = token.end() if state == "start" else row
    return opened if state == "quoted" else None


def _json_rows(text: str) -> Iterator[tuple[int, list[str] | None]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip(_BLANKS + "\r"):
            continue
        try:
            found = json.loads(line)
            fields = [found[key] for key in ("user_id", "item_id", "rating")]
        except (ValueError, LookupError, TypeError):
            yield number, None
            continue
        is_good = all(
            isinstance(one, int | str) and one is not True and one is not False
            for one in fields[:2]
        )
        is_good = is_good and not isinstance(fields[2], bool | list | dict | None)
        yield number, [str(one) for one in fields] if is_good else None


def _netflix_rows(text: str) -> Iterator[tuple[int, list[str] | None]]:
    movie, width = "", 0
    for number, line in enumerate(_LINE_END.split(text), 1):
        named = re.fullmatch(r"([0-9]+):[ \t]*", line)
        if named:
            movie = named[1]
        elif line.strip(_BLANKS):
            fields = line.split(",")
            width = width or len(fields)
            if len(fields) == width + 1 and fields[-1] == "":
                fields = fields[:-1]
            is_whole = 1 < len(fields) == width
            yield number, [fields[0], movie, fields[1]] if is_whole else None


def _with_integers(rows: list[tuple[str, str, float]]) -> list[Row]:
    """Ids as integers in a column of which every id is one, written canonically, of 64 bits."""
    users, items = ([row[0] for row in rows], [row[1] for row in rows])
    columns = [list(map(int, ids)) if _are_integers(ids) else ids for ids in (users, items)]
    return list(zip(*columns, [row[2] for row in rows], strict=True))


def _are_integers(ids: list[str]) -> bool:
    return all(_INTEGER.fullmatch(one) and -(2**63) <= int(one) < 2**63 for one in ids)
