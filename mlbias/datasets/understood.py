"""How a source of ratings was taken, and what was odd about it: always said, never silent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Understood:
    """What mlbias understood of a source.

    Attributes:
        format: text, JSON lines, Netflix Prize, Parquet, Arrow or generated.
        separator: between fields of text.
        header: whether the first line of text names the columns.
        columns: by role the name of the column, or its number from 1.
        n_columns: how many there are.
        encoding: of text.
        packing: how the file is compressed, empty if it is not.
        ids: by side, "integers" or "text".
        time_unit: of the times, where they were read.
        n_files: how many files were read as one.
        n_rows: how many rows there are, those left out included.
        n_skipped: rows that are not ratings and were left out.
        first_skipped: where the first of them is, and what is wrong with it.
        n_not_rated: rows whose rating stands for none, and that were left out.
        n_repeated: ratings of a pair of user and item that has another one.
        notices: what was guessed and what is worth knowing, a sentence each.
        warnings: what looks wrong, a sentence each.
        time_notices: what was guessed of times, for those who use them.
    """

    format: str = ""
    separator: str | None = None
    header: bool | None = None
    columns: Mapping[str, str | int] | None = None
    n_columns: int | None = None
    encoding: str | None = None
    packing: str = ""
    ids: Mapping[str, str] | None = None
    time_unit: str | None = None
    n_files: int = 1
    n_rows: int = 0
    n_skipped: int = 0
    first_skipped: str = ""
    n_not_rated: int = 0
    n_repeated: int = 0
    notices: Sequence[str] = ()
    warnings: Sequence[str] = ()
    time_notices: Sequence[str] = ()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Understood":
        """The same behind the plain values of ``dataclasses.asdict``, through JSON or not.

        Raises:
            TypeError: they are no such values.
        """
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in record.items()
            if name in known
        }
        return cls(**values)
