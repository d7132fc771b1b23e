"""Cross-validation: settings tried on the same folds, each predicted by what the others teach."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean, stdev

from mlbias.core.cores import usable_cores
from mlbias.core.fitting import Setting, fit_setting
from mlbias.core.incidence import BlockIncidence
from mlbias.core.ratings import Ratings
from mlbias.errors import DataError
from mlbias.evaluation.grouped_errors import Difference, GroupedErrors
from mlbias.evaluation.metrics import user_errors
from mlbias.evaluation.splits import folds_of

# What a fold takes at most while it is made and trained on.
_BYTES_PER_RATING = 64


@dataclass(frozen=True, slots=True)
class FoldScore:
    """Of a setting on one fold.

    Args:
        n_test: ratings in the fold, which were predicted.
        rmse, mae: of them.
        lambda_user, lambda_item: given or learned, None where infinite.
    """

    n_test: int
    rmse: float
    mae: float
    lambda_user: float | None
    lambda_item: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation over folds."""

    mean: float
    sd: float


class Trial:
    """A setting on every fold.

    Args:
        setting: what was tried.
        folds: the scores, in the order of the folds.
        errors: of all folds together, per user.
    """

    def __init__(self, setting: Setting, folds: Sequence[FoldScore], errors: GroupedErrors) -> None:
        self.setting = setting
        self.folds = tuple(folds)
        self.errors = errors

    @property
    def rmse(self) -> Spread:
        """Over folds."""
        return _spread([fold.rmse for fold in self.folds])

    @property
    def mae(self) -> Spread:
        """Over folds, alike."""
        return _spread([fold.mae for fold in self.folds])

    def above(self, best: "Trial") -> Difference:
        """By how much the RMSE over all folds together is above another's."""
        return self.errors.above(best.errors)


class CrossValidation:
    """Settings tried on the same folds.

    Args:
        ratings: all of them.
        settings: one or more.
        folds: how many; see folds_of.
        seed: another seed makes other folds.
        threads: how many work at a time; by default one for each core.

    ``not_learned`` says why a setting that learns its λ's is left out: one fold does not tell them.
    It is only left out where there are others.

    Raises:
        OptionError, DataError: see folds_of.
    """

    def __init__(
        self,
        ratings: Ratings,
        settings: Sequence[Setting],
        folds: int = 5,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self._ratings, self._settings, self._n_folds = ratings, settings, folds
        self._fold = folds_of(ratings, folds, seed)
        self.not_learned = ""
        self._scores: list[list[FoldScore]] = [[] for _ in settings]
        self._errors = [GroupedErrors(len(ratings.user_ids)) for _ in settings]
        cores = threads or usable_cores()
        self._workers = min(cores, folds, _folds_in_memory(len(ratings)))
        self._threads = max(1, cores // self._workers)

    def run(self) -> Iterator[int]:
        """Yield how many folds are done, from 0 on; several are worked on at once.

        Raises:
            DataError, DivergenceError: from training on a fold.
        """
        yield 0
        with ThreadPoolExecutor(self._workers) as pool:
            done = pool.map(self._on_fold, range(self._n_folds))
            for k, results in enumerate(done, 1):
                for number, (score, errors) in results.items():
                    self._scores[number].append(score)
                    self._errors[number] = self._errors[number] + errors
                yield k

    def trials(self) -> list[Trial]:
        """What came out, in the order of the settings."""
        found = zip(self._settings, self._scores, self._errors, strict=True)
        return [
            Trial(setting, scores, errors)
            for setting, scores, errors in found
            if len(scores) == self._n_folds
        ]

    def _on_fold(self, k: int) -> dict[int, tuple[FoldScore, GroupedErrors]]:
        """Every setting by its number, trained without a fold and scored on it."""
        ratings, is_test = self._ratings, self._fold == k
        training = ratings.select(~is_test)
        # With all users, so that errors add up over folds.
        test = Ratings(
            ratings.user[is_test], ratings.item[is_test], ratings.value[is_test],
            ratings.user_ids, ratings.item_ids,
        )  # fmt: skip
        errors_of = user_errors(test, training.user_ids, training.item_ids)
        incidence = BlockIncidence(training, self._threads)
        results = {}
        for number, setting in enumerate(self._settings):
            try:
                model, learned = fit_setting(incidence, setting, training)
            except DataError as error:
                if setting.lambdas is not None or len(self._settings) == 1:
                    raise
                self.not_learned = str(error)
                continue
            errors = errors_of(model)
            lambdas: tuple[float | None, float | None] = setting.lambdas or (None, None)
            if learned is not None:
                lambdas = learned.components.lambda_user, learned.components.lambda_item
            results[number] = FoldScore(len(test), errors.rmse, errors.mae, *lambdas), errors
        return results


def _folds_in_memory(n_ratings: int) -> int:
    """How many folds may be worked on at once in half of the memory that there is."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, memory // 2 // (_BYTES_PER_RATING * n_ratings))


def _spread(values: list[float]) -> Spread:
    return Spread(fmean(values), stdev(values))
