"""Folds of cross-validation: cut at random, for each user or in time, or published as files.

Whatever decides, the order of rows does not, and the ratings of one pair share a fold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from mlbias.core.bits import Bits, Mask
from mlbias.core.incidence import BlockIncidence
from mlbias.core.passes import pieces
from mlbias.core.scores import GroupedErrors
from mlbias.core.statistics import Incidence
from mlbias.errors import OptionError
from mlbias.evaluation.fold_codes import FoldCodes, folds_of, time_folds, user_folds
from mlbias.evaluation.predicted import PredictedRatings
from mlbias.evaluation.splits import Sides
from mlbias.ids import Ids, joined_ids
from mlbias.memory import available_memory, check_memory
from mlbias.model import BiasModel
from mlbias.ratings import Ratings

SPLITS = ("random", "user", "time")
_PIECE = 1 << 18
# What a fold takes at most while it is made and trained on.
_BYTES_PER_RATING = 64


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

    @property
    def most_at_once(self) -> int:
        """How many folds may be worked on at a time.

        Raises:
            DataError: not even one has room in memory.
        """
        ...

    def fold(self, k: int, threads: int) -> "Fold":
        """Fold ``k``, from 0, which takes so many threads."""
        ...


@dataclass(frozen=True, slots=True)
class Fold:
    """What a fold trains on, and how models are scored on it.

    Attributes:
        incidence: of the training ratings.
        ids: of their users and of their items.
        errors: of a model on the scored ratings, by the users of all folds.
        release: gives back what is kept of the fold outside of this process.
    """

    incidence: Incidence
    ids: tuple[Ids, Ids]
    errors: Callable[[BiasModel], GroupedErrors]
    release: Callable[[], None] = lambda: None

    @classmethod
    def of(cls, sides: Sides, threads: int) -> "Fold":
        """By training ratings and scored ratings; users of the latter are those of all folds."""
        training, test = sides
        ids = training.user_ids, training.item_ids
        return cls(BlockIncidence(training, threads), ids, PredictedRatings(test, *ids).errors)


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
        check_cut(split, repeats)
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

    @property
    def most_at_once(self) -> int:
        """As many as have room in half of the memory that there is."""
        return _most_at_once(self.n_ratings)

    def fold(self, k: int, threads: int) -> Fold:
        """Fold ``k``."""
        return Fold.of(self.sides(k), threads)

    def sides(self, k: int) -> Sides:
        """Training ratings and scored ratings of fold ``k``, the latter with all ids."""
        repeat, fold = divmod(k, self.folds)
        code, ratings = self.codes[repeat], self.ratings
        is_test = _bits(code, lambda codes: codes == fold)
        kept = _bits(code, lambda codes: codes < fold) if self.is_rolling else ~is_test
        return ratings.select(kept), ratings.where(is_test)


def check_cut(split: str, repeats: int) -> None:
    """See that ratings can be cut into folds so.

    Raises:
        OptionError: they cannot.
    """
    if split not in SPLITS:
        raise OptionError(f"`split` is random, user or time, not {split!r}.")
    if repeats < 1 or (split == "time" and repeats > 1):
        more = "; a split by time is the same each time" if repeats > 1 else ""
        raise OptionError(f"`repeats` must be 1 or more{more}.")


def _most_at_once(n_ratings: int) -> int:
    check_memory(_BYTES_PER_RATING * n_ratings)
    return _number_in_memory(n_ratings)


def _number_in_memory(n_ratings: int) -> int:
    return max(1, available_memory() // 2 // (_BYTES_PER_RATING * n_ratings))


def _bits(code: FoldCodes, chosen: Callable[[FoldCodes], Mask]) -> Bits:
    return Bits.joined((chosen(code[here]) for here in pieces(len(code), _PIECE)), len(code))


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

    @property
    def most_at_once(self) -> int:
        """As many as have room in half of the memory that there is."""
        return _most_at_once(self.n_ratings)

    def fold(self, k: int, threads: int) -> Fold:
        """Fold ``k``."""
        return Fold.of(self.sides(k), threads)

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
