"""Folds of ratings in parts, which each part cuts alone: it has all ratings of its users."""

from dataclasses import dataclass

from mlbias.core.scores import GroupedErrors
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.parts import Part
from mlbias.errors import DataError, OptionError
from mlbias.evaluation.fold_codes import check_folds, empty_fold, random_codes, user_codes
from mlbias.evaluation.folds import Fold, check_cut
from mlbias.evaluation.in_parts import errors_in_parts
from mlbias.ids import positions
from mlbias.model import BiasModel

_CODES = {"random": random_codes, "user": user_codes}


@dataclass(frozen=True, slots=True)
class FoldsInParts:
    """Folds that are cut from ratings in parts, the same ones as in memory.

    Attributes:
        ratings: all of them.
        folds: how many there are in a repeat.
        seed: of the first repeat; the next one has the next seed.
        split: random, or user, where each user's ratings are dealt out to the folds.
        repeats: how often the ratings are cut anew.

    Raises:
        OptionError: an option is out of range, or the split is by time.
    """

    ratings: PartitionedIncidence
    folds: int = 5
    seed: int = 0
    split: str = "random"
    repeats: int = 1

    def __post_init__(self) -> None:
        check_cut(self.split, self.repeats)
        check_folds(self.folds)
        if self.split not in _CODES:
            raise OptionError("ratings in parts have folds by `split` random or user, not time.")

    @property
    def n_folds(self) -> int:
        """How many there are, those of all repeats together."""
        return self.folds * self.repeats

    @property
    def n_ratings(self) -> int:
        """Of all folds."""
        return len(self.ratings)

    @property
    def n_users(self) -> int:
        """Of all folds."""
        return len(self.ratings.user_ids)

    @property
    def most_at_once(self) -> int:
        """One, which has all that the engine can do."""
        return 1

    def fold(self, k: int, threads: int) -> Fold:  # noqa: ARG002  the engine has its own
        """Fold ``k``, whose two sides the engine keeps until it is released.

        Raises:
            DataError: it would be empty.
        """
        repeat, number = divmod(k, self.folds)
        training, test = (
            self._side(_Side(self.split, self.folds, self.seed + repeat, number, is_test))
            for is_test in (False, True)
        )
        places = positions(test.user_ids, self.ratings.user_ids)

        def errors(model: BiasModel) -> GroupedErrors:
            return GroupedErrors.gathered([(errors_in_parts(model, test), places)], self.n_users)

        def release() -> None:
            training.release()
            test.release()

        return Fold(training, (training.user_ids, training.item_ids), errors, release)

    def _side(self, side: "_Side") -> PartitionedIncidence:
        try:
            return PartitionedIncidence(self.ratings.parts.derived(side))
        except DataError as error:
            if str(error) != "there are no ratings":
                raise
            raise empty_fold(self.folds, self.n_ratings) from error


@dataclass(frozen=True, slots=True)
class _Side:
    """From a part to what a fold trains on, or to what it is scored on."""

    split: str
    folds: int
    seed: int
    fold: int
    is_test: bool

    def __call__(self, part: Part) -> Part:
        if part.is_empty:
            return part
        ratings = part.ratings()
        is_test = _CODES[self.split](ratings, self.folds, self.seed) == self.fold
        return Part.of(ratings.select(is_test if self.is_test else ~is_test), part.time_unit)
