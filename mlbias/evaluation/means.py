"""The baselines below the bias model: means of all ratings, of each user's and of each item's."""

from collections.abc import Callable

import numpy as np

from mlbias.core.model import Parameters
from mlbias.core.statistics import Statistics
from mlbias.model import BiasModel, to_model
from mlbias.ratings import Ratings


def mean_model(statistics: Statistics, ratings: Ratings) -> BiasModel:
    """Predicts the mean of all ratings."""
    return _model(statistics, ratings)


def user_means(statistics: Statistics, ratings: Ratings) -> BiasModel:
    """Predicts the mean of the user's ratings, of an unknown user that of all."""
    s = statistics
    return _model(s, ratings, user=s.user_sums / s.user_counts - s.mean)


def item_means(statistics: Statistics, ratings: Ratings) -> BiasModel:
    """Predicts the mean of the item's ratings, of an unknown item that of all."""
    s = statistics
    return _model(s, ratings, item=s.item_sums / s.item_counts - s.mean)


MEANS: dict[str, Callable[[Statistics, Ratings], BiasModel]] = {
    "mean": mean_model,
    "user-means": user_means,
    "item-means": item_means,
}


def _model(
    statistics: Statistics,
    ratings: Ratings,
    user: np.ndarray | None = None,
    item: np.ndarray | None = None,
) -> BiasModel:
    no_users, no_items = np.zeros(statistics.n_users), np.zeros(statistics.n_items)
    at = Parameters(
        statistics.mean, no_users if user is None else user, no_items if item is None else item
    )
    return to_model(at, statistics, ratings.user_ids, ratings.item_ids)
