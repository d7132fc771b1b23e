"""The model computed the slow way, rating by rating: what the core is held against.

Nothing here may import mlbias.core but for the Ratings it is given.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.ratings import Ratings

FloatArray = NDArray[np.float64]


@dataclass
class Row:
    """One epoch, in the ratings' own units."""

    rmse: float
    cost: float
    alpha: float
    user_bias: FloatArray
    item_bias: FloatArray


class Loops:
    """Per-rating updates as the lecture page writes them, with λ's on the scale of sums."""

    def __init__(self, ratings: Ratings, lambda_user: float, lambda_item: float) -> None:
        self.user, self.item = ratings.user, ratings.item
        self.value = ratings.value.astype(np.float64)
        self.n = len(self.value)
        self.lambda_user, self.lambda_item = lambda_user, lambda_item
        self.alpha = float(self.value.mean())
        self.user_bias = np.zeros(len(ratings.user_ids))
        self.item_bias = np.zeros(len(ratings.item_ids))

    def errors(self) -> FloatArray:
        """Rating minus prediction, of each."""
        predicted = self.alpha + self.user_bias[self.user] + self.item_bias[self.item]
        return np.asarray(self.value - predicted)

    def row(self) -> Row:
        errors = self.errors().tolist()
        sse = math.fsum(error * error for error in errors)
        penalty = self.lambda_user * math.fsum(b * b for b in self.user_bias.tolist())
        penalty += self.lambda_item * math.fsum(b * b for b in self.item_bias.tolist())
        rmse = math.sqrt(sse / self.n)
        return Row(rmse, sse + penalty, self.alpha, self.user_bias, self.item_bias)

    def gd(self, lr: float) -> Iterator[Row]:
        while True:
            yield self.row()
            errors = self.errors()
            g_user = -np.bincount(self.user, errors, len(self.user_bias)) / self.n
            g_item = -np.bincount(self.item, errors, len(self.item_bias)) / self.n
            g_user = g_user + self.lambda_user * self.user_bias / self.n
            g_item = g_item + self.lambda_item * self.item_bias / self.n
            self.alpha -= lr * -float(errors.mean())
            self.user_bias = self.user_bias - lr * g_user
            self.item_bias = self.item_bias - lr * g_item

    def closed_form(self) -> Iterator[Row]:
        n_users, n_items = len(self.user_bias), len(self.item_bias)
        while True:
            yield self.row()
            rest = self.value - self.user_bias[self.user] - self.item_bias[self.item]
            self.alpha = float(rest.mean())
            rest = self.value - self.alpha - self.item_bias[self.item]
            counts = np.bincount(self.user, minlength=n_users)
            self.user_bias = np.bincount(self.user, rest, n_users) / (counts + self.lambda_user)
            rest = self.value - self.alpha - self.user_bias[self.user]
            counts = np.bincount(self.item, minlength=n_items)
            self.item_bias = np.bincount(self.item, rest, n_items) / (counts + self.lambda_item)


def dense_optimum(ratings: Ratings, lambda_user: float, lambda_item: float) -> Row:
    """The minimum of the cost by the normal equations, every λ above 0."""
    loops = Loops(ratings, lambda_user, lambda_item)
    n_users, n_items = len(loops.user_bias), len(loops.item_bias)
    design = np.zeros((loops.n, 1 + n_users + n_items))
    design[:, 0] = 1
    design[np.arange(loops.n), 1 + loops.user] = 1
    design[np.arange(loops.n), 1 + n_users + loops.item] = 1
    ridge = np.diag([0.0] + [lambda_user] * n_users + [lambda_item] * n_items)
    solution = np.linalg.solve(design.T @ design + ridge, design.T @ loops.value)
    loops.alpha = float(solution[0])
    loops.user_bias = np.asarray(solution[1 : 1 + n_users])
    loops.item_bias = np.asarray(solution[1 + n_users :])
    return loops.row()


def exact_rmse(
    ratings: Ratings, alpha: float, user_bias: FloatArray, item_bias: FloatArray
) -> float:
    """RMSE in extended precision, errors formed and added one by one."""
    wide = np.longdouble
    predicted = wide(alpha) + user_bias.astype(wide)[ratings.user]
    errors = ratings.value.astype(wide) - (predicted + item_bias.astype(wide)[ratings.item])
    return float(np.sqrt(np.sum(errors * errors) / wide(len(errors))))
