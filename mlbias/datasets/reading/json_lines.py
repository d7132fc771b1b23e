"""JSON lines: an object a line, as Amazon's and Yelp's reviews come."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from mlbias.columns.names import Columns
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.rows import BadRow, Rows, Wording, rows_of_texts
from mlbias.datasets.reading.tables import table_wording
from mlbias.datasets.reading.wanted import Wanted
from mlbias.errors import DataError
from mlbias.printable import shortened


def is_json_lines(lines: Sequence[str]) -> bool:
    """Whether text that begins with these lines holds an object in each."""
    first = next((line for line in lines if line.strip()), "")
    return first.lstrip("\ufeff \t").startswith("{")


def json_wording(
    lines: Sequence[str], where: str, options: ReadOptions, wanted: Wanted = Wanted.RATINGS
) -> tuple[Columns, Wording]:
    """Which keys are the columns, judging by the first objects.

    Raises:
        DataError: the first line is no object, or the objects lack a column.
        OptionError: a key that the options name is not there.
    """
    names: dict[str, None] = {}
    for number, line in enumerate(lines[:100], 1):
        try:
            names |= dict.fromkeys(_object(line.lstrip("\ufeff"))) if line.strip() else {}
        except ValueError as error:
            if not names:
                raise DataError(
                    f"{where}, line {number}: expected JSON lines, an object in each: {error}."
                ) from None
    keys = list(names)
    columns = wanted.find(keys, options.asked, where)
    return columns, table_wording(keys, columns, options)


def parse_json_part(data: bytes, wording: Wording) -> Rows:
    """Read the objects of a part, whole lines of text."""
    lines = data.removesuffix(b"\n").split(b"\n")
    keys = {role: wording.names[place] for role, place in wording.columns.items()}
    found: dict[str, list[str | None]] = {role: [] for role in keys}
    places: list[int] = []
    n_bad, first_bad = 0, None
    for place, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            written = line.decode("utf-8")
            row = _texts(_object(written), keys)
            _refuse_doubles(written, keys.values())
        except ValueError as error:
            n_bad += 1
            first_bad = first_bad or BadRow(place, str(error))
            continue
        places.append(place)
        for role, text in row.items():
            found[role].append(text)
    texts = pl.DataFrame(found, schema=dict.fromkeys(keys, pl.String))
    rows = rows_of_texts(texts, wording, places.__getitem__, len(lines))
    firsts = [bad for bad in (first_bad, rows.first_bad) if bad is not None]
    return Rows(
        rows.frame,
        len(lines),
        n_bad + rows.n_bad,
        min(firsts, key=lambda bad: bad.place, default=None),
        rows.untimed,
        rows.first_times,
        rows.zone_assumed,
    )


def parse_json_pairs(data: bytes, wording: Wording) -> Rows:
    """Read the pairs of a part, with all keys of its objects as columns.

    Raises:
        DataError: the values of a key are no column of a table.
    """
    rows = parse_json_part(data, wording)
    if rows.first_bad is not None or not len(rows.frame):
        return rows
    try:
        table = pl.read_ndjson(data, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().split("\n")[0]
        raise DataError(f"the objects are no rows of a table: {reason[:200]}.") from error
    for role, place in wording.columns.items():
        name = wording.names[place]
        # Polars may have made a float of an integer beyond 64 bits, where an id is text.
        if table[name].dtype not in (pl.Int64, pl.String):
            table = table.with_columns(rows.frame[role].cast(pl.String).alias(name))
    return replace(rows, table=table)


def _object(line: str | bytes) -> dict[str, object]:
    """The object on a line.

    Raises:
        ValueError: there is none.
    """
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON object: {error.msg} (character {error.colno})") from None
    except (RecursionError, UnicodeDecodeError):
        raise ValueError("no JSON object that can be read") from None
    if not isinstance(found, dict):
        raise ValueError(f"expected a JSON object, found {shortened(str(line))}")
    return found


def _is_text(text: str) -> bool:
    """Whether UTF-8 can encode it, as it cannot with lone surrogates."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _refuse_doubles(line: str, keys: Iterable[str]) -> None:
    """See that none of these keys stands in the object twice.

    Raises:
        ValueError: one does, so that it cannot be told which is meant.
    """
    for key in keys:
        # A key in the text of another field is rare, so that only then all is looked at.
        if line.count(f'"{key}"') > 1:
            pairs = json.loads(line, object_pairs_hook=list)
            if [name for name, _ in pairs].count(key) > 1:
                raise ValueError(f"key {key!r} stands in the object twice")


def _texts(row: dict[str, object], keys: dict[str, str]) -> dict[str, str | None]:
    """By role, the value as text.

    Raises:
        ValueError: an id is neither an integer nor text.
    """
    texts: dict[str, str | None] = {}
    for role, key in keys.items():
        value = row.get(key)
        if role in ("user", "item") and not isinstance(value, int | str | None):
            raise ValueError(f"key {key!r}: {role} {value!r} is neither an integer nor text")
        if isinstance(value, bool) and role != "time":
            raise ValueError(f"key {key!r}: {role} {json.dumps(value)} is no number and no text")
        texts[role] = None if value is None else str(value)
        if not _is_text(texts[role] or ""):
            raise ValueError(f"key {key!r}: {role} {value!a} is no text that UTF-8 can encode")
    return texts
