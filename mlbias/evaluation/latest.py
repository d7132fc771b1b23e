"""Which ratings come last: of each user, and of all, by time and then by the hash of the pair."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.bits import Bits, Mask
from mlbias.core.passes import done, in_order, pieces
from mlbias.core.ratings import Codes, pairs_ascend, runs_of
from mlbias.errors import DataError
from mlbias.evaluation.blake2b import Words
from mlbias.evaluation.hashing import PairHashes
from mlbias.evaluation.ranks import Counts, Range, keys_of, of_rank, time_of
from mlbias.number_columns import Timestamps
from mlbias.ratings import Ratings

# Users are sorted in blocks of about so many ratings, which fit a cache.
_BLOCK = 1 << 18
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class TimeCut:
    """From where on ratings are held out by time.

    Attributes:
        time: in Unix seconds; all that is later is held out.
        hash: of the ratings at this time, those up to it are.
    """

    time: float
    hash: int = (1 << 64) - 1

    def held_out(self, times: Timestamps, hashes: PairHashes) -> Bits:
        """Which ratings (n,) that is."""

        def held_out(here: slice) -> Mask:
            time = times[here]
            found, tied = time > self.time, np.flatnonzero(time == self.time)
            found[tied] = hashes[here.start + tied] <= np.uint64(self.hash)
            return np.asarray(found)

        return Bits.joined(in_order(held_out, pieces(len(times), _PIECE)), len(times))


def cut_of_latest(times: Timestamps, hashes: PairHashes, n_held_out: int) -> TimeCut:
    """Where the latest so many ratings begin, and no fewer of a pair than all.

    Ties are decided by the smaller hash.
    """
    n = len(times)
    if not 0 < n_held_out < n:
        return TimeCut(-math.inf if n_held_out else math.inf)
    time, n_before, n_tied = time_of_rank(times, n - n_held_out)
    tied = np.sort(hashes[at_time(times, time)])
    return TimeCut(time, int(tied[n_held_out - (n - n_before - n_tied) - 1]))


def time_of_rank(times: Timestamps, rank: int) -> tuple[float, int, int]:
    """The time of a rank from 0 in the order of times, how many are before it and equal to it."""

    def asked(among: Range) -> Iterable[Counts]:
        return in_order(
            lambda here: among.counted(keys_of(times[here])), pieces(len(times), _PIECE)
        )

    ends = keys_of(np.array([times.min(), times.max()])).tolist()
    key, n_before, n_tied = of_rank(asked, Range(*ends), rank, len(times))
    return time_of(key), n_before, n_tied


def at_time(times: Timestamps, time: float) -> NDArray[np.intp]:
    """The places of ratings (n,) at a time."""
    found = in_order(
        lambda here: here.start + np.flatnonzero(times[here] == time), pieces(len(times), _PIECE)
    )
    return np.concatenate(list(found))


def pair_times(ratings: Ratings) -> Timestamps:
    """For each of ratings in the order of users the last time at which its pair was rated, (n,)."""
    time = ratings.timestamp
    if time is None:
        raise no_times(ratings.untimed)
    if pairs_ascend(ratings):
        return time
    times = np.empty_like(time)

    def fill(here: slice) -> None:
        times[here] = last_times(ratings.user_column[here], ratings.item[here], time[here])

    done(fill, user_blocks(ratings))
    return times


def last_times(user: Codes, item: Codes, time: Timestamps) -> Timestamps:
    """The same of some whole users' ratings."""
    order = np.lexsort((item, user))
    first = np.flatnonzero(starts_of_pairs(user[order], item[order]))
    latest = np.maximum.reduceat(time[order], first)
    times = np.empty_like(time)
    times[order] = np.repeat(latest, np.diff(first, append=len(order)))
    return times


def no_times(untimed: str) -> DataError:
    """The error for ratings without times, where something says why or not."""
    why = f"cannot be used: {untimed}" if untimed else "are missing"
    return DataError(
        f"the times of the ratings {why}.",
        "`time_col` names another column, `time_unit` the unit; a random split needs no times.",
    )


def pairs_differ(user: Codes, item: Codes) -> bool:
    """Whether no pair of some users' ratings repeats, as their order shows."""
    return bool(((item[1:] > item[:-1]) | (user[1:] != user[:-1])).all())


def last_of_pairs(
    user: Codes, time: Timestamps | None, hashes: PairHashes, here: slice, test_size: float
) -> Mask:
    """Which of some whole users' ratings, each of another pair, are held out.

    Args:
        user: (k,) their users.
        time: (k,) their times; by the hash alone where there are none.
        hashes: of all ratings.
        here: where these are.
        test_size: see user_split.
    """
    word = _words(user, time, hashes[here] if time is None else None)
    if word is None:
        return last_of_users(user, time, hashes[here], test_size)
    first = np.flatnonzero(np.diff(user, prepend=-1))
    n_ratings = np.diff(first, append=len(user))
    n_held_out = _numbers(test_size, n_ratings)
    # A sort of words alone is several times as fast as one that says where they were.
    place = np.minimum(first + n_ratings - n_held_out, len(user) - 1)
    lowest = np.where(n_held_out > 0, np.sort(word)[place], ~np.uint64(0))
    lowest = np.repeat(lowest, n_ratings)
    held_out, tied = word > lowest, np.flatnonzero(word == lowest)
    n_more = n_held_out - np.add.reduceat(held_out, first, dtype=np.intp)
    # The hash decides among ratings of the same time.
    whose = np.repeat(np.arange(len(first)), n_ratings)[tied]
    order = np.lexsort((hashes[here.start + tied], whose))
    from_the_end = np.cumsum(np.bincount(whose))[whose] - 1 - np.arange(len(tied))
    held_out[tied[order]] = from_the_end < n_more[whose]
    return held_out


def last_of_users(user: Codes, time: Timestamps | None, hashes: Words, test_size: float) -> Mask:
    """The same where pairs may repeat, whose ratings share a time and a hash."""
    order = in_users_order(user, time, hashes)
    user, hashes = user[order], hashes[order]
    # Ratings of one pair stand side by side and are numbered as one.
    number = np.cumsum(starts_of_pairs(user, hashes))
    last = np.flatnonzero(np.diff(user, append=-1))  # of each user
    n_pairs = np.diff(number[last], prepend=0)
    n_held_out = _numbers(test_size, n_pairs)
    n_ratings = np.diff(last, prepend=-1)
    from_the_end: NDArray[np.intp] = np.repeat(number[last], n_ratings) - number
    held_out = np.empty(len(user), dtype=np.bool_)
    held_out[order] = from_the_end < np.repeat(n_held_out, n_ratings)
    return held_out


def _numbers(test_size: float, n_pairs: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many pairs of each user are held out."""
    wanted = test_size if test_size >= 1 else np.floor(test_size * n_pairs + 0.5)
    return np.minimum(wanted, n_pairs - 1).astype(np.intp)


def in_users_order(user: Codes, time: Timestamps | None, hashes: Words) -> NDArray[np.intp]:
    """The order by user, then by time if it counts, then by the hash; users ascend already."""
    word = _words(user, time, hashes)
    if word is None:
        return np.lexsort((hashes, user) if time is None else (hashes, time, user))
    # One sort of one word is several times as fast as a sort by three columns.
    order = np.argsort(word)
    sorted_word = word[order]
    same = sorted_word[1:] == sorted_word[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if len(tied):
        # Ties are of one user and time, so that only the hash is left to decide.
        there = order[tied]
        order[tied] = there[np.lexsort((hashes[there], sorted_word[tied]))]
    return order


def _words(user: Codes, time: Timestamps | None, hashes: Words | None) -> Words | None:
    """Words (k,) in the order of users, and then of times or else of hashes, as far as they go.

    None where they are too many for that.
    """
    if time is None:
        assert hashes is not None
        minor = hashes >> np.uint64(24)
    elif time.dtype.kind == "f" or int(time.max()) - int(time.min()) >= 1 << 40:
        return None
    else:
        minor = (time.astype(np.int64) - int(time.min())).astype(np.uint64)
    if int(user[-1]) - int(user[0]) + 1 >= 1 << 24:
        return None
    minor |= (user - user[0]).astype(np.uint64) << np.uint64(40)
    return minor


def starts_of_pairs(user: Codes, pair: Codes | Words) -> Mask:
    """Where, among sorted ratings, another pair begins."""
    changed = (user[1:] != user[:-1]) | (pair[1:] != pair[:-1])
    return np.concatenate([[True], changed])


def user_blocks(ratings: Ratings) -> list[slice]:
    """The ratings, which are in the order of users, cut between users."""
    n = len(ratings)
    starts = runs_of(ratings.user_column, ratings.n_users).starts
    cuts = np.unique(starts[ratings.user_column[np.arange(0, n, _BLOCK)]]).tolist()
    return [slice(first, last) for first, last in zip(cuts, [*cuts[1:], n], strict=True)]
