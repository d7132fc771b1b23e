"""Which fold of cross-validation each rating is scored in: at random, dealt out, or in time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.passes import done, pieces
from mlbias.core.ratings import Codes
from mlbias.errors import DataError, OptionError
from mlbias.evaluation.blake2b import Words
from mlbias.evaluation.hashing import PairHashes, as_shares
from mlbias.evaluation.latest import (
    TimeCut,
    at_time,
    in_users_order,
    pair_times,
    starts_of_pairs,
    time_of_rank,
    user_blocks,
)
from mlbias.number_columns import Timestamps
from mlbias.ratings import Ratings

# Stands for ratings that are in no fold, and are trained on only.
_NO_FOLD = -1
_PIECE = 1 << 18

FoldCodes = NDArray[np.signedinteger[Any]]


def folds_of(ratings: Ratings, folds: int, seed: int = 0) -> FoldCodes:
    """Which of so many folds, about equally large, each rating is in: (n,) from 0 on.

    Raises:
        OptionError: there are fewer than 2 folds, or more than 32,767.
        DataError: a fold would be empty, or the only one.
    """
    check_folds(folds)
    return _checked(random_codes(ratings, folds, seed), folds)


def random_codes(ratings: Ratings, folds: int, seed: int) -> FoldCodes:
    """The same of ratings that may have none in some folds, as those of a part."""

    def decided(hashes: Words) -> FoldCodes:
        return (as_shares(hashes) * folds).astype(_code_type(folds))

    return np.concatenate(list(PairHashes(ratings, "folds", seed).decided(decided)))


def user_folds(ratings: Ratings, folds: int, seed: int = 0) -> FoldCodes:
    """The same of ratings in the order of users, whose pairs are dealt out as evenly as it goes.

    A user's only pair is in no fold (-1), so that whoever is scored has a rating in training.
    """
    check_folds(folds)
    return _checked(user_codes(ratings, folds, seed), folds)


def user_codes(ratings: Ratings, folds: int, seed: int) -> FoldCodes:
    """The same of ratings that may have none in some folds, as those of a part."""
    hashes = PairHashes(ratings, "user-folds", seed)
    fold = np.empty(len(ratings), _code_type(folds))

    def deal(here: slice) -> None:
        fold[here] = _dealt(ratings.user_column[here], hashes[here], folds)

    done(deal, user_blocks(ratings))
    return fold


def _dealt(user: Codes, hashes: Words, folds: int) -> NDArray[np.int64]:
    """The folds of some whole users' ratings (k,)."""
    order = in_users_order(user, None, hashes)
    pair = hashes[order]
    starts = np.flatnonzero(np.diff(user, prepend=-1))
    is_new_pair = starts_of_pairs(user, pair)
    number = np.cumsum(is_new_pair) - 1
    n_ratings = np.diff(starts, append=len(user))
    first = np.repeat(starts, n_ratings)
    # Where a user's deal begins is drawn too: otherwise the first folds would be the largest.
    start = (as_shares(pair[first]) * (1 << 20)).astype(np.int64)
    n_pairs = np.repeat(np.add.reduceat(is_new_pair, starts, dtype=np.int64), n_ratings)
    fold = np.empty(len(user), np.int64)
    fold[order] = np.where(n_pairs > 1, (start + number - number[first]) % folds, _NO_FOLD)
    return fold


def time_folds(ratings: Ratings, folds: int, seed: int = 0) -> FoldCodes:
    """The same in the order of time, after a first part as large that is only trained on (-1).

    Args:
        ratings: in the order of users.
        folds: how many.
        seed: decides among ratings of the same time.

    Raises:
        DataError: there are no times.
    """
    check_folds(folds)
    times, hashes = pair_times(ratings), PairHashes(ratings, "time-folds", seed)
    fold = np.full(len(ratings), _NO_FOLD, _code_type(folds))
    for k in range(folds):
        # As many ratings as come before a fold, and all of the last one's pair with them.
        n_before = -(-(k + 1) * len(ratings) // (folds + 1))
        time, n_earlier, _ = time_of_rank(times, n_before - 1)
        highest = np.sort(hashes[at_time(times, time)])[n_before - 1 - n_earlier]
        _raise_those_after(fold, times, hashes, TimeCut(time, int(highest)))
    return _checked(fold, folds)


def _raise_those_after(
    fold: FoldCodes, times: Timestamps, hashes: PairHashes, last: TimeCut
) -> None:
    """Add 1 to the folds (n,) of ratings that come after a moment, and after a hash in it."""

    def add(here: slice) -> None:
        time = times[here]
        is_after, tied = time > last.time, np.flatnonzero(time == last.time)
        is_after[tied] = hashes[here.start + tied] > np.uint64(last.hash)
        fold[here] += is_after

    done(add, pieces(len(fold), _PIECE))


def _code_type(folds: int) -> type[np.signedinteger[Any]]:
    """Of the numbers of so many folds, and -1."""
    return np.int8 if folds <= np.iinfo(np.int8).max else np.int16


def check_folds(folds: int) -> None:
    """See that there can be so many folds.

    Raises:
        OptionError: there cannot.
    """
    if not 2 <= folds <= np.iinfo(np.int16).max:
        raise OptionError(f"`folds` must be from 2 to 32,767, not {folds}.")


def _checked(fold: FoldCodes, folds: int) -> FoldCodes:
    numbers = np.zeros(folds + 1, np.int64)
    for here in pieces(len(fold), _PIECE):
        numbers += np.bincount(fold[here] - _NO_FOLD, minlength=folds + 1)
    if numbers[1:].min() == 0:
        raise empty_fold(folds, len(fold))
    return fold


def empty_fold(folds: int, n_ratings: int) -> DataError:
    """What is wrong where a fold has no ratings."""
    return DataError(
        f"{folds} folds leave none of {n_ratings:,} ratings in one of them.",
        "Choose fewer folds, or another seed.",
    )
