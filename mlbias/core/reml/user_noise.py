"""A noise of its own for each user, by empirical Bayes: r = α + b_u + b_i + σ_u ε.

Ratings count with the weights w_u = σ²/σ_u², σ² such that their mean over ratings is 1. At given
weights everything is as before (core/weighted.py), and with e the errors of the optimum and h the
leverages,

    E Σ_u e² = σ_u² d_u,   d_u = Σ_u (1 - h)

exactly, whatever σ_u is, as long as the weights are right. So a round takes S_u = Σ_u e² and d_u at
the optimum, fits the prior to them (noise_prior.py), and weights by the posterior mean of 1/σ_u².
The λ's are learned under the weights. Where these predict worse than one σ for all does, as happens
if many users do not respond to items, one σ it is. What is approximate: σ_u² is not integrated
over, but the biases are fitted as if the weights were known; and S_u/σ_u² is taken to be χ², which
it is where a user's errors are independent.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from mlbias.core.model import Penalty
from mlbias.core.reml.estimate import check_noise
from mlbias.core.reml.exact_inverse import ExactInverse, exact_inverse
from mlbias.core.reml.identifiable import check_identified
from mlbias.core.reml.learn import Learned, learn_by
from mlbias.core.reml.likelihood import Point
from mlbias.core.reml.noise_prior import NoisePrior, UserNoise, fit_prior, winsorised
from mlbias.core.reml.pairs import at_hand
from mlbias.core.reml.posterior import Posterior, inverse_at, posterior
from mlbias.core.reml.probed_estimate import rough_estimate
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray, divide_or_zero, dot
from mlbias.core.weighted import WeightedIncidence, squared_errors_per_user

_MOST_ROUNDS = 10
# In standard errors of the λ's, on the way.
_COARSE = 0.3
# The largest relative change of a weight that is none.
_SAME = 0.01
# By this share of the squared error, users' noises may make predictions worse.
_HARM = 0.002


@dataclass(frozen=True, slots=True)
class _Scatter:
    """S_u and d_u, (n_users,) each, at an optimum."""

    squares: FloatArray
    freedom: FloatArray

    def prior(self, start: NoisePrior | None) -> NoisePrior:
        """What fits them best."""
        return fit_prior(winsorised(self.squares, self.freedom), self.freedom, start)

    def precisions(self, prior: NoisePrior) -> FloatArray:
        """Of each user."""
        return prior.precisions(winsorised(self.squares, self.freedom), self.freedom)

    def left_out(self, counts: FloatArray) -> float:
        """The squared error without each rating itself, nearly: all of a user's leverages alike."""
        share = divide_or_zero(counts, self.freedom)
        return dot(self.squares, share * share)

    def noise(self, prior: NoisePrior) -> UserNoise:
        """Of each user."""
        variances = prior.variances(self.squares, self.freedom)
        return UserNoise(prior, variances, prior.freedom + self.freedom)


def learn_user_noise(incidence: Incidence) -> tuple[Incidence, Learned, UserNoise]:
    """The weighted ratings, what is learned of the λ's there, and the users' noise.

    Where users do not differ, or their noises are no gain, the ratings are as they were, and so are
    the λ's.

    Raises:
        DataError: the ratings do not tell the components apart.
    """
    whole, incidence = incidence, at_hand(incidence)
    check_identified(incidence)
    exact, squares = exact_inverse(incidence), incidence.squares_per_user()
    one = estimate = check_noise(rough_estimate(incidence))
    first = found = _scatter(incidence, squares, incidence, one.point, exact)
    prior = found.prior(None)
    weighted: WeightedIncidence | None = None
    for _ in range(_MOST_ROUNDS):
        if prior.freedom == math.inf:
            break
        before = weighted
        weighted = WeightedIncidence(incidence, found.precisions(prior), squares)
        if before is not None and np.abs(weighted.weights / before.weights - 1).max() <= _SAME:
            break
        estimate = rough_estimate(weighted, estimate, _COARSE)
        if estimate.is_noiseless:
            break
        found = _scatter(incidence, squares, weighted, estimate.point, exact)
        prior = found.prior(prior)
    counts = incidence.statistics.user_counts
    is_harm = found.left_out(counts) > (1 + _HARM) * first.left_out(counts)
    if weighted is None or prior.freedom == math.inf or estimate.is_noiseless or is_harm:
        return whole, *_with_one(learn_by(incidence, exact, one), first)
    learned = learn_by(weighted, _weighted(exact, weighted), estimate)
    learned = _with_noise(learned, incidence, prior, weighted)
    return weighted.over(whole), learned, found.noise(prior)


def _with_one(learned: Learned, found: _Scatter) -> tuple[Learned, UserNoise]:
    """What one σ for all gives."""
    prior = NoisePrior(math.inf, learned.components.sigma**2)
    return replace(learned, noise=prior), found.noise(prior)


def _with_noise(
    learned: Learned, incidence: Incidence, prior: NoisePrior, weighted: WeightedIncidence
) -> Learned:
    """With the prior, and with the weights' share of the likelihood: ½ Σ c_u log w_u."""
    likelihood = learned.log_likelihood
    if likelihood is not None:
        likelihood += dot(incidence.statistics.user_counts, np.log(weighted.weights)) / 2
    return replace(learned, noise=prior, log_likelihood=likelihood)


def _weighted(exact: ExactInverse | None, incidence: Incidence) -> ExactInverse | None:
    """The way to M⁻¹ under the weights, if there are any."""
    s = incidence.statistics
    return exact if exact is None or s.weights is None else exact.weighted(s)


def _scatter(
    incidence: Incidence, squares: FloatArray, weighted: Incidence, at: Point,
    exact: ExactInverse | None,
) -> _Scatter:  # fmt: skip
    """At an optimum of the weighted ratings."""
    known = posterior(weighted, at.penalty, inverse_at(_weighted(exact, weighted), at.penalty))
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
