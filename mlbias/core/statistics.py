"""What the model needs to know of the ratings: sufficient statistics and two products."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from mlbias.core.compact import Column
from mlbias.core.passes import in_order, pieces
from mlbias.core.ratings import Codes
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError

_PIECE = 1 << 17


@dataclass(frozen=True, slots=True)
class Statistics:
    """Sufficient statistics of ratings, measured from a center near their mean.

    With the products of an Incidence they determine every update, the cost and the RMSE.

    Args:
        n_ratings: number of ratings, n.
        center: what was subtracted from every rating: the mean rounded to a coarse binary grid,
            so that sums of half stars are exact in float64 in any order.
        total: sum of the centered ratings, Σr.
        squares: sum of the squared centered ratings, Σr².
        low, high: the lowest and the highest rating, as they are.
        user_counts, item_counts: (n_users,) and (n_items,) ratings of each, c_u and c_i.
        user_sums, item_sums: centered ratings of each added up, R_u and R_i, same shapes.
        weights: (n_users,) of each user's ratings, where not all are 1: then every count, sum and
            square above is of weighted ratings. Their mean over ratings is 1.
    """

    n_ratings: int
    center: float
    total: float
    squares: float
    low: float
    high: float
    user_counts: FloatArray
    item_counts: FloatArray
    user_sums: FloatArray
    item_sums: FloatArray
    weights: FloatArray | None = None

    @property
    def n_users(self) -> int:
        """Distinct users among the ratings."""
        return len(self.user_counts)

    @property
    def n_items(self) -> int:
        """Distinct items among the ratings."""
        return len(self.item_counts)

    @property
    def mean(self) -> float:
        """Mean of the centered ratings, not weighted; add the center for the mean in stars."""
        if self.weights is None:
            return self.total / self.n_ratings
        return float((self.user_sums / self.weights).sum()) / self.n_ratings

    @property
    def mean_rmse(self) -> float:
        """RMSE of predicting the mean of ratings without weights."""
        return math.sqrt(max(self.squares - self.total * self.mean, 0.0) / self.n_ratings)


class Incidence(Protocol):
    """The users × items matrix A with a 1 for each rating, seen through its two products.

    An implementation holds A where it likes: in memory, on disk, on many machines. The same
    input gives the same bits on any number of threads. Both products also take several vectors at
    once, one a row: (k, n_items) gives (k, n_users) and the other way round. That costs less than
    k single products. Every member is mandatory.
    """

    @property
    def statistics(self) -> Statistics:
        """The sufficient statistics of the same ratings."""
        ...

    def per_user(self, item_bias: FloatArray) -> FloatArray:
        """A·b_item: for each user the sum over their ratings of the items' biases, (n_users,)."""
        ...

    def per_item(self, user_bias: FloatArray) -> FloatArray:
        """Aᵀ·b_user: for each item the sum over its ratings of the users' biases, (n_items,)."""
        ...

    def both(
        self,
        item_bias: FloatArray,
        user_bias: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """A·b_item and Aᵀ·(b_user + w·A·b_item) in one pass over the ratings.

        Args:
            item_bias: (n_items,), or several vectors, a row each.
            user_bias: (n_users,), or as many rows; None for 0.
            weights: (n_users,), w; None for 0. At least one of the two is given.
        """
        ...

    def rated_per_user(self, item_bias: FloatArray) -> FloatArray:
        """R·b_item, where R has the centered ratings in the place of A's ones, (n_users,)."""
        ...

    def rated_per_item(self, user_bias: FloatArray) -> FloatArray:
        """Rᵀ·b_user, (n_items,)."""
        ...

    def squares_per_user(self) -> FloatArray:
        """Each user's centered ratings squared and added up, (n_users,)."""
        ...

    def repeated_pairs(self) -> tuple[Codes, Codes, FloatArray]:
        """Users and items of pairs with several ratings, (k,) each, and how many they have."""
        ...

    def components(self) -> tuple[Codes, Codes]:
        """The connected component of each user (n_users,) and of each item (n_items,), from 0."""
        ...

    def at_hand(self) -> "Incidence":
        """The same with all ratings in the memory of this process, where there are few of them."""
        ...


def range_and_mean(value: Column[np.floating[Any]]) -> tuple[float, float, float]:
    """The lowest, the highest and the mean of (n,) ratings; infinite where their sum overflows."""

    def summed(here: slice) -> tuple[float, float, float]:
        piece = value[here]
        with np.errstate(over="ignore"):
            return float(piece.min()), float(piece.max()), float(piece.sum(dtype=np.float64))

    low, high, sums = zip(*in_order(summed, pieces(len(value), _PIECE)), strict=True)
    return min(low), max(high), sum(sums) / len(value)


def center_of(value: Column[np.floating[Any]]) -> float:
    """The mean of (n,) ratings on a coarse binary grid: 1/64 of a star for 0.5 to 5 stars.

    The grid is a 256th of the range, rounded down to a power of two. What half stars are after
    this is subtracted, and their squares, are whole multiples of a power of two, so that float64
    adds them up without rounding.

    Raises:
        DataError: the sum of the ratings overflows.
    """
    low, high, mean = range_and_mean(value)
    return center_near(mean, low, high)


def center_near(mean: float, low: float, high: float) -> float:
    """The same from the mean of the ratings, the lowest and the highest.

    Raises:
        DataError: the sum of the ratings overflows.
    """
    if low == high:
        return low
    if not math.isfinite(mean) or not math.isfinite(high - low):
        raise DataError("the ratings are too large: their sum overflows.")
    _, exponent = math.frexp(high - low)
    grid = math.ldexp(1.0, exponent - 9)
    return round(mean / grid) * grid if grid > 0 and abs(mean / grid) < 2**53 else mean
