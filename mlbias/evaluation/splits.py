"""Splits of ratings into training and hold-out; folds.py cuts into more.

Whatever decides, the order of rows does not, no rating is lost or on both sides, and the ratings
of one pair of a user and an item share a side: where time decides, all have that of the last.
What time leaves open, and all else, a stable hash decides (hashing.py).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.arguments import checks_options
from mlbias.core.passes import done
from mlbias.core.ratings import repeated_pairs, runs_of
from mlbias.errors import DataError, OptionError
from mlbias.evaluation.hashing import Words, as_shares, of_pairs, pair_hashes
from mlbias.ids import positions
from mlbias.number_columns import Timestamps
from mlbias.ratings import Frame, Ratings, as_ratings
from mlbias.times import moment, shown_time

# Users are sorted in blocks of about so many ratings, which fit a cache.
_BLOCK = 1 << 18

Mask = NDArray[np.bool_]
Sides = tuple[Ratings, Ratings]


@checks_options
def random_split(ratings: Ratings | Frame, test_size: float, seed: int = 0) -> Sides:
    """Training ratings and hold-out, the latter about this share of all.

    A rating's side depends on the seed, its user and its item alone: neither the order of rows
    nor added data moves it.

    Args:
        ratings: to be split.
        test_size: share to hold out, above 0 and below 1.
        seed: another seed is another split.

    Raises:
        OptionError: test_size is out of range.
        DataError: one side would be empty.

    Example:
        >>> from mlbias import load_ratings, random_split
        >>> training, held_out = random_split(load_ratings("sample"), 0.1, seed=42)
        >>> len(training) + len(held_out)
        100000
    """
    ratings = as_ratings(ratings)
    return _sides(ratings, random_holdout(ratings, test_size, seed))


def random_holdout(ratings: Ratings, test_size: float, seed: int = 0) -> Mask:
    """Which ratings random_split holds out, (n,)."""
    _check_share(test_size)
    held_out = held_out_at_random(ratings, test_size, seed)
    return _checked(held_out, f"`test_size` {test_size:g}")


def held_out_at_random(ratings: Ratings, test_size: float, seed: int) -> Mask:
    """The same, none or all of them if it comes so."""
    decided = of_pairs(ratings, "random", seed, lambda hashes: as_shares(hashes) < test_size)
    return np.concatenate(list(decided))


@checks_options
def user_split(
    ratings: Ratings | Frame, test_size: float, *, random: bool = False, seed: int = 0
) -> Sides:
    """Hold out the last ratings of each user, or random ones; one at least stays in training.

    Args:
        ratings: to be split.
        test_size: how many of each user's, 1 or more, or below 1 the share, rounded to the
            nearest number; several ratings of a pair count as one.
        random: hold out random ratings, and not the last ones.
        seed: decides among ratings of the same time, or among all.

    Raises:
        OptionError: test_size is out of range.
        DataError: there are no timestamps, or one side would be empty.

    Example:
        >>> from mlbias import Ratings, user_split
        >>> ratings = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2], [1, 2, 4, 3])
        >>> training, held_out = user_split(ratings, 1)
        >>> held_out.value.tolist()
        [3.0, 4.0]
    """
    ratings = as_ratings(ratings).by_user()
    return _sides(ratings, user_holdout(ratings, test_size, random=random, seed=seed))


def user_holdout(
    ratings: Ratings, test_size: float, *, random: bool = False, seed: int = 0
) -> Mask:
    """Which ratings user_split holds out, (n,), of ratings in the order of users."""
    if not test_size > 0 or (test_size >= 1 and test_size % 1 != 0):
        raise OptionError(
            f"`test_size` of a user split is a share below 1 or a whole number, not {test_size:g}."
        )
    held_out = held_out_of_users(ratings, test_size, random=random, seed=seed)
    advice = "A user needs two ratings of different items for one to be held out."
    return _checked(held_out, f"`test_size` {test_size:g} for each user", advice)


def held_out_of_users(ratings: Ratings, test_size: float, *, random: bool, seed: int) -> Mask:
    """The same, perhaps none."""
    hashes = pair_hashes(ratings, "user", seed)
    times = None if random else pair_times(ratings, hashes)
    held_out = np.empty(len(ratings), dtype=np.bool_)

    def decide(here: slice) -> None:
        time = None if times is None else times[here]
        held_out[here] = _last_of_users(ratings.user_column[here], time, hashes[here], test_size)

    done(decide, _user_blocks(ratings))
    return held_out


@checks_options
def time_split(
    ratings: Ratings | Frame,
    test_size: float | None = None,
    *,
    start: float | str | None = None,
    seed: int = 0,
) -> Sides:
    """Train on the past: hold out the latest ratings of all, or those from a time on.

    Users and items of the future alone are unknown to what is trained on the past.

    Args:
        ratings: to be split.
        test_size: share to hold out, above 0 and below 1.
        start: the first time to hold out instead of a share: Unix seconds, or a text such as
            "2015-03-31" or "2015", as the command line takes it.
        seed: decides among ratings at the time of the cut.

    Raises:
        OptionError: not one of test_size and start is given, test_size is out of range, or start
            is no moment in time.
        DataError: there are no timestamps, or one side would be empty.

    Example:
        >>> from mlbias import Ratings, time_split
        >>> ratings = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2], [1, 2, 4, 3])
        >>> training, held_out = time_split(ratings, start=3)
        >>> held_out.value.tolist()
        [4.0, 2.0]
    """
    if (test_size is None) == (start is None):
        raise OptionError("a split by time takes either `test_size` or `start`.")
    start = moment(start) if isinstance(start, str) else start
    ratings = as_ratings(ratings).by_user()
    return _sides(ratings, time_holdout(ratings, test_size, start, seed))


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


def time_holdout(
    ratings: Ratings, test_size: float | None, start: float | None, seed: int = 0
) -> Mask:
    """Which ratings time_split holds out, (n,), of ratings in the order of users."""
    hashes = pair_hashes(ratings, "time", seed)
    times = pair_times(ratings, hashes)
    if start is not None:
        span = f"The ratings are from {shown_time(times.min())} to {shown_time(times.max())}."
        held_out = TimeCut(start).held_out(times, hashes)
        return _checked(held_out, f"a cut at {shown_time(start)}", span)
    assert test_size is not None
    _check_share(test_size)
    held_out = _latest(times, hashes, round(test_size * len(ratings)))
    return _checked(held_out, f"`test_size` {test_size:g}")


def n_shared(training: Ratings, held_out: Ratings) -> int:
    """How many ratings that were given to be held out are of pairs that are in training too."""
    user = positions(held_out.user_ids, training.user_ids)[held_out.user]
    item = positions(held_out.item_ids, training.item_ids)[held_out.item]
    n_items = len(training.item_ids)
    known = (user >= 0) & (item >= 0)
    wanted = user[known].astype(np.int64) * n_items + item[known]
    there = training.user.astype(np.int64) * n_items + training.item
    return int(np.count_nonzero(np.isin(wanted, there)))


def _check_share(test_size: float) -> None:
    if not 0 < test_size < 1:
        raise OptionError(f"`test_size` must be above 0 and below 1, not {test_size:g}.")


def _sides(ratings: Ratings, held_out: Mask) -> Sides:
    return ratings.select(~held_out), ratings.select(held_out)


def _checked(
    held_out: Mask, what: str, advice: str = "Choose another `test_size` or seed."
) -> Mask:
    """The mask of a hold-out that leaves ratings on both sides.

    Raises:
        DataError: it leaves none on one of them.
    """
    n_held_out = int(np.count_nonzero(held_out))
    if n_held_out in (0, len(held_out)):
        side = "hold out" if n_held_out == 0 else "train on"
        raise DataError(f"{what} leaves none of {len(held_out):,} ratings to {side}.", advice)
    return held_out


def pair_times(ratings: Ratings, hashes: Words) -> Timestamps:
    """For each of ratings in the order of users the last time at which its pair was rated, (n,)."""
    if ratings.timestamp is None:
        raise no_times(ratings.untimed)
    if not repeated_pairs(ratings):
        return ratings.timestamp
    times = np.empty_like(ratings.timestamp)
    for here in _user_blocks(ratings):
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


def _last_of_users(
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


def _latest(times: Timestamps, hashes: Words, n_held_out: int) -> Mask:
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


def _user_blocks(ratings: Ratings) -> list[slice]:
    """The ratings, which are in the order of users, cut between users."""
    n = len(ratings)
    starts = runs_of(ratings.user_column, ratings.n_users).starts
    cuts = np.unique(starts[ratings.user_column[np.arange(0, n, _BLOCK)]]).tolist()
    return [slice(first, last) for first, last in zip(cuts, [*cuts[1:], n], strict=True)]
