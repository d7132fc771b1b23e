"""The fields of one line to one row, by the rules of Python's int and float."""

import math
from collections.abc import Sequence

from mlbias.datasets.columns import Column, shortened
from mlbias.datasets.layout import INT64, Layout

# User, item, rating and, where the layout has one, the timestamp.
Row = tuple[int | str | float | None, ...]


def read_row(fields: Sequence[str], layout: Layout) -> Row:
    """User, item, rating and perhaps timestamp out of the fields of a line.

    A timestamp that is no integer is None, and its row a rating all the same.

    Raises:
        ValueError: a field is missing or not what its column holds; the message says which.
    """
    user, item = _read_id(fields, layout.user, layout), _read_id(fields, layout.item, layout)
    text = _field(fields, layout.rating, layout)
    try:
        value = float(text)
    except ValueError:
        value = None
    if value is not None and math.isfinite(value):
        row = user, item, value
        return row if layout.timestamp is None else (*row, _timestamp(fields, layout.timestamp))
    kind = "a number" if value is None else "a finite number"
    raise ValueError(
        f"column {layout.rating.position + 1}: rating {shortened(text)} is not {kind} "
        f"(user {_shown(user)}, item {_shown(item)})"
    )


def _timestamp(fields: Sequence[str], column: Column) -> int | None:
    text = fields[column.position] if len(fields) > column.position else ""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if number in INT64 else None


def _read_id(fields: Sequence[str], column: Column, layout: Layout) -> int | str:
    text = _field(fields, column, layout)
    problem = ""
    if column.integer:
        try:
            number = int(text)
        except ValueError:
            problem = "is text in a column of integers; --ids text reads ids as text"
        else:
            if number in INT64:
                return number
            problem = "does not fit in 64 bits; --ids text reads ids as text"
    else:
        try:
            text.encode()
        except UnicodeEncodeError:
            problem = "is not valid UTF-8"
    if problem:
        place = f"column {column.position + 1}: {column.role} {shortened(text)}"
        raise ValueError(f"{place} {problem}")
    return text


def _field(fields: Sequence[str], column: Column, layout: Layout) -> str:
    text = fields[column.position] if len(fields) > column.position else ""
    if text:
        return text
    line = shortened(layout.separator.join(fields))
    hint = ""
    if len(fields) == 1:
        hint = f"; fields are taken to be separated by {layout.separator!r} (see --separator)"
    raise ValueError(f"column {column.position + 1}: the {column.role} is missing in {line}{hint}")


def _shown(id_: int | str) -> str:
    return str(id_) if isinstance(id_, int) else shortened(id_)
