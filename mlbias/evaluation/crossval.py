"""Cross-validation: settings tried on the same folds, each predicted by what the others teach."""

import threading
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Literal

from mlbias.arguments import checks_options
from mlbias.core.cores import usable_threads
from mlbias.core.methods.protocol import Method
from mlbias.core.model import PenaltyScale, Problem
from mlbias.core.reml.learn import learn_penalty
from mlbias.core.scores import GroupedErrors
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.errors import DataError, DivergenceError, MlbiasError, OptionError
from mlbias.evaluation.candidates import candidates, with_noise
from mlbias.evaluation.folds import CutFolds, Fold, Folds, GivenFolds
from mlbias.evaluation.folds_in_parts import FoldsInParts
from mlbias.evaluation.trials import FoldScore, Trial
from mlbias.fitting.fit import method_with
from mlbias.fitting.pipeline import Fitting
from mlbias.fitting.record import Noise, Settings
from mlbias.fitting.task import Task
from mlbias.ratings import Frame, Ratings, as_ratings

_TICK_SECONDS = 0.1


# A setting on a fold: its score and errors per user, or why it could not be trained.
_Outcome = tuple[FoldScore, GroupedErrors] | MlbiasError


class CrossValidation:
    """Settings tried on the same folds.

    Args:
        folds: what each of them trains on and is scored on.
        candidates: settings to try, one or more.
        threads: how many work at a time; by default one for each core.

    A setting that cannot be trained on a fold is left out, unless none is left; ``failed`` then
    says why, by its number.
    """

    def __init__(
        self,
        folds: Folds,
        candidates: Sequence[Settings],
        threads: int | None = None,
    ) -> None:
        self.folds, self.candidates = folds, candidates
        self.failed: dict[int, str] = {}
        self._stop = threading.Event()
        self._n_done = 0
        self._scores: list[list[FoldScore]] = [[] for _ in candidates]
        self._errors = [GroupedErrors(folds.n_users) for _ in candidates]
        self._cores = usable_threads(threads)
        self._workers = min(self._cores, folds.n_folds, folds.most_at_once)

    def run(self) -> Generator[int, None, None]:
        """Yield, now and then, how many of all settings on all folds are done, all at the end.

        Raises:
            DataError, DivergenceError: no setting can be trained on some fold.
        """
        with ThreadPoolExecutor(self._workers) as pool:
            tasks = [pool.submit(self._on_fold, k) for k in range(self.folds.n_folds)]
            try:
                done: set[Future[list[_Outcome]]] = set()
                while len(done) < len(tasks) and not any(task.exception() for task in done):
                    yield self._n_done
                    done, _ = wait(tasks, _TICK_SECONDS, FIRST_EXCEPTION)
            finally:  # whoever gives up waits for a setting, and not for all
                self._stop.set()
        for task in tasks:
            self._collect(task.result())
        if len(self.failed) == len(self.candidates):
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

    def threads(self, k: int) -> int:
        """How many threads fold ``k`` has: those that come last share the cores of all."""
        n_last = self.folds.n_folds % self._workers
        is_last = k >= self.folds.n_folds - n_last
        return max(1, self._cores // (n_last if is_last else self._workers))

    def trials(self) -> list[Trial]:
        """What came out, in the order of the settings."""
        found = zip(self.candidates, self._scores, self._errors, strict=True)
        return [
            Trial(settings, scores, errors)
            for settings, scores, errors in found
            if len(scores) == self.folds.n_folds
        ]

    def _on_fold(self, k: int) -> list[_Outcome]:
        """Every setting, trained without a fold and scored on it."""
        fold = self.folds.fold(k, self.threads(k))
        results: list[_Outcome] = []
        try:
            for settings in self.candidates:
                if self._stop.is_set():
                    break
                self._n_done += 1
                try:
                    results.append(_scored(settings, fold))
                except (DataError, DivergenceError) as error:
                    results.append(error)
        finally:
            fold.release()
        return results


def _scored(settings: Settings, fold: Fold) -> tuple[FoldScore, GroupedErrors]:
    """One fit without a fold, scored on it."""
    incidence, ids = fold.incidence, fold.ids
    lambdas: tuple[float | None, float | None] = settings.regularisation.lambdas or (None, None)
    learned = None
    if settings.regularisation.lambdas is None and settings.noise == "one":
        # A score needs no error bars, which would take a fifth of the time.
        learned, penalty = learn_penalty(incidence)
        task = Task(incidence, Problem(incidence, penalty), None, None, *ids)
    else:
        task = Task.of(incidence, *ids, settings.regularisation, settings.noise)
        learned = task.learned.components if task.learned else None
    if learned is not None:
        lambdas = learned.lambda_user, learned.lambda_item
    fitting = Fitting(task, settings)
    for _ in fitting.epochs():
        pass
    errors = fold.errors(fitting.model())
    return FoldScore(len(errors), errors.rmse, errors.mae, *lambdas), errors


@checks_options
def crossval(
    ratings: Ratings | PartitionedIncidence | Frame | None = None,
    method: Method | str = "exact",
    *,
    folds: int | Sequence[tuple[Ratings | Frame, Ratings | Frame]] = 5,
    split: str = "random",
    repeats: int = 1,
    seed: int = 0,
    epochs: int | None = None,
    lr: float | None = None,
    tol: float | None = None,
    penalty: PenaltyScale | str | None = None,
    lambda_: Sequence[float | Literal["auto"]] | Literal["auto"] | None = None,
    lambda_user: Sequence[float] | None = None,
    lambda_item: Sequence[float] | None = None,
    noise: Noise = "one",
    threads: int | None = None,
) -> list[Trial]:
    """Cross-validate: every λ, or pair of λ's, on the same folds.

    Args:
        ratings: all of them, in parts too; none where the folds are given.
        method: a name or a method with its options.
        folds: how many, about equally large; or published ones, each as a pair of ratings to
            train on and ratings to score.
        split: random; user, where each user's ratings are dealt out to the folds; or time, where
            each fold is trained on what is older than it.
        repeats: how often the folds are cut anew, by the next seed.
        seed: another seed makes other folds.
        epochs: the most updates of each fit.
        lr: see fit.
        tol: see fit.
        penalty: the scale of the λ's, mean or sum.
        lambda_: λ's of both sides to try, "auto" among them to learn both on each fold; exact
            does so beside any list.
        lambda_user: λ's of the users, each tried with each of the items'.
        lambda_item: λ's of the items.
        noise: "user" tries the learned λ's with a noise for each user too.
        threads: how many work at a time; by default one for each core.

    Returns:
        A trial for each candidate, in the given order; those that failed on a fold are left out.

    Raises:
        OptionError: options are out of range or do not go together.
        DataError, DivergenceError: no candidate can be fitted.

    Example:
        >>> from mlbias import crossval, load_ratings
        >>> for trial in crossval(load_ratings("sample"), folds=2, lambda_=[1, 5]):
        ...     print(trial.settings.regularisation.lambdas, f"{trial.rmse.mean:.4f}")
        (1.0, 1.0) 0.8587
        (5.0, 5.0) 0.8551
        None 0.8547
    """
    made, tol = method_with(method, {"lr": lr}, tol)
    tried = candidates(made, penalty, lambda_, lambda_user, lambda_item)
    settings = [Settings.of(made, regularisation, epochs, tol) for regularisation in tried]
    settings = with_noise(settings, noise)
    validation = CrossValidation(_folds(ratings, folds, seed, split, repeats), settings, threads)
    for _ in validation.run():
        pass
    return validation.trials()


def _folds(
    ratings: Ratings | PartitionedIncidence | Frame | None,
    folds: int | Sequence[tuple[Ratings | Frame, Ratings | Frame]],
    seed: int,
    split: str,
    repeats: int,
) -> Folds:
    if isinstance(folds, int):
        if ratings is None:
            raise OptionError("`folds` are a number of folds of ratings, or pairs of ratings.")
        if isinstance(ratings, PartitionedIncidence):
            return FoldsInParts(ratings, folds, seed, split, repeats)
        return CutFolds.of(as_ratings(ratings), folds, seed, split, repeats)
    if ratings is not None or (split, repeats) != ("random", 1):
        raise OptionError("`folds` that are given go without ratings, `split` and `repeats`.")
    return GivenFolds([(as_ratings(one), as_ratings(other)) for one, other in folds])
