"""Which ratings come last: of each user, and of all, by time and then by the hash of the pair."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import repeated_pairs, runs_of
from mlbias.errors import DataError
from mlbias.evaluation.hashing import Words
from mlbias.number_columns import Timestamps
from mlbias.ratings import Ratings

# Users are sorted in blocks of about so many ratings, which fit a cache.
_BLOCK = 1 << 18

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TimeCut:
    """From where on ratings are held out by time.

    Attributes:
        time: in Unix seconds; all that is later is held out.
        hash: of the ratings at this time, those up to it are.
    """

    time: float
    hash: int = (1 << 64) - 1

    def held_out(self, times: Timestamps, hashes: Words) -> Mask:
        """Which ratings (n,) that is."""
        return np.asarray(
            (times > self.time) | ((times == self.time) & (hashes <= np.uint64(self.hash)))
        )


def pair_times(ratings: Ratings, hashes: Words) -> Timestamps:
    """For each of ratings in the order of users the last time at which its pair was rated, (n,)."""
    if ratings.timestamp is None:
        raise no_times(ratings.untimed)
    if not repeated_pairs(ratings):
        return ratings.timestamp
    times = np.empty_like(ratings.timestamp)
    for here in user_blocks(ratings):
        user, hash_, time = ratings.user_column[here], hashes[here], ratings.timestamp[here]
        order = np.lexsort((hash_, user))
        first = np.flatnonzero(_starts(user[order], hash_[order]))
        latest = np.maximum.reduceat(time[order], first)
        times[here][order] = np.repeat(latest, np.diff(first, append=len(order)))
    return times


def no_times(untimed: str) -> DataError:
    """The error for ratings without times, where something says why or not."""
    why = f"cannot be used: {untimed}" if untimed else "are missing"
    return DataError(
        f"the times of the ratings {why}.",
        "`time_col` names another column, `time_unit` the unit; a random split needs no times.",
    )


def last_of_users(
    user: NDArray[np.int32], time: Timestamps | None, hashes: Words, test_size: float
) -> Mask:
    """Which of some whole users' ratings are held out; by the hash alone where there is no time."""
    order = _order(user, time, hashes)
    user, hashes = user[order], hashes[order]
    # Ratings of one pair stand side by side and are numbered as one.
    number = np.cumsum(_starts(user, hashes))
    last = np.flatnonzero(np.diff(user, append=-1))  # of each user
    n_pairs = np.diff(number[last], prepend=0)
    wanted = test_size if test_size >= 1 else np.floor(test_size * n_pairs + 0.5)
    n_held_out = np.minimum(wanted, n_pairs - 1)
    n_ratings = np.diff(last, prepend=-1)
    from_the_end: NDArray[np.intp] = np.repeat(number[last], n_ratings) - number
    held_out = np.empty(len(user), dtype=np.bool_)
    held_out[order] = from_the_end < np.repeat(n_held_out, n_ratings)
    return held_out


def _order(user: NDArray[np.int32], time: Timestamps | None, hashes: Words) -> NDArray[np.intp]:
    """The order by user, then by time if it counts, then by the hash; users ascend already."""
    times = np.zeros(len(user), np.int8) if time is None else time
    minor = hashes >> np.uint64(24) if time is None else times - times.min()
    n_users = int(user[-1]) - int(user[0]) + 1
    if n_users >= 1 << 24 or minor.dtype.kind == "f" or int(minor.max()) >= 1 << 40:
        return np.lexsort((hashes, times, user))
    # One sort of one word is several times as fast as a sort by three columns.
    major = (user - user[0]).astype(np.uint64) << np.uint64(40)
    word = major | minor.astype(np.uint64)
    order = np.argsort(word)
    sorted_word = word[order]
    same = sorted_word[1:] == sorted_word[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if len(tied):
        # Ties are of one user and time, so that only the hash is left to decide.
        there = order[tied]
        order[tied] = there[np.lexsort((hashes[there], sorted_word[tied]))]
    return order


def latest(times: Timestamps, hashes: Words, n_held_out: int) -> Mask:
    """The latest so many ratings, and no fewer of a pair than all; ties by the smaller hash."""
    if not 0 < n_held_out < len(times):
        return np.full(len(times), n_held_out > 0)
    cut = np.partition(times, len(times) - n_held_out)[len(times) - n_held_out]
    held_out, tied = times > cut, times == cut
    n_more = n_held_out - int(np.count_nonzero(held_out))
    highest = np.partition(hashes[tied], n_more - 1)[n_more - 1]
    return TimeCut(cut, int(highest)).held_out(times, hashes)


def _starts(user: NDArray[np.int32], hashes: Words) -> Mask:
    """Where, among sorted ratings, another pair begins."""
    changed = (user[1:] != user[:-1]) | (hashes[1:] != hashes[:-1])
    return np.concatenate([[True], changed])


def user_blocks(ratings: Ratings) -> list[slice]:
    """The ratings, which are in the order of users, cut between users."""
    n = len(ratings)
    starts = runs_of(ratings.user_column, ratings.n_users).starts
    cuts = np.unique(starts[ratings.user_column[np.arange(0, n, _BLOCK)]]).tolist()
    return [slice(first, last) for first, last in zip(cuts, [*cuts[1:], n], strict=True)]
