"""Biases of users and items that came after training, everything else held fixed.

Setting the derivative of J (model.py) for one bias to zero gives

    b = Σ(r - α - b_other) / (n + λ)

over its n ratings. Where users' noises differ, each rating counts with its weight. New users and
new items that rate each other are solved for together.
"""

import math
from collections import deque
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mlbias.core.equations.conjugate_gradients import State, conjugate_gradients, norm
from mlbias.core.model import Parameters, Penalty
from mlbias.core.ratings import Codes
from mlbias.core.vectors import FloatArray, divide_or_zero

_TOLERANCE = 1e-15


@dataclass(frozen=True, slots=True)
class NewRatings:
    """Ratings that came after training.

    Attributes:
        user, item: (n,) codes of the biases, old and new.
        value: (n,) in the ratings' units.
        is_new_user, is_new_item: (n_users,) and (n_items,), which biases are to be found.
        weight: (n,) with what each counts, 1 where all have the same noise.
    """

    user: Codes
    item: Codes
    value: FloatArray
    is_new_user: NDArray[np.bool_]
    is_new_item: NDArray[np.bool_]
    weight: FloatArray

    def residual(self, at: Parameters) -> FloatArray:
        """R - α - b_u - b_i of each, (n,)."""
        return self.value - at.alpha - at.user_bias[self.user] - at.item_bias[self.item]


def folded(at: Parameters, ratings: NewRatings, penalty: Penalty) -> Parameters:
    """The state with the new biases; those of ids that are not new stay.

    Args:
        at: alpha in the ratings' units, and all biases, 0 for the new ones.
        ratings: each new id has at least one.
        penalty: λ's on the scale of sums; a side whose λ is infinite stays at 0.
    """
    users, user_place = _free(ratings.is_new_user, penalty.user)
    items, item_place = _free(ratings.is_new_item, penalty.item)
    user, item = user_place[ratings.user], item_place[ratings.item]
    residual = ratings.weight * ratings.residual(at)
    n = len(users)
    right = np.concatenate([_sums(user, residual, n), _sums(item, residual, len(items))])
    diagonal = np.concatenate(
        [
            _sums(codes, ratings.weight, size) + (lambda_ if size else 0.0)
            for codes, size, lambda_ in ((user, n, penalty.user), (item, len(items), penalty.item))
        ]
    )
    among = (user >= 0) & (item >= 0)
    found = divide_or_zero(right, diagonal)
    if among.any():
        shape = n, len(items)
        weights = csr_array((ratings.weight[among], (user[among], item[among])), shape=shape)
        found = _together(weights, diagonal, right)
    user_bias, item_bias = at.user_bias.copy(), at.item_bias.copy()
    user_bias[users], item_bias[items] = found[:n], found[n:]
    return Parameters(at.alpha, user_bias, item_bias)


def refreshed(
    at: Parameters, ratings: NewRatings, penalty: Penalty, counts: tuple[FloatArray, FloatArray]
) -> Parameters:
    """The state with the known biases that have new ratings moved too, each alone.

    Training left Σ(r - α - b_other) = (n + λ) b over its own ratings, at the optimum; so the sum
    over all ratings is known without them.

    Args:
        at: the state with the new biases.
        ratings: as folded took them.
        penalty: likewise.
        counts: (n_users,) and (n_items,) training ratings of each, 0 for new ids.
    """
    residual = ratings.residual(at)
    moved = []
    for codes, bias, is_new, count, lambda_ in (
        (ratings.user, at.user_bias, ratings.is_new_user, counts[0], penalty.user),
        (ratings.item, at.item_bias, ratings.is_new_item, counts[1], penalty.item),
    ):
        if lambda_ == math.inf:
            moved.append(bias)
            continue
        weight = count + lambda_
        n = _sums(codes, None, len(bias))
        # Σ over the new ratings of r - α - b_other, which the residual lacks its own bias of.
        total = weight * bias + _sums(codes, residual, len(bias)) + n * bias
        moves = (n > 0) & ~is_new
        moved.append(np.where(moves, divide_or_zero(total, weight + n), bias))
    return Parameters(at.alpha, *moved)


def folded_stderr(before: FloatArray, counts: FloatArray, sigma: float) -> FloatArray:
    """Standard errors after (k,) further ratings each, everything else held fixed.

    1/s² = 1/s_before² + n/σ²; for a new id, whose s_before is the prior's, this is σ²/(n + λ).
    """
    precision = divide_or_zero(np.ones_like(before), before * before)
    after = 1 / np.sqrt(np.where(before > 0, precision, 1.0) + counts / sigma**2)
    return np.where((before > 0) & (counts > 0), after, before)


def _free(is_new: NDArray[np.bool_], lambda_: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which biases are to be found, and the place of each code among them, -1 for others."""
    free = np.flatnonzero(is_new) if lambda_ != math.inf else np.empty(0, np.intp)
    places = np.full(len(is_new), -1, np.intp)
    places[free] = np.arange(len(free))
    return free, places


def _sums(codes: NDArray[Any], values: FloatArray | None, size: int) -> FloatArray:
    """Sums of (n,) values by code, or numbers of them, (size,); a code of -1 does not count."""
    is_counted = codes >= 0
    weights = None if values is None else values[is_counted]
    return np.bincount(codes[is_counted], weights, size).astype(np.float64)


def _together(weights: Any, diagonal: FloatArray, right: FloatArray) -> FloatArray:
    """Solve [D_u W; Wᵀ D_i] x = right by conjugate gradients."""
    n, nothing = weights.shape[0], np.zeros(0)

    def product(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        coupled = np.concatenate([weights @ x[n:], weights.T @ x[:n]])
        return nothing, diagonal * x + coupled

    state = State(np.zeros_like(right), nothing, right)
    goal = np.asarray(_TOLERANCE * norm(right))
    states = chain([state], conjugate_gradients(product, diagonal, state, goal))
    (last,) = deque(states, maxlen=1)  # hundreds of steps, of which the others are not kept
    return last.x
