"""From ratings and options to a trained model: what the command line and Python share."""

from collections import deque
from dataclasses import dataclass, replace

from mlbias.core.equations.certificate import certify
from mlbias.core.incidence import BlockIncidence
from mlbias.core.methods import DEFAULT_METHOD, make_method
from mlbias.core.methods.protocol import Method
from mlbias.core.model import Parameters, PenaltyScale, Problem
from mlbias.core.reml.bias_errors import error_bars
from mlbias.core.reml.learn import Lambdas, Learned, penalty_for
from mlbias.core.statistics import Incidence
from mlbias.core.training import ends_by_itself, train
from mlbias.core.uncertainty import Uncertainty
from mlbias.errors import OptionError
from mlbias.model import BiasModel, to_model
from mlbias.ratings import Ratings


def fit(
    ratings: Ratings,
    method: str = DEFAULT_METHOD,
    *,
    epochs: int | None = None,
    learning_rate: float | None = None,
    penalty: PenaltyScale | str | None = None,
    lambda_user: float | None = None,
    lambda_item: float | None = None,
    tolerance: float | None = None,
    threads: int | None = None,
) -> BiasModel:
    """Train a bias model.

    Args:
        ratings: from load_ratings or Ratings.from_ids.
        method: gd, adam, closed-form or exact.
        epochs: the most updates to make; by default the method's own number.
        learning_rate: of gd or adam; by default the method's own.
        penalty: mean or sum, the scale that the λ's are given on; by default the method's own.
        lambda_user: regularisation of the users' biases, 0 or more; by default the method's own,
            which exact learns from the ratings.
        lambda_item: of the items', alike.
        tolerance: stop once the cost's relative change in an epoch is at most this.
        threads: how many work at a time; by default one for each core. Never changes a bit.

    Raises:
        OptionError: an option is out of range, or the method does not have it.
        DivergenceError: the method moved away from the optimum.
    """
    chosen = make_method(method, learning_rate)
    lambdas = chosen_lambdas(chosen, lambda_user, lambda_item)
    setting = Setting(chosen, penalty or chosen.default_penalty, lambdas, epochs, tolerance)
    model, _ = fit_setting(BlockIncidence(ratings, threads), setting, ratings)
    return model


@dataclass(frozen=True, slots=True)
class Setting:
    """How to train.

    Args:
        method: with its options.
        scale: that the λ's are given on.
        lambdas: None to learn them.
        epochs: the most updates to make; by default the method's own number.
        tolerance: see train.
    """

    method: Method
    scale: PenaltyScale | str
    lambdas: Lambdas
    epochs: int | None = None
    tolerance: float | None = None


def fit_setting(
    incidence: Incidence, setting: Setting, ratings: Ratings
) -> tuple[BiasModel, Learned | None]:
    """Train on the incidence of these ratings; the model, and what was learned of λ.

    Raises:
        OptionError, DataError, DivergenceError: see fit.
    """
    cost_penalty, learned = penalty_for(incidence, setting.scale, setting.lambdas)
    problem = Problem(incidence, cost_penalty)
    epochs = train(setting.method, problem, epochs=setting.epochs, tolerance=setting.tolerance)
    [(_, last)] = deque(epochs, maxlen=1)
    known = uncertainty_of(setting.method, problem, last, learned)
    model = to_model(last, incidence.statistics, ratings.user_ids, ratings.item_ids)
    return replace(model, uncertainty=known), learned


def uncertainty_of(
    method: Method, problem: Problem, at: Parameters, learned: Learned | None
) -> Uncertainty | None:
    """How well the biases of an optimum are known; None for methods that stop before it.

    σ² is the learned one or, at λ's that were given, J/(n - 1). None too where a λ is 0, so that
    a prior is without bounds.
    """
    penalty, s = problem.penalty, problem.statistics
    if not ends_by_itself(method) or penalty.user == 0 or penalty.item == 0 or s.n_ratings < 2:
        return None
    if not certify(problem, at).is_optimum:
        return None
    if learned is not None:
        variance = learned.components.sigma**2
        return error_bars(problem.incidence, penalty, variance, learned.inverse)
    squared_error = problem.squared_error(at, problem.error_sums(at))
    variance = problem.cost(at, squared_error) / (s.n_ratings - 1)
    return error_bars(problem.incidence, penalty, variance) if variance > 0 else None


def chosen_lambdas(method: Method, user: float | None, item: float | None) -> Lambdas:
    """The λ's that were given, those that were not at the method's default.

    Raises:
        OptionError: one is given, and the method would learn the other.
    """
    default = method.default_lambda
    if default is None and (user is None) != (item is None):
        raise OptionError(
            f"{method.name} learns both lambdas or none: give lambda-user and lambda-item."
        )
    if user is None and item is None and default is None:
        return None
    both = 0.0 if default is None else default
    return both if user is None else user, both if item is None else item
