"""What a fit minimises, with everything that was learned for it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mlbias.core.model import Parameters, Penalty, Problem
from mlbias.core.regularisation import Regularisation
from mlbias.core.reml.learn import Learned, learn
from mlbias.core.reml.noise_prior import UserNoise
from mlbias.core.reml.user_noise import learn_user_noise
from mlbias.core.statistics import Incidence
from mlbias.core.training import Scorer
from mlbias.fitting.record import Noise
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
