"""Cross-validation: settings tried on the same folds, each predicted by what the others teach."""

import threading
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from statistics import fmean, stdev

from mlbias.core.cores import usable_cores
from mlbias.core.incidence import BlockIncidence
from mlbias.errors import DataError, DivergenceError, MlbiasError
from mlbias.evaluation.evaluate import user_errors
from mlbias.evaluation.scores import Difference, GroupedErrors
from mlbias.evaluation.splits import folds_of
from mlbias.fitting import Setting, fit_setting
from mlbias.memory import available_memory
from mlbias.ratings import Ratings

# What a fold takes at most while it is made and trained on.
_BYTES_PER_RATING = 64
_TICK_SECONDS = 0.1


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


# A setting on a fold: its score and errors per user, or why it could not be trained.
_Outcome = tuple[FoldScore, GroupedErrors] | MlbiasError


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

    A setting that cannot be trained on a fold is left out, unless none is left; ``failed`` then
    says why, by its number.

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
        self.failed: dict[int, str] = {}
        self._stop = threading.Event()
        self._n_done = 0
        self._scores: list[list[FoldScore]] = [[] for _ in settings]
        self._errors = [GroupedErrors(len(ratings.user_ids)) for _ in settings]
        cores = threads or usable_cores()
        self._workers = min(cores, folds, _folds_in_memory(len(ratings)))
        self._threads = max(1, cores // self._workers)

    def run(self) -> Generator[int, None, None]:
        """Yield, now and then, how many of all settings on all folds are done, all at the end.

        Raises:
            DataError, DivergenceError: no setting can be trained on some fold.
        """
        with ThreadPoolExecutor(self._workers) as pool:
            tasks = [pool.submit(self._on_fold, k) for k in range(self._n_folds)]
            try:
                done: set[Future[list[_Outcome]]] = set()
                while len(done) < len(tasks) and not any(task.exception() for task in done):
                    yield self._n_done
                    done, _ = wait(tasks, _TICK_SECONDS, FIRST_EXCEPTION)
            finally:  # whoever gives up waits for a setting, and not for all
                self._stop.set()
        for task in tasks:
            self._collect(task.result())
        if len(self.failed) == len(self._settings):
            raise self._first_failure
        yield self._n_done

    def _collect(self, results: list[_Outcome]) -> None:
        for number, outcome in enumerate(results):
            if isinstance(outcome, MlbiasError):
                self._first_failure = outcome
                self.failed.setdefault(number, str(outcome))
            else:
                score, errors = outcome
                self._scores[number].append(score)
                self._errors[number] = self._errors[number] + errors

    def trials(self) -> list[Trial]:
        """What came out, in the order of the settings."""
        found = zip(self._settings, self._scores, self._errors, strict=True)
        return [
            Trial(setting, scores, errors)
            for setting, scores, errors in found
            if len(scores) == self._n_folds
        ]

    def _on_fold(self, k: int) -> list[_Outcome]:
        """Every setting, trained without a fold and scored on it."""
        ratings, is_test = self._ratings, self._fold == k
        training = ratings.select(~is_test)
        # With all users, so that errors add up over folds.
        test = Ratings(
            ratings.user[is_test], ratings.item[is_test], ratings.value[is_test],
            ratings.user_ids, ratings.item_ids,
        )  # fmt: skip
        errors_of = user_errors(test, training.user_ids, training.item_ids)
        incidence = BlockIncidence(training, self._threads)
        results: list[_Outcome] = []
        for setting in self._settings:
            if self._stop.is_set():
                break
            self._n_done += 1
            try:
                model, learned = fit_setting(incidence, setting, training)
            except (DataError, DivergenceError) as error:
                results.append(error)
                continue
            errors = errors_of(model)
            lambdas: tuple[float | None, float | None] = setting.lambdas or (None, None)
            if learned is not None:
                lambdas = learned.components.lambda_user, learned.components.lambda_item
            results.append((FoldScore(len(test), errors.rmse, errors.mae, *lambdas), errors))
        return results


def _folds_in_memory(n_ratings: int) -> int:
    """How many folds may be worked on at once in half of the memory that there is."""
    return max(1, available_memory() // 2 // (_BYTES_PER_RATING * n_ratings))


def _spread(values: list[float]) -> Spread:
    return Spread(fmean(values), stdev(values))
