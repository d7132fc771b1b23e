"""The prior of the users' noise variances, from sums of squares and their degrees of freedom.

Of a user with σ_u², S_u/σ_u² has a χ² distribution with d_u degrees of freedom. With the prior
ν s²/σ_u² ~ χ²_ν, S_u/(d_u s²) has an F distribution with d_u and ν, whose likelihood is maximised
over ν and s² (G. K. Smyth, Linear models and empirical Bayes methods for assessing differential
expression in microarray experiments, Statistical Applications in Genetics and Molecular Biology 3,
2004, sections 3 and 6). Up to what does not depend on them, with k = ν/2,

    log L = Σ_u [ln Γ(k + d_u/2) - ln Γ(k) + k ln(ν s²) - (k + d_u/2) ln(ν s² + S_u)]

Some people give nearly every item the same rating. Their S_u is next to 0, as they do not respond
to items, and with full weight they would pull the items' biases to 0. So the prior and the weights
take S_u for at least what a quarter of the pooled variance gives, unless chance explains less. This
is winsorising as in B. Phipson and others, Robust hyperparameter estimation protects against
hypervariable genes, Annals of Applied Statistics 10, 2016.

If users do not differ, ν grows without bounds, where log L = Σ_u [-d_u/2 ln(2 s²) - S_u/(2 s²)].
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import Codes
from mlbias.core.vectors import FloatArray

# Without a finite mean of σ_u² below 2, and at 10,000 hardly to be told from infinity.
_LEAST, _MOST = 2.5, 1e4
# Of twice the gain in log L: 1 in 1,000 draws of users that do not differ exceeds it, since half of
# them gain nothing (S. G. Self, K.-Y. Liang, Journal of the American Statistical Association 82,
# 1987, case 5).
_SIGNIFICANT = 9.55
# Of the pooled variance, the least that a user is taken for ...
_LEAST_SHARE = 0.25
# ... if less than that happens by chance this rarely.
_CHANCE = 0.01


@dataclass(frozen=True, slots=True)
class NoisePrior:
    """ν s²/σ_u² ~ χ²_ν.

    Attributes:
        freedom: ν; infinite where users do not differ, so that σ_u² is s² for all.
        variance: s², in squared units of the ratings.
    """

    freedom: float
    variance: float

    def precisions(self, squares: FloatArray, freedom: FloatArray) -> FloatArray:
        """Posterior means of 1/σ_u², from S_u and d_u, (n_users,): (ν + d_u)/(ν s² + S_u)."""
        if self.freedom == math.inf:
            return np.full_like(squares, 1 / self.variance)
        return (self.freedom + freedom) / (self.freedom * self.variance + squares)

    def variances(self, squares: FloatArray, freedom: FloatArray) -> FloatArray:
        """Posterior means of σ_u², (n_users,): (ν s² + S_u)/(ν + d_u - 2)."""
        if self.freedom == math.inf:
            return np.full_like(squares, self.variance)
        return (self.freedom * self.variance + squares) / (self.freedom + freedom - 2)

    @property
    def mean(self) -> float:
        """Prior mean of σ_u², which is that of an unknown user: ν s²/(ν - 2)."""
        if self.freedom == math.inf:
            return self.variance
        return self.freedom * self.variance / (self.freedom - 2)


@dataclass(frozen=True, slots=True)
class UserNoise:
    """How much each user's ratings scatter.

    Attributes:
        prior: of σ_u².
        variances: (n_users,), posterior means of σ_u².
        freedom: (n_users,), posterior degrees of freedom, ν + d_u.
    """

    prior: NoisePrior
    variances: FloatArray
    freedom: FloatArray

    def at(self, users: NDArray[np.integer[Any]]) -> "UserNoise":
        """Of the users at these positions."""
        return UserNoise(self.prior, self.variances[users], self.freedom[users])

    def without(self, user: Codes, share: FloatArray) -> FloatArray:
        """Posterior means of σ_u² for (k,) ratings of these users, each without the rating itself.

        Without it S_u is less by its ``share`` e²/(1 - h), (k,), and d_u by 1.
        """
        prior = self.prior
        if prior.freedom == math.inf:
            return self.variances[user]
        freedom = self.freedom[user]
        of_prior = prior.freedom * prior.variance
        squares = np.maximum(self.variances[user] * (freedom - 2) - share, of_prior)
        return np.asarray(squares / (np.maximum(freedom - 1, prior.freedom) - 2))


def winsorised(squares: FloatArray, freedom: FloatArray) -> FloatArray:
    """S_u, (n_users,), raised where it is too small for its d_u."""
    from scipy.special import chdtri  # takes a moment to import

    together = float(squares.sum()) / float(freedom.sum())
    by_chance = chdtri(np.maximum(freedom, 1e-3), 1 - _CHANCE)
    least = together * np.minimum(_LEAST_SHARE * freedom, by_chance)
    return np.asarray(np.maximum(squares, least))


def fit_prior(
    squares: FloatArray, freedom: FloatArray, start: NoisePrior | None = None
) -> NoisePrior:
    """The maximum of the likelihood, or ν infinite where that is as good.

    Args:
        squares: (n_users,), S_u.
        freedom: (n_users,), d_u, 0 or more.
        start: a prior that is near.
    """
    from scipy.optimize import minimize  # takes a moment to import

    together = float(squares.sum()) / float(freedom.sum())
    alone = NoisePrior(math.inf, together)
    if not together > 0:
        return alone
    begin = start if start is not None and start.freedom < math.inf else NoisePrior(8.0, together)
    low, high = math.log(_LEAST), math.log(_MOST)
    first = [math.log(begin.freedom), math.log(begin.variance / together)]
    # Measured in the pooled variance, so that the scale of the ratings does not matter.
    shares = squares / together
    found = minimize(
        lambda at: _loss(at, shares, freedom), first, jac=True, method="L-BFGS-B",
        bounds=[(low, high), (-20.0, 20.0)], options={"ftol": 1e-12, "gtol": 1e-7},
    )  # fmt: skip
    at_infinity = float((freedom * (math.log(2.0) + 1)).sum()) / 2
    if 2 * (at_infinity - float(found.fun) * _n(freedom)) < _SIGNIFICANT:
        return alone
    return NoisePrior(math.exp(found.x[0]), together * math.exp(found.x[1]))


def _n(freedom: FloatArray) -> int:
    return max(len(freedom), 1)


def _loss(at: FloatArray, squares: FloatArray, freedom: FloatArray) -> tuple[float, FloatArray]:
    """-log L a user at (log ν, log s²), and its gradient."""
    from scipy.special import digamma, gammaln

    nu, variance = math.exp(at[0]), math.exp(at[1])
    k, scale = nu / 2, nu * variance
    both, whole = k + freedom / 2, scale + squares
    log_whole = np.log(whole)
    value = gammaln(both) - gammaln(k) + k * math.log(scale) - both * log_whole
    of_scale = k - both * scale / whole  # by log(ν s²)
    of_k = k * (digamma(both) - digamma(k) + math.log(scale) - log_whole)
    gradient = np.array([float((of_k + of_scale).sum()), float(of_scale.sum())])
    return -float(value.sum()) / _n(freedom), -gradient / _n(freedom)
