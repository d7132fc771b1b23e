"""Closed form: each group of parameters to its own optimum in turn, the others held.

Setting the derivative of J for one group to zero gives, in this order,

    α   ← Σ(r - b_u - b_i) / n
    b_u ← Σ_{ratings of u} (r - α - b_i) / (c_u + λ_u)
    b_i ← Σ_{ratings of i} (r - α - b_u) / (c_i + λ_i), with the new b_u
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mlbias.core.methods.protocol import Iterate
from mlbias.core.model import DEFAULT_LAMBDA, ErrorSums, Parameters, PenaltyScale, Problem
from mlbias.core.vectors import divide_or_zero, dot


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """Block coordinate descent. One pass an epoch, its report included; cannot overshoot.

    Example:
        >>> from mlbias import ClosedForm, Ratings, fit
        >>> ratings = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])
        >>> fit(ratings, ClosedForm(), epochs=5)
        <Fit: closed-form, RMSE 0.000559 after 5 epochs>
    """

    name: ClassVar[str] = "closed-form"
    default_epochs: ClassVar[int] = 10
    default_penalty: ClassVar[PenaltyScale] = PenaltyScale.SUM
    default_lambda: ClassVar[float | None] = DEFAULT_LAMBDA
    descends: ClassVar[bool] = True
    ends_by_itself: ClassVar[bool] = False

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """Yield the start, then the state after each sweep, until the caller has enough."""
        s, incidence = problem.statistics, problem.incidence
        user_weight = s.user_counts + problem.penalty.user
        item_weight = s.item_counts + problem.penalty.item
        user_share = divide_or_zero(np.ones(s.n_users), user_weight)
        state = problem.start()
        yield Iterate(state, problem.squared_error(state, problem.error_sums(state)))
        while True:
            explained = dot(s.user_counts, state.user_bias) + dot(s.item_counts, state.item_bias)
            alpha = (s.total - explained) / s.n_ratings
            user_rest = s.user_sums - s.user_counts * alpha
            item_rest = s.item_sums - s.item_counts * alpha

            # One pass has both products: b_user is linear in A·b_item.
            without = user_rest * user_share
            of_items, of_users = incidence.both(state.item_bias, without, -user_share)
            user_bias = without - user_share * of_items
            item_bias = divide_or_zero(item_rest - of_users, item_weight)

            state = Parameters(alpha, user_bias, item_bias)
            item_errors = item_rest - of_users - s.item_counts * item_bias
            errors = ErrorSums(
                total=float(item_errors.sum()),
                user=user_rest - s.user_counts * user_bias,
                item=item_errors,
            )
            # The users' errors lack A·b_item, a third product; their share is b_item·Aᵀb_user.
            shared = dot(item_bias, of_users)
            yield Iterate(state, problem.squared_error(state, errors, shared))

    def remedy(self, _: Problem, /) -> str:
        """What to try after a divergence, which only numbers near overflow can bring about."""
        return "The ratings or the penalty are out of the range of float64; scale them."
