"""What other libraries' bias models compute, over the two products.

With the mean of the ratings as a fixed α, the libraries set, once or in turn,

    b_i <- Σ_i (r - α - b_u) / (c_i + λ_i),    b_u <- Σ_u (r - α - b_i) / (c_u + λ_u)

which is the minimum of the cost J over one side, the other held. None of them updates α, so that
none heads for the optimum of J in all three. Cornac's steps are one rating after the other, in
the order of rows, which no two products can say; it is a plain loop here.
"""

import numpy as np

from mlbias.core.model import Parameters
from mlbias.core.statistics import Incidence, center_of
from mlbias.core.vectors import FloatArray
from mlbias.ratings import Ratings


def alternating(
    incidence: Incidence,
    lambda_user: float,
    lambda_item: float,
    epochs: int,
    *,
    users_first: bool = False,
) -> Parameters:
    """So many epochs, items and then users in each, from biases of zero; α is the mean."""
    s = incidence.statistics
    user, item = np.zeros(s.n_users), np.zeros(s.n_items)

    def items(user: FloatArray) -> FloatArray:
        errors = s.item_sums - s.item_counts * s.mean - incidence.per_item(user)
        return errors / (s.item_counts + lambda_item)

    def users(item: FloatArray) -> FloatArray:
        errors = s.user_sums - s.user_counts * s.mean - incidence.per_user(item)
        return errors / (s.user_counts + lambda_user)

    for _ in range(epochs):
        if users_first:
            user = users(item)
            item = items(user)
        else:
            item = items(user)
            user = users(item)
    return Parameters(s.mean, user, item)


def surprise(incidence: Incidence) -> Parameters:
    """BaselineOnly's default, ALS with reg_u 15, reg_i 10 and 10 epochs, items first.

    scikit-surprise 1.1.5, surprise/prediction_algorithms/optimize_baselines.pyx, baseline_als.
    """
    return alternating(incidence, lambda_user=15, lambda_item=10, epochs=10)


def mymedialite(incidence: Incidence) -> Parameters:
    """UserItemBaseline's default: RegU 15, RegI 10 and NumIter 10, items first; in float32 there.

    MyMediaLite of 2012, RatingPrediction/UserItemBaseline.cs, Train. Sources of 2011
    do not set the sums to zero between iterations, so that each old bias is counted once more.
    """
    return alternating(incidence, lambda_user=15, lambda_item=10, epochs=10)


def lenskit(incidence: Incidence, damping: float = 0.0) -> Parameters:
    """BiasScorer: items and then users, once, damped not at all by default; in float32 there.

    lenskit 2025.8.1, lenskit/basic/bias.py, BiasModel.learn and BiasConfig.
    """
    return alternating(incidence, lambda_user=damping, lambda_item=damping, epochs=1)


def cornac(ratings: Ratings, steps: int = 20, rate: float = 0.01, reg: float = 0.02) -> Parameters:
    """BaselineOnly's SGD on one thread: b_u += rate·(e - reg·b_u) and b_i alike, row by row.

    cornac 3.0.1, cornac/models/baseline_only/recom_bo.pyx, _fit_sgd; in float32 there. The error
    e is taken before either step. Python's own floats are faster here than NumPy's one by one:
    7 million ratings a second.

    Args:
        ratings: in the order of the rows that Cornac reads.
        steps: times that it goes through all of them.
        rate: learning rate.
        reg: λ of both biases, once for each rating.
    """
    center = center_of(ratings.value)
    centered = ratings.value.astype(np.float64) - center
    alpha = float(centered.mean())
    user_bias, item_bias = [0.0] * len(ratings.user_ids), [0.0] * len(ratings.item_ids)
    residuals = (centered - alpha).tolist()
    rows = list(zip(ratings.user.tolist(), ratings.item.tolist(), residuals, strict=True))
    for _ in range(steps):
        for u, i, residual in rows:
            b_u, b_i = user_bias[u], item_bias[i]
            error = residual - b_u - b_i
            user_bias[u] = b_u + rate * (error - reg * b_u)
            item_bias[i] = b_i + rate * (error - reg * b_i)
    return Parameters(alpha, np.array(user_bias), np.array(item_bias))
