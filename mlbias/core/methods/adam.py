"""Adam (Kingma & Ba, ICLR 2015, algorithm 1), in float64, on the cost J/n.

With gradient g over all parameters θ, and t counted from 1:

    m ← β₁ m + (1 - β₁) g
    v ← β₂ v + (1 - β₂) g²
    θ ← θ - η · m/(1 - β₁ᵗ) / (√(v/(1 - β₂ᵗ)) + ε)

α starts at its optimum, so that its first gradient is rounding noise, and Adam makes nearly a
full step η of any gradient that is not small beside ε = 1e-8. In float32 the noise is not, and α
is thrown off by a good part of η at once; in float64 it is, and α stays. Hence float64 throughout.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mlbias.core.methods.protocol import Iterate, check_option
from mlbias.core.model import DEFAULT_LAMBDA, Parameters, PenaltyScale, Problem
from mlbias.core.vectors import FloatArray


@dataclass(frozen=True, slots=True)
class Adam:
    """Adam. Two products an epoch; its cost rises now and then, even where it converges.

    Args:
        lr: step size η, in the ratings' units, above 0.
        beta1, beta2: decay rates of the two moments, in [0, 1).
        epsilon: added to the root of the second moment, above 0.

    Example:
        >>> from mlbias import Adam, Ratings, fit
        >>> ratings = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])
        >>> fit(ratings, Adam(lr=0.5), epochs=5)
        <Fit: adam, RMSE 0.586398 after 5 epochs>
    """

    name: ClassVar[str] = "adam"
    default_epochs: ClassVar[int] = 20
    default_penalty: ClassVar[PenaltyScale] = PenaltyScale.MEAN
    default_lambda: ClassVar[float | None] = DEFAULT_LAMBDA
    descends: ClassVar[bool] = False
    ends_by_itself: ClassVar[bool] = False

    lr: float = 0.3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_option("lr", self.lr, 0)
        for name, rate in (("beta1", self.beta1), ("beta2", self.beta2)):
            if rate != 0:
                check_option(name, rate, 0, 1)
        check_option("epsilon", self.epsilon, 0)

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """Yield the start, then the state after each step, until the caller has enough."""
        n = problem.statistics.n_ratings
        state = problem.start()
        theta = np.concatenate([[state.alpha], state.user_bias, state.item_bias])
        m, v = np.zeros_like(theta), np.zeros_like(theta)
        t = 0
        while True:
            errors = problem.error_sums(state)
            yield Iterate(state, problem.squared_error(state, errors))
            t += 1
            g = np.concatenate([[errors.total], *problem.residual(state, errors)]) * (-2 / n)
            m = self.beta1 * m + (1 - self.beta1) * g
            v = self.beta2 * v + (1 - self.beta2) * g * g
            corrected = np.sqrt(v * (1 / (1 - self.beta2**t))) + self.epsilon
            theta = theta - (self.lr / (1 - self.beta1**t)) * m / corrected
            state = _split(theta, len(state.user_bias))

    def remedy(self, _: Problem, /) -> str:
        """What to try after a divergence."""
        return f"Try a learning rate (`lr`) well below {self.lr:g}."


def _split(theta: FloatArray, n_users: int) -> Parameters:
    return Parameters(float(theta[0]), theta[1 : n_users + 1], theta[n_users + 1 :])
