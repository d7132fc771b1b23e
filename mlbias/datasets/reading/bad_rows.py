"""Rows that are no ratings: where they are, and whether they stop the reading."""

from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.opening import Stream
from mlbias.datasets.reading.rows import Rows
from mlbias.errors import BadRowError, DataError

# In so few rows a share says nothing.
_FEWEST_ROWS = 10


class BadRows:
    """Stops at the first bad row, or counts them; knows at which line each part begins.

    Args:
        options: whether they are skipped, and how many at most.
        may_skip: whether that can be asked for.

    Attributes:
        count: bad rows so far.
        first: where the first is, and what is wrong with it.
    """

    def __init__(self, options: ReadOptions, *, may_skip: bool = True) -> None:
        self._options, self._may_skip = options, may_skip
        self._where, self._unit, self._places = "", "line", 0
        self.count, self.first = 0, ""

    def begin(self, stream: Stream) -> None:
        """From here on rows are of another file."""
        self._where, self._places = stream.where, 0
        self._unit = "line" if stream.format == "text" else "row"

    def told(self, place: int) -> str:
        """What messages call a place in the part that comes next."""
        return f"{self._where}, {self._unit} {self._places + place + 1}"

    def note(self, rows: Rows) -> None:
        """Take in the next part.

        Raises:
            BadRowError: it has a bad row, and such are not skipped.
        """
        bad = rows.first_bad
        if bad is not None and (bad.ends_text or not self.first):
            separator = ", " if bad.reason.startswith(("column", "key")) else ": "
            first = f"{self.told(bad.place)}{separator}{bad.reason}"
            if bad.ends_text:
                raise BadRowError(f"{first}.", bad.advice)
            self.first = first
            if not self._options.skip_bad_rows:
                skip = ", or leave such rows out with `skip_bad_rows`" if self._may_skip else ""
                advice = f"{bad.advice} Fix the {self._unit}{skip}.".strip()
                raise BadRowError(f"{self.first}.", advice)
        self.count += rows.n_bad
        self._places += rows.n_places

    def check_share(self, where: str, n_good: int) -> None:
        """See that not too many rows were left out.

        Raises:
            DataError: they were.
        """
        n = self.count + n_good
        most = self._options.max_bad_share
        if self.count > most * n and n >= _FEWEST_ROWS:
            raise DataError(
                f"{where}: {self.count:,} of {n:,} rows are no ratings, more than the "
                f"{100 * most:g} % that may be left out; the first: {self.first}.",
                "`max_bad_share` allows more.",
            )

    def instead_of_ratings(self, n_not_rated: int) -> str:
        """What a source without ratings has."""
        if self.count:
            return f"has no ratings, only {self.count:,} bad rows; the first: {self.first}"
        if n_not_rated:
            return f"has no ratings: each of its {n_not_rated:,} rows has a value of `not_rated`"
        return "has a header and no ratings" if self._places else "is empty"
