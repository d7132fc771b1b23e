"""A stretch of a run in the order of all ids, from which the merge takes what it wants."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import Codes, Values, is_ascending
from mlbias.datasets.reading.encode import RawTimes
from mlbias.datasets.reading.runs import Run
from mlbias.datasets.scratch import Scratch, Stored

# Ratings of a user that are looked at together.
_PIECE = 1 << 18

# Codes of users and items, ratings, and times where they can be used, (n,) each.
Columns = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class SortedStretch:
    """A stretch of a run with its users in the order of all ids.

    Attributes:
        users: (n,) codes of its users among all.
        order: where each is in the order of the run.
        items: codes of its items among all.
        starts: see Stretch, as the rest.
    """

    users: Codes
    order: Any
    items: Codes
    starts: NDArray[np.int64]
    item: Codes
    value: Values
    time: RawTimes | None

    def ratings_of(self, start: int, stop: int) -> Columns:
        """Users, items, ratings and times of the users from one place to another."""
        here: Any
        users = self.users[start:stop]
        if isinstance(self.order, slice):
            starts = self.starts[start : stop + 1]
            here, counts = slice(starts[0], starts[-1]), np.diff(starts)
        else:
            chosen = self.order[start:stop]
            counts = self.starts[chosen + 1] - self.starts[chosen]
            shifts = self.starts[chosen] - (np.cumsum(counts) - counts)
            here = np.arange(counts.sum()) + np.repeat(shifts, counts)
        # Every code is in range; "clip" only spares NumPy the check.
        item = self.items.take(self.item[here], mode="clip")
        columns = np.repeat(users, counts), item, self.value[here]
        return columns if self.time is None else (*columns, self.time[here])

    def counts_of_items(self, place: int, n_items: int) -> NDArray[np.int64]:
        """How many ratings the user at a place has of each of all items, (n_items,)."""
        counts = np.zeros(n_items, np.int64)
        for _, items in self._pieces(place):
            counts += np.bincount(items, minlength=n_items)
        return counts

    def of_user(self, place: int, items: tuple[int, int]) -> tuple[Columns, NDArray[np.int64]]:
        """The ratings of one user for some items.

        Args:
            place: of the user, as ratings_of counts them.
            items: the first code of these, and the one behind the last.

        Returns:
            The ratings, and where each is among those of the user in this stretch.
        """
        chosen, codes = [], []
        for start, item in self._pieces(place):
            found = np.flatnonzero((item >= items[0]) & (item < items[1]))
            chosen.append(found + start)
            codes.append(item[found])
        here = np.concatenate(chosen)
        user = np.full(len(here), self.users[place], np.int32)
        columns = user, np.concatenate(codes), self.value[here]
        places = here - self._span(place)[0]
        return (columns if self.time is None else (*columns, self.time[here])), places

    def n_of_user(self, place: int) -> int:
        """How many ratings the user at a place has."""
        start, stop = self._span(place)
        return stop - start

    def _span(self, place: int) -> tuple[int, int]:
        user = place if isinstance(self.order, slice) else int(self.order[place])
        return int(self.starts[user]), int(self.starts[user + 1])

    def _pieces(self, place: int) -> Iterator[tuple[int, Codes]]:
        """Where pieces of a user's ratings start, and the codes of their items among all."""
        begin, end = self._span(place)
        for start in range(begin, end, _PIECE):
            item = self.item[start : min(start + _PIECE, end)]
            yield start, self.items.take(item, mode="clip")


def sorted_stretches(
    scratch: Scratch, run: Run, user_codes: Stored, item_codes: Stored, *, timed: bool
) -> Iterator[SortedStretch]:
    """The stretches of a run.

    Args:
        scratch: where they are.
        run: which has them.
        user_codes: those of the run's users among all.
        item_codes: of its items, likewise.
        timed: whether times are wanted.
    """
    users, items = scratch.array(user_codes), scratch.array(item_codes)
    # Of most runs the users are in the order of all ids already.
    order = slice(None) if is_ascending(users) else np.argsort(users)
    for stretch in run.stretches:
        time = stretch.time if timed else None
        yield SortedStretch(
            users[order],
            order,
            items,
            scratch.array(stretch.starts),
            scratch.array(stretch.item),
            scratch.array(stretch.value),
            None if time is None else scratch.array(time),
        )
