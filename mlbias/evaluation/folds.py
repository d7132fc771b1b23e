"""Folds of cross-validation: cut at random, for each user or in time, or published as files.

Whatever decides, the order of rows does not, and the ratings of one pair share a fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mlbias.errors import DataError, OptionError
from mlbias.evaluation.hashing import Words, as_shares, of_pairs, pair_hashes
from mlbias.evaluation.latest import pair_times
from mlbias.evaluation.splits import Sides
from mlbias.ids import joined_ids
from mlbias.ratings import Ratings

SPLITS = ("random", "user", "time")
# Stands for ratings that are in no fold, and are trained on only.
_NO_FOLD = -1

FoldCodes = NDArray[np.int16]


class Folds(Protocol):
    """What each fold trains on and is scored on."""

    @property
    def n_folds(self) -> int:
        """How many there are, those of all repeats together."""
        ...

    @property
    def n_ratings(self) -> int:
        """The most ratings that a fold has on both sides."""
        ...

    @property
    def n_users(self) -> int:
        """Users of all folds together."""
        ...

    def sides(self, k: int) -> Sides:
        """Training ratings and scored ratings of fold ``k``; users of the latter are of all."""
        ...


@dataclass(frozen=True, slots=True)
class CutFolds:
    """Folds that are cut from ratings.

    Attributes:
        ratings: all of them, in the order of users.
        codes: for each repeat (n,) the fold in which a rating is scored; -1 for none.
        folds: how many there are in a repeat.
        is_rolling: whether a fold trains on what comes before it alone, and not on all others.
    """

    ratings: Ratings
    codes: tuple[FoldCodes, ...]
    folds: int
    is_rolling: bool = False

    @classmethod
    def of(
        cls,
        ratings: Ratings,
        folds: int = 5,
        seed: int = 0,
        split: str = "random",
        repeats: int = 1,
    ) -> "CutFolds":
        """Folds of about equal size.

        Args:
            ratings: all of them.
            folds: how many.
            seed: of the first repeat; the next one has the next seed.
            split: random; user, where each user's ratings are dealt out to the folds; or time,
                where a fold is trained on what is older than it.
            repeats: how often the ratings are cut anew.

        Raises:
            OptionError: an option is out of range.
            DataError: a fold would be empty, or there are no times to split by.
        """
        if split not in SPLITS:
            raise OptionError(f"`split` is random, user or time, not {split!r}.")
        if repeats < 1 or (split == "time" and repeats > 1):
            more = "; a split by time is the same each time" if repeats > 1 else ""
            raise OptionError(f"`repeats` must be 1 or more{more}.")
        ratings = ratings.by_user()
        cut = {"random": folds_of, "user": user_folds, "time": time_folds}[split]
        codes = tuple(cut(ratings, folds, seed + repeat) for repeat in range(repeats))
        # Times have cut the folds, and would be copied with every side.
        return cls(replace(ratings, timestamp=None), codes, folds, split == "time")

    @property
    def n_folds(self) -> int:
        """How many there are, those of all repeats together."""
        return self.folds * len(self.codes)

    @property
    def n_ratings(self) -> int:
        """Of all folds."""
        return len(self.ratings)

    @property
    def n_users(self) -> int:
        """Of all folds."""
        return self.ratings.n_users

    def sides(self, k: int) -> Sides:
        """Training ratings and scored ratings of fold ``k``, the latter with all ids."""
        repeat, fold = divmod(k, self.folds)
        code, ratings = self.codes[repeat], self.ratings
        is_test = code == fold
        training = ratings.select(code < fold if self.is_rolling else ~is_test)
        return training, ratings.where(is_test)


class GivenFolds:
    """Folds that are given, such as the published ones of a data set.

    Args:
        sides: training ratings and scored ratings of each, two or more.

    Raises:
        OptionError: there are fewer than two.
    """

    def __init__(self, sides: Sequence[Sides]) -> None:
        if len(sides) < 2:
            raise OptionError(f"cross-validation takes two folds or more, not {len(sides)}.")
        self._sides = sides
        self._user_ids, self._codes = joined_ids([test.user_ids for _, test in sides])

    @property
    def n_folds(self) -> int:
        """How many there are."""
        return len(self._sides)

    @property
    def n_ratings(self) -> int:
        """The most ratings that a fold has on both sides."""
        return max(len(training) + len(test) for training, test in self._sides)

    @property
    def n_users(self) -> int:
        """Users that are scored in some fold."""
        return len(self._user_ids)

    def sides(self, k: int) -> Sides:
        """Training ratings and scored ratings of fold ``k``, the latter with all users."""
        training, test = self._sides[k]
        user, ids = self._codes[k][test.user], self._user_ids
        return training, Ratings(user, test.item, test.value_column, ids, test.item_ids)

    def n_scored_twice(self) -> int:
        """Pairs of user and item that are scored in more than one fold, each counted once."""
        tests = [test for _, test in self._sides]
        item_ids, item_codes = joined_ids([test.item_ids for test in tests])
        pairs = [
            np.unique(users[test.user].astype(np.int64) * len(item_ids) + items[test.item])
            for test, users, items in zip(tests, self._codes, item_codes, strict=True)
        ]
        _, times = np.unique(np.concatenate(pairs), return_counts=True)
        return int(np.count_nonzero(times > 1))


def folds_of(ratings: Ratings, folds: int, seed: int = 0) -> FoldCodes:
    """Which of so many folds, about equally large, each rating is in: (n,) from 0 on.

    Raises:
        OptionError: there are fewer than 2 folds, or more than 32,767.
        DataError: a fold would be empty, or the only one.
    """
    _check_number(folds)

    def decided(hashes: Words) -> FoldCodes:
        return (as_shares(hashes) * folds).astype(np.int16)

    return _checked(np.concatenate(list(of_pairs(ratings, "folds", seed, decided))), folds)


def user_folds(ratings: Ratings, folds: int, seed: int = 0) -> FoldCodes:
    """The same, with each user's pairs dealt out to the folds as evenly as it goes.

    A user's only pair is in no fold (-1), so that whoever is scored has a rating in training.
    """
    _check_number(folds)
    hashes = pair_hashes(ratings, "user-folds", seed)
    order = np.lexsort((hashes, ratings.user))
    user, pair = ratings.user[order], hashes[order]
    is_new_user = np.diff(user, prepend=-1) != 0
    is_new_pair = is_new_user | np.append(True, pair[1:] != pair[:-1])
    number = np.cumsum(is_new_pair) - 1
    starts = np.flatnonzero(is_new_user)
    first = np.repeat(starts, np.diff(starts, append=len(user)))
    # Where a user's deal begins is drawn too: otherwise the first folds would be the largest.
    start = (as_shares(pair[first]) * (1 << 20)).astype(np.int64)
    rank = number - number[first]
    n_pairs = np.bincount(user, is_new_pair)[user]
    fold = np.empty(len(ratings), dtype=np.int16)
    fold[order] = np.where(n_pairs > 1, (start + rank) % folds, _NO_FOLD)
    return _checked(fold, folds)


def time_folds(ratings: Ratings, folds: int, seed: int = 0) -> FoldCodes:
    """The same in the order of time, after a first part as large that is only trained on (-1).

    Args:
        ratings: in the order of users.
        folds: how many.
        seed: decides among ratings of the same time.

    Raises:
        DataError: there are no times.
    """
    _check_number(folds)
    hashes = pair_hashes(ratings, "time-folds", seed)
    times = pair_times(ratings, hashes)
    order = np.lexsort((hashes, times))
    is_new = np.append(True, (np.diff(times[order]) != 0) | (np.diff(hashes[order]) != 0))
    first = np.flatnonzero(is_new)[np.cumsum(is_new) - 1]
    fold = np.empty(len(ratings), dtype=np.int16)
    fold[order] = first * (folds + 1) // len(ratings) - 1
    return _checked(fold, folds)


def _check_number(folds: int) -> None:
    if not 2 <= folds <= np.iinfo(np.int16).max:
        raise OptionError(f"`folds` must be from 2 to 32,767, not {folds}.")


def _checked(fold: FoldCodes, folds: int) -> FoldCodes:
    if np.bincount(fold[fold >= 0], minlength=folds).min() == 0:
        raise DataError(
            f"{folds} folds leave none of {len(fold):,} ratings in one of them.",
            "Choose fewer folds, or another seed.",
        )
    return fold
