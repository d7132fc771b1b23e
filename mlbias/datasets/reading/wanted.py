"""What is wanted of a source, and the columns that it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum

from mlbias.columns.find import find_columns, find_pair_columns, needed_roles
from mlbias.columns.names import PAIR, Columns


class Wanted(Enum):
    """What is read of a source: ratings, ratings with their times, or pairs with all columns."""

    RATINGS = "ratings"
    TIMED_RATINGS = "timed ratings"
    PAIRS = "pairs"

    def needed(self, asked: Mapping[str, str | None]) -> Sequence[str]:
        """The roles that must have a column."""
        return PAIR if self is Wanted.PAIRS else needed_roles(asked)

    def find(
        self,
        names: Sequence[str],
        asked: Mapping[str, str | None],
        where: str,
        *,
        named: bool = True,
    ) -> Columns:
        """Where the columns are; see find_columns."""
        find = find_pair_columns if self is Wanted.PAIRS else find_columns
        return find(names, asked, where, named=named)

    def read(self, columns: Columns) -> Columns:
        """The columns whose values are looked at."""
        if self is Wanted.PAIRS:
            return replace(columns, rating=None, time=None)
        return columns if self is Wanted.TIMED_RATINGS else replace(columns, time=None)
