"""How a source is to be read, where the file does not tell or the user wants it otherwise."""

import codecs
import math
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from mlbias.errors import OptionError
from mlbias.times import UNITS

DUPLICATES = ("keep", "first", "last", "mean", "error")


class IdKind(StrEnum):
    """How ids are read: as integers where every one of a column is one, or as text in any case."""

    AUTO = "auto"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read; None where the file is to tell.

    Attributes:
        user_col: name of the users' column in the header, or its number from 1.
        item_col: of the items', likewise.
        rating_col: of the ratings', likewise.
        time_col: of the times', likewise.
        separator: one character between fields, or "::".
        decimal: the decimal mark of ratings, "." or ",".
        encoding: of the text, as Python names it, such as latin-1.
        ids: whether id columns may be integers.
        time_unit: of numeric times: s, ms, us or ns.
        not_rated: numbers that stand for no rating, separated by commas; such rows are left out.
        duplicates: which of several ratings of a pair count: keep (all), first, last, mean, error.
        skip_bad_rows: leave out rows that are not ratings instead of stopping.
        max_bad_share: the largest share of rows that may be left out so.

    Raises:
        OptionError: an option is not one of its values.
    """

    user_col: str | None = None
    item_col: str | None = None
    rating_col: str | None = None
    separator: str | None = None
    ids: IdKind = IdKind.AUTO
    skip_bad_rows: bool = False
    time_col: str | None = None
    decimal: str = "."
    encoding: str | None = None
    time_unit: str | None = None
    not_rated: str | None = None
    duplicates: str = "keep"
    max_bad_share: float = 0.1

    def __post_init__(self) -> None:
        separator = self.separator
        if separator is not None and not _is_separator(separator):
            raise OptionError(f"`separator` is one ASCII character or '::', not {separator!r}.")
        if self.decimal not in (".", ","):
            raise OptionError(f"`decimal` is '.' or ',', not {self.decimal!r}.")
        if self.decimal == "," and separator == ",":
            raise OptionError("`decimal` and `separator` cannot both be a comma.")
        if self.time_unit is not None and self.time_unit not in UNITS:
            raise OptionError(f"`time_unit` is {', '.join(UNITS)}, not {self.time_unit!r}.")
        if self.duplicates not in DUPLICATES:
            listed = ", ".join(DUPLICATES[:-1])
            raise OptionError(
                f"`duplicates` is {listed} or {DUPLICATES[-1]}, not {self.duplicates!r}."
            )
        if not 0 <= self.max_bad_share <= 1:
            raise OptionError(f"`max_bad_share` is from 0 to 1, not {self.max_bad_share:g}.")
        _ = self.not_rated_values
        if self.encoding is not None:
            _check_encoding(self.encoding)

    @property
    def asked(self) -> dict[str, str | None]:
        """What the user calls each column, by role."""
        return {
            "user": self.user_col,
            "item": self.item_col,
            "rating": self.rating_col,
            "time": self.time_col,
        }

    @property
    def not_rated_values(self) -> list[float]:
        """The numbers that stand for no rating."""
        if self.not_rated is None:
            return []
        try:
            values = [float(part) for part in self.not_rated.split(",")]
        except ValueError:
            values = [math.nan]
        if not all(map(math.isfinite, values)) or "_" in self.not_rated:
            raise OptionError(f"`not_rated` is a number such as -1 or 99, not {self.not_rated!r}.")
        return values

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "ReadOptions":
        """The options behind the plain values of ``dataclasses.asdict``, of older versions too.

        Raises:
            TypeError, ValueError: they are no such values.
        """
        known = {field.name for field in fields(cls)}
        if set(record) - known:
            raise ValueError(f"unknown options: {', '.join(sorted(set(record) - known))}")
        return cls(**{**record, "ids": IdKind(record.get("ids", IdKind.AUTO))})


@dataclass(frozen=True, slots=True)
class PredictionOptions(ReadOptions):
    """How to read predictions of another system, which take the place of ratings.

    Attributes:
        prediction_col: name of their column, or its number; ``rating_col`` is that of ratings
            beside them.
    """

    prediction_col: str | None = None

    @classmethod
    def of(cls, options: ReadOptions, prediction_col: str | None = None) -> "PredictionOptions":
        """The same, as far as it goes for predictions: all count, and none stands for nothing."""
        given = {field.name: getattr(options, field.name) for field in fields(ReadOptions)}
        given |= {"not_rated": None, "duplicates": "keep", "time_col": None}
        return cls(**given, prediction_col=prediction_col)

    @property
    def asked(self) -> dict[str, str | None]:
        """What the user calls each column, by role."""
        return {
            "user": self.user_col,
            "item": self.item_col,
            "prediction": self.prediction_col,
            "rating": self.rating_col,
        }


def _is_separator(text: str) -> bool:
    return text == "::" or (len(text) == 1 and text.isascii() and text not in '\r\n"\0')


def _check_encoding(name: str) -> None:
    try:
        codec = codecs.lookup(name) if name.isascii() and "\0" not in name else None
    except LookupError:
        codec = None
    # Codecs such as rot13 and zlib are no encodings of text.
    if codec is None or not getattr(codec, "_is_text_encoding", True):
        raise OptionError(f"`encoding` {name!r} is not known; utf-8 and latin-1 are, for example.")
