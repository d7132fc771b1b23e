"""Splits of ratings into training and hold-out; folds.py cuts into more.

Whatever decides, the order of rows does not, no rating is lost or on both sides, and the ratings
of one pair of a user and an item share a side: where time decides, all have that of the last.
What time leaves open, and all else, a stable hash decides (hashing.py).
"""

import numpy as np

from mlbias.arguments import checks_options
from mlbias.core.bits import Bits, Mask, number_of
from mlbias.core.passes import in_order
from mlbias.errors import DataError, OptionError
from mlbias.evaluation.hashing import PairHashes, below
from mlbias.evaluation.latest import (
    TimeCut,
    cut_of_latest,
    last_of_pairs,
    last_of_users,
    last_times,
    no_times,
    pair_times,
    pairs_differ,
    user_blocks,
)
from mlbias.ids import positions
from mlbias.ratings import Frame, Ratings, as_ratings
from mlbias.times import moment, shown_time

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


def random_holdout(ratings: Ratings, test_size: float, seed: int = 0) -> Bits:
    """Which ratings random_split holds out, (n,)."""
    _check_share(test_size)
    held_out = held_out_at_random(ratings, test_size, seed)
    return _checked(held_out, f"`test_size` {test_size:g}")


def held_out_at_random(ratings: Ratings, test_size: float, seed: int) -> Bits:
    """The same, none or all of them if it comes so."""
    hashes = PairHashes(ratings, "random", seed)
    return Bits.joined(hashes.decided(lambda words: below(words, test_size)), len(ratings))


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
) -> Bits:
    """Which ratings user_split holds out, (n,), of ratings in the order of users."""
    if not test_size > 0 or (test_size >= 1 and test_size % 1 != 0):
        raise OptionError(
            f"`test_size` of a user split is a share below 1 or a whole number, not {test_size:g}."
        )
    held_out = held_out_of_users(ratings, test_size, random=random, seed=seed)
    advice = "A user needs two ratings of different items for one to be held out."
    return _checked(held_out, f"`test_size` {test_size:g} for each user", advice)


def held_out_of_users(ratings: Ratings, test_size: float, *, random: bool, seed: int) -> Bits:
    """The same, perhaps none."""
    if not random and ratings.timestamp is None:
        raise no_times(ratings.untimed)
    hashes = PairHashes(ratings, "user", seed)

    def held_out(here: slice) -> Mask:
        user, item = ratings.user_column[here], ratings.item[here]
        time = None if random or ratings.timestamp is None else ratings.timestamp[here]
        if pairs_differ(user, item):
            return last_of_pairs(user, time, hashes, here, test_size)
        time = None if time is None else last_times(user, item, time)
        return last_of_users(user, time, hashes[here], test_size)

    return Bits.joined(in_order(held_out, user_blocks(ratings)), len(ratings))


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


def time_holdout(
    ratings: Ratings, test_size: float | None, start: float | None, seed: int = 0
) -> Bits:
    """Which ratings time_split holds out, (n,), of ratings in the order of users."""
    times, hashes = pair_times(ratings), PairHashes(ratings, "time", seed)
    if start is not None:
        span = f"The ratings are from {shown_time(times.min())} to {shown_time(times.max())}."
        held_out = TimeCut(start).held_out(times, hashes)
        return _checked(held_out, f"a cut at {shown_time(start)}", span)
    assert test_size is not None
    _check_share(test_size)
    cut = cut_of_latest(times, hashes, round(test_size * len(ratings)))
    return _checked(cut.held_out(times, hashes), f"`test_size` {test_size:g}")


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


def _sides(ratings: Ratings, held_out: Bits) -> Sides:
    return ratings.select(~held_out), ratings.select(held_out)


def _checked(
    held_out: Bits, what: str, advice: str = "Choose another `test_size` or seed."
) -> Bits:
    """The mask of a hold-out that leaves ratings on both sides.

    Raises:
        DataError: it leaves none on one of them.
    """
    n_held_out = number_of(held_out)
    if n_held_out in (0, len(held_out)):
        side = "hold out" if n_held_out == 0 else "train on"
        raise DataError(f"{what} leaves none of {len(held_out):,} ratings to {side}.", advice)
    return held_out
