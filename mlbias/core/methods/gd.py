"""Gradient descent with a constant step, all parameters at once.

Along ∇J/(2n), the gradient of ½·MSE + ½(λ_u‖b_u‖² + λ_i‖b_i‖²)/n. With the error sums E:

    α   ← α   + η E/n
    b_u ← b_u + η (E_u - λ_u b_u)/n
    b_i ← b_i + η (E_i - λ_i b_i)/n
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from mlbias.core.methods.protocol import Iterate, check_option
from mlbias.core.model import DEFAULT_LAMBDA, Parameters, PenaltyScale, Problem


@dataclass(frozen=True, slots=True)
class GradientDescent:
    """Gradient descent. Two products an epoch; converges for steps below 2/L (see safe_step).

    Args:
        lr: step η along the gradient of half the mean cost, above 0.

    Example:
        >>> from mlbias import GradientDescent, Ratings, fit
        >>> ratings = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])
        >>> fit(ratings, GradientDescent(lr=0.5), epochs=5)
        <Fit: gd, RMSE 0.265725 after 5 epochs>
    """

    name: ClassVar[str] = "gd"
    default_epochs: ClassVar[int] = 100
    default_penalty: ClassVar[PenaltyScale] = PenaltyScale.MEAN
    default_lambda: ClassVar[float | None] = DEFAULT_LAMBDA
    descends: ClassVar[bool] = True
    ends_by_itself: ClassVar[bool] = False

    lr: float = 1.0

    def __post_init__(self) -> None:
        check_option("lr", self.lr, 0)

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """Yield the start, then the state after each step, until the caller has enough."""
        n = problem.statistics.n_ratings
        step = self.lr / n
        state = problem.start()
        while True:
            errors = problem.error_sums(state)
            yield Iterate(state, problem.squared_error(state, errors))
            user, item = problem.residual(state, errors)
            state = Parameters(
                state.alpha + step * errors.total,
                state.user_bias + step * user,
                state.item_bias + step * item,
            )

    def remedy(self, problem: Problem, /) -> str:
        """What to try after a divergence on this problem."""
        return (
            f"The largest step that is safe on these data is about {safe_step(problem):.3g}; "
            "try a learning rate (`lr`) below it."
        )


def safe_step(problem: Problem) -> float:
    """2/L, below which every step lowers the cost, L a bound on the curvature of J/(2n).

    L ≤ 1 + max c_u/n + max c_i/n + max(λ_u, λ_i)/n, the largest eigenvalues of the three blocks
    of the normal matrix over (α, b_u, b_i) and of the penalty, added up.
    """
    s, penalty = problem.statistics, problem.penalty
    finite = [value for value in (penalty.user, penalty.item) if value < math.inf]
    largest = s.user_counts.max() + s.item_counts.max() + max(finite, default=0.0)
    return float(2 / (1 + largest / s.n_ratings))
