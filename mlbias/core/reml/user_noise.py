"""A noise of its own for each user, by empirical Bayes: r = α + b_u + b_i + σ_u ε.

Ratings count with the weights w_u = σ²/σ_u², σ² such that their mean over ratings is 1. At given
weights everything is as before (core/weighted.py), and with e the errors of the optimum and h the
leverages,

    E Σ_u e² = σ_u² d_u,   d_u = Σ_u (1 - h)

exactly, whatever σ_u is, as long as the weights are right. So a round takes S_u = Σ_u e² and d_u at
the optimum, fits the prior to them (noise_prior.py), and weights by the posterior mean of 1/σ_u².
The λ's are learned under the weights. What is approximate: σ_u² is not integrated over, but the
biases are fitted as if the weights were known; and S_u/σ_u² is taken to be χ², which it is where a
user's errors are independent.
"""

import math
from dataclasses import dataclass

import numpy as np

from mlbias.core.model import Penalty
from mlbias.core.reml.estimate import check_noise
from mlbias.core.reml.exact_inverse import ExactInverse, exact_inverse
from mlbias.core.reml.identifiable import check_identified
from mlbias.core.reml.learn import Learned, learn_by
from mlbias.core.reml.likelihood import Point
from mlbias.core.reml.noise_prior import NoisePrior, fit_prior
from mlbias.core.reml.posterior import Posterior, inverse_at, posterior
from mlbias.core.reml.probed_estimate import rough_estimate
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray
from mlbias.core.weighted import WeightedIncidence, squared_errors_per_user

_MOST_ROUNDS = 10
# In standard errors of the λ's, on the way.
_COARSE = 0.3
# The largest relative change of a weight that is none.
_SAME = 0.01


@dataclass(frozen=True, slots=True)
class UserNoise:
    """How much each user's ratings scatter.

    Attributes:
        prior: of σ_u².
        variances: (n_users,), posterior means of σ_u².
        rounds: of reweighting; 0 where users do not differ.
    """

    prior: NoisePrior
    variances: FloatArray
    rounds: int


@dataclass(frozen=True, slots=True)
class _Scatter:
    """S_u and d_u, (n_users,) each, at an optimum."""

    squares: FloatArray
    freedom: FloatArray

    @property
    def both(self) -> tuple[FloatArray, FloatArray]:
        """As the prior takes them."""
        return self.squares, self.freedom


def learn_user_noise(incidence: Incidence) -> tuple[Incidence, Learned, UserNoise]:
    """The weighted ratings, what is learned of the λ's there, and the users' noise.

    Where users do not differ the ratings are as they were, and so are the λ's.

    Raises:
        DataError: the ratings do not tell the components apart.
    """
    check_identified(incidence)
    exact, squares = exact_inverse(incidence), incidence.squares_per_user()
    weighted, way, prior, rounds, change = incidence, exact, None, 0, math.inf
    estimate = check_noise(rough_estimate(incidence))
    while change > _SAME and rounds < _MOST_ROUNDS:
        found = _scatter(incidence, squares, weighted, estimate.point, way)
        prior = fit_prior(found.squares, found.freedom, prior)
        if prior.freedom == math.inf:
            learned = learn_by(incidence, exact, estimate)
            prior = NoisePrior(math.inf, learned.components.sigma**2)
            return incidence, learned, UserNoise(prior, prior.variances(*found.both), 0)
        before = weighted.statistics.weights
        weighted = WeightedIncidence(incidence, prior.precisions(*found.both), squares)
        change = _change(before, weighted.statistics.weights)
        way = None if exact is None else exact.weighted(weighted.statistics)
        estimate = check_noise(rough_estimate(weighted, estimate, _COARSE))
        rounds += 1
    assert prior is not None
    noise = UserNoise(prior, prior.variances(*found.both), rounds)
    return weighted, learn_by(weighted, way, estimate), noise


def _change(before: FloatArray | None, after: FloatArray | None) -> float:
    """The largest relative change of a weight."""
    if before is None or after is None:
        return math.inf
    return float(np.abs(after / before - 1).max())


def _scatter(
    incidence: Incidence, squares: FloatArray, weighted: Incidence, at: Point,
    way: ExactInverse | None,
) -> _Scatter:  # fmt: skip
    """At an optimum of the weighted ratings."""
    known = posterior(weighted, at.penalty, inverse_at(way, at.penalty))
    errors = squared_errors_per_user(incidence, squares, at.optimum.parameters)
    freedom = incidence.statistics.user_counts - leverage_sums(weighted, at.penalty, known)
    return _Scatter(errors, np.maximum(freedom, 0.0))


def leverage_sums(incidence: Incidence, penalty: Penalty, known: Posterior) -> FloatArray:
    """The leverages of each user's ratings added up, (n_users,); costs a product.

    Row u of M⁻¹ M = 1 gives what the pairs contribute: with the weighted counts c and matrix A,
    Σ_i A_ui (M⁻¹)_ui = 1 - c_u (M⁻¹)_αu - (c_u + λ_u) (M⁻¹)_uu.
    """
    counts = incidence.statistics.user_counts
    sums = counts * known.alpha + incidence.per_user(2 * known.alpha_item + known.item)
    if penalty.user == math.inf:
        return sums
    return np.asarray(sums + 2 - (counts + 2 * penalty.user) * known.user)
