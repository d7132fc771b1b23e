"""Which column is which: what the user says of them, or else names that public data sets use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlbias.columns.names import (
    NEEDED,
    PAIR,
    PREDICTION,
    RATING,
    Columns,
    IfThere,
    listed_names,
    plain_name,
    refuse_doubles,
)
from mlbias.columns.usual_names import USUAL_NAMES
from mlbias.errors import DataError, OptionError
from mlbias.printable import shortened

# So many columns without a header are a table of users by items, or something else altogether.
_MOST_UNNAMED = 10


def find_columns(
    names: Sequence[str],
    asked: Mapping[str, str | None],
    where: str,
    *,
    named: bool = True,
) -> Columns:
    """Where the columns are.

    Args:
        names: the header, or the first row where there is none.
        asked: by role what the user calls the column, a name or a number from 1, or None. With
            the role ``prediction`` it takes the place of the rating, which need not be there.
        where: what messages call the file.
        named: whether ``names`` is a header.

    Raises:
        DataError: the header lacks a column or has a name twice, or too many columns have none.
        OptionError: a column that was asked for is not there, or one stands for two.
    """
    needed = needed_roles(asked)
    value = needed[-1]
    all_asked = all(asked.get(role) for role in needed)
    if named:
        refuse_doubles(names, where)
    elif not all_asked:
        _refuse_many_unnamed(names, needed, where)
    found: dict[str, int | None] = {}
    notes: dict[str, list[str]] = {role: [] for role in (*needed, "time")}
    for place, role in enumerate((*needed, "time")):
        found[role] = _place(role, asked, names, named, where, notes[role])
        if not named and found[role] is None and place < len(names):
            found[role] = place
    missing = [role for role in needed if found[role] is None]
    if missing:
        raise _unnamed(missing, names, where, f"user, item and {value}", named=named)
    user, item, rating = (at for role in needed if (at := found[role]) is not None)
    time = found["time"]
    # "score" may name either, so that ratings are looked for among the other columns.
    others = ["" if place == rating else name for place, name in enumerate(names)]
    rated = None if value == RATING else _place(RATING, asked, others, named, where, [])
    if asked.get("time") is None and time in (user, item, rating, rated):
        time = None
    columns = Columns(user, item, rating, time, value_name=value, rated=rated)
    _refuse_shared(columns, where)
    if not named and not all_asked:
        notes["user"] += _notes_without_header(columns, names)
    if not named and time is not None and not asked.get("time"):
        notes["time"].append(f"no header: column {time + 1} is taken for the time")
    told = tuple(note for role in needed for note in notes[role])
    return replace(columns, notes=told, time_notes=tuple(notes["time"]))


def needed_roles(asked: Mapping[str, str | None]) -> tuple[str, ...]:
    """The roles that must have a column: user, item and the rating or what takes its place."""
    return (*PAIR, PREDICTION) if PREDICTION in asked else NEEDED


def find_pair_columns(
    names: Sequence[str], asked: Mapping[str, str | None], where: str, *, named: bool = True
) -> Columns:
    """Where the user and the item are, of pairs that need not have a rating; see find_columns.

    Without a header the third column and the fourth are taken for rating and time, as of a file
    of ratings.
    """
    all_asked = all(asked.get(role) for role in PAIR)
    if named:
        refuse_doubles(names, where)
    elif not all_asked:
        _refuse_many_unnamed(names, PAIR, where)
    notes: list[str] = []
    found = [_place(role, asked, names, named, where, notes) for role in PAIR]
    if not named:
        found = [place if at is None else at for place, at in enumerate(found)]
    missing = [role for role, at in zip(PAIR, found, strict=True) if at is None]
    if missing or len(names) < len(PAIR):
        raise _unnamed(missing, names, where, "user and item", named=named)
    user, item = (at for at in found if at is not None)
    if named or (user, item) != (0, 1):
        columns = Columns(user, item, None)
    else:
        rating, time = (place if place < len(names) else None for place in (2, 3))
        columns = Columns(user, item, rating, time)
    _refuse_shared(columns, where)
    if not named and not all_asked:
        notes += _notes_without_header(columns, names)
    return replace(columns, notes=tuple(notes))


def _refuse_many_unnamed(names: Sequence[str], roles: Sequence[str], where: str) -> None:
    """Check that columns without names are few enough to be told apart by their order."""
    if len(names) > _MOST_UNNAMED:
        options = [f"`{role}_col`" for role in roles]
        raise DataError(
            f"{where} has {len(names)} columns and no header, so that nothing tells which are "
            f"the {_joined(roles)}.",
            f"Name them by number with {', '.join(options[:-1])} and {options[-1]}.",
        )


def _refuse_shared(columns: Columns, where: str) -> None:
    places = columns.named_places
    if len(set(places.values())) < len(places):
        listed = ", ".join(f"the {role} in {place + 1}" for role, place in places.items())
        raise OptionError(f"two columns of {where} are the same one: {listed}.")


def _place(
    role: str,
    asked: Mapping[str, str | None],
    names: Sequence[str],
    named: bool,
    where: str,
    notes: list[str],
) -> int | None:
    """Where the column that was asked for is, or the one with a usual name."""
    name = asked.get(role)
    if isinstance(name, IfThere) and name not in names:
        # A number counts another file's columns, so that a usual name says more.
        usual = _usual_column(role, names, notes) if named else None
        is_there = name.isdecimal() and len(name) < 9 and 1 <= int(name) <= len(names)
        if usual is not None or not is_there:
            return usual
    if name is not None:
        return _asked_column(role, name, names, named, where)
    return _usual_column(role, names, notes) if named else None


def _asked_column(role: str, asked: str, names: Sequence[str], named: bool, where: str) -> int:
    if named and asked in names:
        return list(names).index(asked)
    # The length first: int() refuses thousands of digits, and isdecimal() takes any alphabet's.
    if asked.isascii() and asked.isdecimal() and len(asked) < 9 and 1 <= int(asked) <= len(names):
        return int(asked) - 1
    known = listed_names(names) if named else f"columns 1 to {len(names)}, without a header"
    raise OptionError(f"{where} has no column {shortened(asked)} for `{role}_col`; it has {known}.")


def _usual_column(role: str, names: Sequence[str], notes: list[str]) -> int | None:
    plain = [plain_name(name) for name in names]
    found = [
        place for usual in USUAL_NAMES[role] for place, name in enumerate(plain) if name == usual
    ]
    if not found:
        return None
    if len(found) > 1:
        others = " or ".join(repr(names[place]) for place in found[1:])
        notes.append(f"the {role} is {names[found[0]]!r}, not {others}; `{role}_col` names another")
    return found[0]


def _notes_without_header(columns: Columns, first_row: Sequence[str]) -> list[str]:
    places = {role: at for role, at in columns.named_places.items() if role != "time"}
    numbers = ", ".join(str(place + 1) for place in places.values())
    notes = [f"no header: columns {numbers} of {len(first_row)} are {', '.join(places)}"]
    if list(first_row) == [str(place) for place in range(len(first_row))]:
        notes.append(
            f"the first line, {','.join(first_row)}, is read as a rating; if it is the header that "
            "pandas writes for columns without names, remove it"
        )
    return notes


def _unnamed(
    roles: Sequence[str], names: Sequence[str], where: str, needed: str, *, named: bool
) -> DataError:
    if any("\ufffd" in name for name in names):
        return DataError(f"{where} is no text of ratings: its first line is not UTF-8.")
    if not named:
        return DataError(f"{where} has {len(names)} columns; expected {needed}.")
    return DataError(
        f"{where} has no column for the {_joined(roles)} among {listed_names(names)}.",
        f"Name it with {', '.join(f'`{role}_col`' for role in roles)}.",
    )


def _joined(roles: Sequence[str]) -> str:
    *before, last = roles
    return f"{', the '.join(before)} and the {last}" if before else last
