"""The one way from a problem to a fitted model, an epoch at a time."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from mlbias.core.equations.certificate import certify
from mlbias.core.model import Parameters, Penalty, Problem
from mlbias.core.ratings import CodedRatings
from mlbias.core.regularisation import Regularisation
from mlbias.core.reml.learn import Learned, learn
from mlbias.core.reml.noise_prior import UserNoise
from mlbias.core.reml.user_noise import learn_user_noise
from mlbias.core.statistics import Incidence
from mlbias.core.training import EpochStats, Scorer, train
from mlbias.core.vectors import FloatArray
from mlbias.core.weighted import squared_errors_per_user
from mlbias.fitting.assessment import Assessment, assessed
from mlbias.fitting.record import Fit, Noise, Settings
from mlbias.ids import Ids
from mlbias.model import BiasModel, to_model


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be minimised, and whose biases it is about.

    Attributes:
        incidence: of the ratings.
        problem: J over the ratings, weighted where users' noises differ, the λ's known.
        learned: what was learned of the λ's; None where they were given.
        noise: of each user, where each has its own.
        user_ids, item_ids: (n_users,) and (n_items,) ids.
    """

    incidence: Incidence
    problem: Problem
    learned: Learned | None
    noise: UserNoise | None
    user_ids: Ids
    item_ids: Ids

    @classmethod
    def of(
        cls,
        incidence: Incidence,
        user_ids: Ids,
        item_ids: Ids,
        regularisation: Regularisation,
        noise: Noise = "one",
    ) -> "Task":
        """The task that these ratings pose; learns λ's and noises where that is asked for.

        Raises:
            DataError: they cannot be learned from these ratings.
        """
        learned = noises = None
        weighted = incidence
        if noise == "user":
            weighted, learned, noises = learn_user_noise(incidence)
            penalty = learned.penalty
        elif regularisation.lambdas is None:
            learned = learn(incidence)
            penalty = learned.penalty
        else:
            scale, lambdas = regularisation.scale, regularisation.lambdas
            penalty = Penalty.on_scale(scale, *lambdas, incidence.statistics)
        problem = Problem(weighted, penalty)
        return cls(incidence, problem, learned, noises, user_ids, item_ids)

    def model(self, state: Parameters) -> BiasModel:
        """The model of a state of training, without error bars."""
        model = to_model(state, self.incidence.statistics, self.user_ids, self.item_ids)
        return replace(model, penalty=self.problem.penalty)

    def scorer(self, score: Callable[[BiasModel], tuple[float, float]]) -> Scorer:
        """From a function that gives RMSE and MAE of a model to one of a state of training."""
        return lambda state: score(self.model(state))


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
                found = assessed(problem, learned, self._state, ratings, threads, self.task.noise)
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
