"""The bias model r ≈ α + b_user + b_item and its cost (Koren, Bell & Volinsky 2009, eq. 1-2).

Y. Koren, R. Bell, C. Volinsky, Matrix factorization techniques for recommender systems, Computer
42(8), 2009. With errors e = r - α - b_u - b_i, every method lowers

    J = Σe² + λ_u ‖b_u‖² + λ_i ‖b_i‖²
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from mlbias.core.statistics import Incidence, Statistics
from mlbias.core.vectors import FloatArray, dot

# The source's λ, on whichever scale a method understands it.
DEFAULT_LAMBDA = 0.001


class PenaltyScale(StrEnum):
    """What a λ is multiplied with: the mean or the sum of the squared biases.

    MEAN is added to the mean squared error, as gd and adam of the lecture page do; SUM to the
    sum of squared errors, so that λ stands beside the counts, as its closed form does.

    Example:
        >>> from mlbias import PenaltyScale
        >>> PenaltyScale("sum") == PenaltyScale.SUM
        True
    """

    MEAN = "mean"
    SUM = "sum"


class Sizes(Protocol):
    """How many ratings there are, of how many users for how many items."""

    @property
    def n_ratings(self) -> int:
        """Ratings, n."""
        ...

    @property
    def n_users(self) -> int:
        """Distinct users."""
        ...

    @property
    def n_items(self) -> int:
        """Distinct items."""
        ...


@dataclass(frozen=True, slots=True)
class Penalty:
    """λ_u and λ_i of the cost J, on the scale of sums.

    An infinite λ holds its side's biases at exactly 0: they are no parameters then.

    Attributes:
        user: λ_u, 0 or more; math.inf where the users' biases are held at 0.
        item: λ_i, likewise.
    """

    user: float
    item: float

    @classmethod
    def on_scale(cls, scale: PenaltyScale, user: float, item: float, sizes: Sizes) -> "Penalty":
        """From λ's on either scale; a mean-scale λ is λ·n/n_users, or λ·n/n_items, in J."""
        if scale == PenaltyScale.SUM:
            return cls(user, item)
        n = sizes.n_ratings
        return cls(user * n / sizes.n_users, item * n / sizes.n_items)


@dataclass(frozen=True, slots=True)
class Parameters:
    """A state of training, in the problem's units: alpha is measured from the center.

    Args:
        alpha: general level, α.
        user_bias, item_bias: (n_users,) and (n_items,), b_u and b_i.
    """

    alpha: float
    user_bias: FloatArray
    item_bias: FloatArray


@dataclass(frozen=True, slots=True)
class ErrorSums:
    """Errors e = r - α - b_u - b_i added up: over all, (n_users,) per user, (n_items,) per item."""

    total: float
    user: FloatArray
    item: FloatArray


@dataclass(frozen=True, slots=True)
class Problem:
    """What a method is to minimise: J over the ratings behind an incidence."""

    incidence: Incidence
    penalty: Penalty

    @property
    def statistics(self) -> Statistics:
        """Of the incidence."""
        return self.incidence.statistics

    @property
    def right_side(self) -> ErrorSums:
        """R, R_u and R_i: the right-hand side of the normal equations."""
        s = self.statistics
        return ErrorSums(s.total, s.user_sums, s.item_sums)

    def start(self) -> Parameters:
        """The baseline: alpha at the mean, both biases zero."""
        s = self.statistics
        return Parameters(s.mean, np.zeros(s.n_users), np.zeros(s.n_items))

    def error_sums(self, at: Parameters) -> ErrorSums:
        """E, E_u and E_i, for one pass; for none while the biases are zero.

        E_u = R_u - c_u (α + b_u) - A·b_i, and E_i likewise.
        """
        s = self.statistics
        user = s.user_sums - s.user_counts * (at.alpha + at.user_bias)
        item = s.item_sums - s.item_counts * (at.alpha + at.item_bias)
        if at.item_bias.any() or at.user_bias.any():
            of_items, of_users = self.incidence.both(at.item_bias, at.user_bias)
            user, item = user - of_items, item - of_users
        return ErrorSums(float(user.sum()), user, item)

    def squared_error(self, at: Parameters, errors: ErrorSums, shared: float = 0.0) -> float:
        """Σe² from the statistics and the error sums, without a pass over ratings.

        Args:
            at: the state whose errors these are.
            errors: E, E_u and E_i; E_u without its term A·b_i if ``shared`` is given.
            shared: b_uᵀA b_i, where E_u lacks its term.

        Σe² = Σ e (r - α - b_u - b_i) = Σe r - αE - b_u·E_u - b_i·E_i, where
        Σe r = Σr² - αΣr - b_u·R_u - b_i·R_i. Rounding may take a perfect fit a hair below 0;
        it is returned as 0.
        """
        s = self.statistics
        sse = (
            (s.squares - at.alpha * (s.total + errors.total))
            - dot(at.user_bias, s.user_sums + errors.user)
            - dot(at.item_bias, s.item_sums + errors.item)
            + shared
        )
        # Written so that NaN stays NaN.
        return 0.0 if sse < 0 else sse

    def residual(self, at: Parameters, errors: ErrorSums) -> tuple[FloatArray, FloatArray]:
        """E_u - λ_u b_u and E_i - λ_i b_i: minus half of J's gradient for the biases.

        0 for a side whose λ is infinite: it has no equations.
        """
        return (
            _residual(self.penalty.user, at.user_bias, errors.user),
            _residual(self.penalty.item, at.item_bias, errors.item),
        )

    def cost(self, at: Parameters, squared_error: float) -> float:
        """J = Σe² + λ_u‖b_u‖² + λ_i‖b_i‖²."""
        return (
            squared_error
            + penalty_term(self.penalty.user, at.user_bias)
            + penalty_term(self.penalty.item, at.item_bias)
        )


def penalty_term(penalty: float, bias: FloatArray) -> float:
    """λ‖b‖²; 0 where λ is infinite, because b is 0."""
    return 0.0 if penalty == math.inf else penalty * dot(bias, bias)


def _residual(penalty: float, bias: FloatArray, errors: FloatArray) -> FloatArray:
    return np.zeros_like(errors) if penalty == math.inf else errors - penalty * bias
