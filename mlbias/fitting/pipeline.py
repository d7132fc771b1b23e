"""The one way from a problem to a fitted model, an epoch at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from mlbias.core.equations.certificate import Certificate, certify
from mlbias.core.model import Parameters, Penalty, Problem
from mlbias.core.regularisation import Regularisation
from mlbias.core.reml.bias_errors import error_bars
from mlbias.core.reml.learn import Learned, learn
from mlbias.core.statistics import Incidence
from mlbias.core.training import EpochStats, Scorer, train
from mlbias.core.uncertainty import Uncertainty
from mlbias.fitting.record import Fit, Settings
from mlbias.ids import Ids
from mlbias.model import BiasModel, to_model


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be minimised, and whose biases it is about.

    Attributes:
        problem: J over the ratings, the λ's known.
        learned: what was learned of the λ's; None where they were given.
        user_ids, item_ids: (n_users,) and (n_items,) ids.
    """

    problem: Problem
    learned: Learned | None
    user_ids: Ids
    item_ids: Ids

    @classmethod
    def of(
        cls, incidence: Incidence, user_ids: Ids, item_ids: Ids, regularisation: Regularisation
    ) -> "Task":
        """The task that these ratings pose; learns the λ's where that is asked for.

        Raises:
            DataError: the λ's cannot be learned from these ratings.
        """
        learned = None
        if regularisation.lambdas is None:
            learned = learn(incidence)
            penalty = learned.penalty
        else:
            scale, lambdas = regularisation.scale, regularisation.lambdas
            penalty = Penalty.on_scale(scale, *lambdas, incidence.statistics)
        return cls(Problem(incidence, penalty), learned, user_ids, item_ids)

    def model(self, state: Parameters) -> BiasModel:
        """The model of a state of training, without error bars."""
        model = to_model(state, self.problem.statistics, self.user_ids, self.item_ids)
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
            self._state = state
            self.history.append(stats)
            yield stats

    def model(self) -> BiasModel:
        """The model after the last whole epoch, without error bars."""
        return self.task.model(self._state)

    def result(self) -> Fit:
        """The model after the last whole epoch, with its error bars and the record of the fit."""
        method, learned = self.settings.method, self.task.learned
        certificate = certify(self.task.problem, self._state) if method.ends_by_itself else None
        known = _uncertainty(self.task, self._state, certificate)
        return Fit(
            replace(self.model(), uncertainty=known),
            tuple(self.history),
            certificate,
            # The inverse behind it is of no use once the error bars are known.
            None if learned is None else replace(learned, inverse=None),
            self.settings,
        )

    def run(self) -> Fit:
        """Draw every epoch; the result."""
        for _ in self.epochs():
            pass
        return self.result()


def _uncertainty(task: Task, at: Parameters, certificate: Certificate | None) -> Uncertainty | None:
    """How well the biases of an optimum are known; None for methods that stop before it.

    σ² is the learned one or, at λ's that were given, J/(n - 1). None too where a λ is 0, so that
    a prior is without bounds.
    """
    problem, learned = task.problem, task.learned
    penalty, s = problem.penalty, problem.statistics
    if certificate is None or not certificate.is_optimum:
        return None
    if penalty.user == 0 or penalty.item == 0 or s.n_ratings < 2:
        return None
    if learned is not None:
        variance = learned.components.sigma**2
        return error_bars(problem.incidence, penalty, variance, learned.inverse)
    squared_error = problem.squared_error(at, problem.error_sums(at))
    variance = problem.cost(at, squared_error) / (s.n_ratings - 1)
    return error_bars(problem.incidence, penalty, variance) if variance > 0 else None
