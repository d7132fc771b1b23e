"""The one way from a problem to a fitted model, an epoch at a time."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from mlbias.core.equations.certificate import certify
from mlbias.core.model import Parameters
from mlbias.core.ratings import CodedRatings
from mlbias.core.training import EpochStats, train
from mlbias.core.vectors import FloatArray
from mlbias.core.weighted import squared_errors_per_user
from mlbias.fitting.assessment import Assessment, assessed
from mlbias.fitting.record import Fit, Settings
from mlbias.fitting.task import Task
from mlbias.model import BiasModel


class Fitting:
    """A fit under way: loop over ``epochs``, stop when you like, then take the ``result``.

    Args:
        task: what is minimised.
        settings: how.
        score: gives RMSE and MAE of a model on ratings that are held out, for the history.
    """

    def __init__(
        self,
        task: Task,
        settings: Settings,
        score: Callable[[BiasModel], tuple[float, float]] | None = None,
    ) -> None:
        self.task, self.settings, self._score = task, settings, score
        self._state = task.problem.start()
        self.history: list[EpochStats] = []
        self._squares: FloatArray | None = None

    def epochs(self) -> Iterator[EpochStats]:
        """Yield a report as each epoch ends, the start first.

        Raises:
            DivergenceError: the method moved away from the optimum.
        """
        settings = self.settings
        scorer = None if self._score is None else self.task.scorer(self._score)
        for stats, state in train(
            settings.method,
            self.task.problem,
            epochs=settings.epochs,
            tol=settings.tol,
            holdout=scorer,
        ):
            self._state, stats = state, self._unweighted(state, stats)
            self.history.append(stats)
            yield stats

    def _unweighted(self, state: Parameters, stats: EpochStats) -> EpochStats:
        """The same with the RMSE of the ratings as they are."""
        incidence, n = self.task.incidence, self.task.incidence.statistics.n_ratings
        if self.task.problem.incidence is incidence:
            return stats
        if self._squares is None:
            self._squares = incidence.squares_per_user()
        errors = squared_errors_per_user(incidence, self._squares, state)
        return replace(stats, rmse=math.sqrt(float(errors.sum()) / n))

    def model(self) -> BiasModel:
        """The model after the last whole epoch, without error bars."""
        return self.task.model(self._state)

    def result(
        self, ratings: Callable[[], CodedRatings] | None = None, threads: int | None = None
    ) -> Fit:
        """The model after the last whole epoch, with its error bars and the record of the fit.

        Args:
            ratings: gives those of the task, for leave-one-out; not called without an optimum.
            threads: how many work at a time; by default one for each core.
        """
        problem, learned = self.task.problem, self.task.learned
        certificate, found = None, Assessment()
        if self.settings.method.ends_by_itself:
            certificate = certify(problem, self._state)
            if certificate.is_optimum:
                found = assessed(self.task, self._state, ratings, threads)
        return Fit(
            replace(self.model(), uncertainty=found.uncertainty, scale=found.scale),
            tuple(self.history),
            certificate,
            # The inverse behind it is of no use once the error bars are known.
            None if learned is None else replace(learned, inverse=None),
            self.settings,
            found.leave_one_out,
        )

    def run(
        self, ratings: Callable[[], CodedRatings] | None = None, threads: int | None = None
    ) -> Fit:
        """Draw every epoch; the result."""
        for _ in self.epochs():
            pass
        return self.result(ratings, threads)
