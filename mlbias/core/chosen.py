"""The ratings where a mask is true, picked on all cores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.bits import Mask
from mlbias.core.compact import Column, Steps, UserRuns
from mlbias.core.passes import done, in_order, pieces
from mlbias.core.ratings import CodedRatings, Codes

_PIECE = 1 << 18

# An array, or Bits.
Chosen = Column[np.bool_]


@dataclass(frozen=True, slots=True)
class ChosenCodes:
    """Codes that were chosen, numbered anew without those that none has.

    Attributes:
        codes: (k,) from 0 on.
        is_used: (n_codes,) which of the old ones occur.
    """

    codes: Column[np.int32]
    is_used: Mask


def chosen_users(ratings: CodedRatings, chosen: Chosen) -> ChosenCodes:
    """Users of the ratings where ``chosen`` (n,) is true."""
    users = ratings.user_column
    if not isinstance(users, UserRuns):
        return chosen_codes(users, ratings.n_users, chosen)
    counts = counts_of_users(users, chosen)
    is_used = counts > 0
    return ChosenCodes(UserRuns.of_counts(counts[is_used]), is_used)


def counts_of_users(users: UserRuns, chosen: Chosen) -> NDArray[np.int64]:
    """How many ratings each user has where ``chosen`` (n,) is true, (n_users,)."""
    everywhere = pieces(len(chosen), _PIECE)
    before = np.zeros(len(users.starts), np.int64)

    def count(here: slice) -> tuple[slice, int]:
        # The starts in this piece, and the end of everything in the last one.
        first, last = np.searchsorted(users.starts, [here.start, here.stop]).tolist()
        last = len(before) if here.stop == len(chosen) else last
        numbers = np.zeros(here.stop - here.start + 1, np.int32)
        np.cumsum(chosen[here], out=numbers[1:])
        before[first:last] = numbers[users.starts[first:last] - here.start]
        return slice(first, last), int(numbers[-1])

    n = 0
    for of_starts, number in in_order(count, everywhere):
        before[of_starts] += n
        n += number
    return np.diff(before)


def chosen_codes(codes: Column[np.int32], n_codes: int, chosen: Chosen) -> ChosenCodes:
    """The codes where ``chosen`` (n,) is true."""
    is_used = np.zeros(n_codes, np.bool_)
    found: Codes = chosen_entries(codes, chosen, is_used)
    if not is_used.all():
        new_code = np.cumsum(is_used, dtype=np.int32) - np.int32(1)

        def renumber(here: slice) -> None:
            found[here] = new_code[found[here]]

        done(renumber, pieces(len(found), _PIECE))
    return ChosenCodes(found, is_used)


def chosen_values(values: Column[np.floating[Any]], chosen: Chosen) -> Column[np.floating[Any]]:
    """The values where ``chosen`` (n,) is true, in as few bytes each as before."""
    if isinstance(values, Steps):
        return Steps(chosen_entries(values.counts, chosen), values.steps, values.dtype)
    return chosen_entries(values, chosen)


def chosen_entries(
    column: Column[Any], chosen: Chosen, is_used: Mask | None = None
) -> NDArray[Any]:
    """The entries of a column where ``chosen`` (n,) is true.

    Args:
        column: (n,) numbers.
        chosen: which of them.
        is_used: of codes, which of them occur, to be filled in.
    """
    everywhere = pieces(len(chosen), _PIECE)
    numbers = [int(np.count_nonzero(chosen[here])) for here in everywhere]
    starts = np.concatenate([[0], np.cumsum(numbers)]).tolist()
    found = np.empty(starts[-1], column.dtype)

    def choose(k: int) -> None:
        # Several times as fast as by the mask itself.
        entries = column[everywhere[k]][np.flatnonzero(chosen[everywhere[k]])]
        found[starts[k] : starts[k + 1]] = entries
        if is_used is not None:
            is_used[entries] = True

    done(choose, range(len(everywhere)))
    return found
