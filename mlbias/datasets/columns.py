"""Which column is which: what the user says of them, and what headers usually call them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlbias.errors import DataError, OptionError

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


def is_header(record: Sequence[str], options: ReadOptions) -> bool:
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


def shortened(text: str, length: int = 60) -> str:
    """The text in quotation marks, cut where it would fill more than a line."""
    return repr(text if len(text) <= length else text[: length - 1] + "…")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
