"""The names of columns: what a header is, which names are usual, and where columns were found."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlbias.columns.usual_names import USUAL_NAMES
from mlbias.errors import DataError
from mlbias.printable import shortened

# The roles of columns, in the order of a file without a header.
ROLES = ("user", "item", "rating", "time")
NEEDED = ROLES[:3]
PAIR = ROLES[:2]
RATING, PREDICTION = "rating", "prediction"


class IfThere(str):
    """A column or separator for several files: used in those that have it, ignored in others."""

    __slots__ = ()


# RecBole's types behind the names of a header: user_id:token.
_TYPE = re.compile(r":(token|float|token_seq|float_seq)$")
# All that people write for a number, well or badly; a name has something else.
_NUMBER_LIKE = re.compile(r"\s*[-+]?[0-9][-+0-9.,:eE\s/'’_%]*\s*")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the columns are, from 0.

    Attributes:
        user: position of the users.
        item: position of the items.
        rating: position of the ratings, None for pairs without them.
        time: position of the times, None without such a column.
        notes: what was guessed or left aside, a sentence each.
        time_notes: the same of the times, for those who use them.
        value_name: what ``rating`` holds: ratings or, of another system, predictions.
        rated: position of the ratings beside predictions, None without such a column.
    """

    user: int
    item: int
    rating: int | None
    time: int | None = None
    notes: tuple[str, ...] = ()
    time_notes: tuple[str, ...] = ()
    value_name: str = RATING
    rated: int | None = None

    @property
    def places(self) -> dict[str, int]:
        """Position by role, of those that are there."""
        every = dict(zip(ROLES, (self.user, self.item, self.rating, self.time), strict=True))
        return {role: place for role, place in every.items() if place is not None}

    @property
    def named_places(self) -> dict[str, int]:
        """Position by what the column holds: predictions, and ratings beside them, apart."""
        words = {RATING: self.value_name}
        named = {words.get(role, role): place for role, place in self.places.items()}
        return named if self.rated is None else named | {RATING: self.rated}


def is_header(record: Sequence[str], asked: Mapping[str, str | None]) -> bool:
    """Whether a first line names columns: asked or usual names, or nothing like a number."""
    if any(name in record for name in asked.values() if name and not name.isdecimal()):
        return True
    place = asked.get("rating") or ""
    is_number = place.isascii() and place.isdecimal() and len(place) < 9
    # Where the rating is to be, a header has no number.
    if is_number and any(map(_NUMBER_LIKE.fullmatch, record[int(place) - 1 : int(place)])):
        return False
    plain = {plain_name(name) for name in record}
    if any(plain.intersection(USUAL_NAMES[role]) for role in ("user", "rating")):
        return True
    return not any(_NUMBER_LIKE.fullmatch(text) for text in record)


def names_columns(record: Sequence[str]) -> bool:
    """Whether a line beyond doubt is a header: it has usual names, and nothing like a number."""
    plain = {plain_name(name) for name in record}
    return all(plain.intersection(USUAL_NAMES[role]) for role in ("user", "rating")) and not any(
        _NUMBER_LIKE.fullmatch(text) for text in record
    )


def listed_names(names: Sequence[str]) -> str:
    """The first names of a header as a list in a sentence."""
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(shortened(name, 30) for name in names[:8]) + more


def refuse_doubles(names: Sequence[str], where: str) -> None:
    """Check that no two columns have the same name.

    Raises:
        DataError: two have.
    """
    seen = set[str]()
    for name in names:
        if name and name in seen:
            raise DataError(
                f"{where} has two columns called {shortened(name)}: which is meant?",
                "Give each column a name of its own.",
            )
        seen.add(name)


def plain_name(name: str) -> str:
    """A name without its type, in lower case and without signs: ``User ID`` is ``userid``."""
    return re.sub(r"[^a-z0-9]", "", _TYPE.sub("", name.strip().lower()))
