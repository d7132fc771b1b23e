"""From ratings and options to a trained model: what the command line and Python share."""

from collections import deque

from mlbias.core.incidence import BlockIncidence
from mlbias.core.methods import DEFAULT_METHOD, make_method
from mlbias.core.model import DEFAULT_LAMBDA, BiasModel, Parameters, Penalty, PenaltyScale, Problem
from mlbias.core.ratings import Ids, Ratings
from mlbias.core.statistics import Statistics
from mlbias.core.training import train


def fit(
    ratings: Ratings,
    method: str = DEFAULT_METHOD,
    *,
    epochs: int | None = None,
    learning_rate: float | None = None,
    penalty: PenaltyScale | str | None = None,
    lambda_user: float = DEFAULT_LAMBDA,
    lambda_item: float = DEFAULT_LAMBDA,
    tolerance: float | None = None,
    threads: int | None = None,
) -> BiasModel:
    """Train a bias model.

    Args:
        ratings: from load_ratings or Ratings.from_ids.
        method: gd, adam or closed-form.
        epochs: the most updates to make; by default the method's own number.
        learning_rate: of gd or adam; by default the method's own.
        penalty: mean or sum, the scale that the λ's are given on; by default the method's own.
        lambda_user: regularisation of the users' biases, 0 or more.
        lambda_item: of the items', alike.
        tolerance: stop once the cost's relative change in an epoch is at most this.
        threads: how many work at a time; by default one for each core. Never changes a bit.

    Raises:
        OptionError: an option is out of range, or the method does not have it.
        DivergenceError: the method moved away from the optimum.
    """
    chosen = make_method(method, learning_rate)
    incidence = BlockIncidence(ratings, threads)
    scale = penalty or chosen.default_penalty
    problem = Problem(
        incidence, Penalty.on_scale(scale, lambda_user, lambda_item, incidence.statistics)
    )
    [(_, last)] = deque(train(chosen, problem, epochs=epochs, tolerance=tolerance), maxlen=1)
    return to_model(last, incidence.statistics, ratings.user_ids, ratings.item_ids)


def to_model(
    parameters: Parameters, statistics: Statistics, user_ids: Ids, item_ids: Ids
) -> BiasModel:
    """The model of a state of training, in the ratings' own units and with these ids."""
    return BiasModel(
        alpha=parameters.alpha + statistics.center,
        user_bias=parameters.user_bias,
        item_bias=parameters.item_bias,
        user_ids=user_ids,
        item_ids=item_ids,
        mean=statistics.mean + statistics.center,
    )
