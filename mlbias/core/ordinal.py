"""Probabilities of the values of a rating scale: an ordered probit on the predictions.

Ratings are whole or half stars, not draws from a normal distribution. With a prediction μ, its
standard deviation s and a threshold τ_k between each value of the scale and the next,

    P(r ≤ v_k) = Φ((τ_k - μ)/(c s))

(P. McCullagh, Regression models for ordinal data, Journal of the Royal Statistical Society B 42,
1980, section 2). The thresholds and c are fitted by maximum likelihood to predictions that were
made without their rating. In a_k = τ_k/c and β = 1/c the log-likelihood is concave, so Newton's
method finds the maximum (J. W. Pratt, Concavity of the log likelihood, Journal of the American
Statistical Association 76, 1981).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.vectors import FloatArray, dot

MOST_VALUES = 100
_STEPS = 50
_HALVINGS = 30
# In log-probability per rating.
_TOLERANCE = 1e-10
_TINY, _RIDGE = 1e-300, 1e-9
# 1/c is at least this. It would be negative where predictions without their rating point the wrong
# way, as means of the other ratings do if nothing else is known.
_LEAST_SLOPE = 0.01

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class OrdinalScale:
    """The values that ratings take, and the thresholds between them.

    Attributes:
        values: (K,), ascending, two or more.
        thresholds: (K - 1,), τ, ascending, in the ratings' units.
        spread: c, by which the predictions' standard deviations are multiplied.
    """

    values: FloatArray
    thresholds: FloatArray
    spread: float

    def cumulative(self, predicted: FloatArray, std: FloatArray) -> FloatArray:
        """P(r ≤ v_k) for (n,) predictions with standard deviations: (n, K + 1), from 0 to 1."""
        from scipy.special import ndtr  # takes a moment to import

        found = np.empty((len(predicted), len(self.values) + 1))
        found[:, 0], found[:, -1] = 0.0, 1.0
        around = self.thresholds - predicted[:, None]
        found[:, 1:-1] = ndtr(around / (self.spread * std)[:, None])
        return found

    def probabilities(self, predicted: FloatArray, std: FloatArray) -> FloatArray:
        """The probability of each value, (n, K); each row adds up to 1."""
        return np.diff(self.cumulative(predicted, std), axis=1)

    def at_least(self, predicted: FloatArray, std: FloatArray, value: float) -> FloatArray:
        """The probability of a rating of at least a value, on the scale or not, (n,)."""
        from scipy.special import ndtr

        first = int(np.searchsorted(self.values, value))  # the lowest value that is enough
        if first in (0, len(self.values)):
            return np.full(len(predicted), float(first == 0))
        away = (predicted - self.thresholds[first - 1]) / (self.spread * std)
        return np.asarray(ndtr(away))

    def places(self, value: FloatArray) -> Places | None:
        """The index of each of (n,) ratings on the scale; None if one is not on it."""
        found = np.minimum(np.searchsorted(self.values, value), len(self.values) - 1)
        return found if (self.values[found] == value).all() else None


def rounded_normal(values: FloatArray) -> OrdinalScale:
    """The scale of a normal prediction that is rounded to the nearest value."""
    return OrdinalScale(values, (values[1:] + values[:-1]) / 2, 1.0)


def fit_scale(
    values: FloatArray, place: Places, predicted: FloatArray, std: FloatArray
) -> OrdinalScale:
    """The thresholds and c that maximise the likelihood.

    Each value counts as 1/K of a further rating at the mean prediction, so that a rare value keeps
    a probability and a maximum exists.

    Args:
        values: (K,), ascending, two or more.
        place: (n,), index of each rating among them.
        predicted: (n,), each rating's prediction without the rating itself.
        std: (n,), its standard deviation.
    """
    k = len(values)
    place = np.append(place, np.arange(k))
    predicted = np.append(predicted, np.full(k, predicted.mean()))
    std = np.append(std, np.full(k, std.mean()))
    weight = np.append(np.ones(len(place) - k), np.full(k, 1 / k))
    sample = _Sample(place, predicted / std, 1 / std, weight)
    start = np.append((values[1:] + values[:-1]) / 2, 1.0)
    at = _maximum(sample, start, k)
    if at[-1] < _LEAST_SLOPE:
        # The likelihood is concave, so the maximum under the bound is on it.
        at = _maximum(sample, np.append(start[:-1] * _LEAST_SLOPE, _LEAST_SLOPE), k - 1)
    return OrdinalScale(values, at[:-1] / at[-1], 1 / float(at[-1]))


def _maximum(sample: "_Sample", at: FloatArray, n_free: int) -> FloatArray:
    """The maximum over the first of the parameters, the others held, by Newton's method."""
    value = sample.value(at)
    for _ in range(_STEPS):
        gradient, hessian = (of[..., :n_free] for of in sample.derivatives(at))
        hessian = hessian[:n_free]
        # Where all predictions are equal, c and the thresholds cannot be told apart.
        ridge = _RIDGE * np.diag(np.diag(hessian))
        step = np.zeros_like(at)
        step[:n_free] = np.linalg.solve(hessian + ridge, gradient)
        for halving in range(_HALVINGS):
            after = at - step / 2**halving
            reached = sample.value(after)
            if reached > value:
                break
        else:
            break
        gained, at, value = reached - value, after, reached
        if gained <= _TOLERANCE * len(sample.place):
            break
    return at


@dataclass(frozen=True, slots=True)
class _Sample:
    """Ratings as the likelihood takes them, (n,) each.

    Attributes:
        place: index of the value.
        level: μ/s.
        precision: 1/s.
        weight: how much each rating counts.
    """

    place: Places
    level: FloatArray
    precision: FloatArray
    weight: FloatArray

    def value(self, at: FloatArray) -> float:
        """Log L at (a, β); -∞ where the thresholds do not ascend."""
        if not (np.diff(at[:-1]) > 0).all():
            return -np.inf
        return dot(self.weight, np.log(self._likelihoods(at)[0]))

    def derivatives(self, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The gradient (K,) and the Hessian (K, K), which is negative definite."""
        probability, upper, lower = self._likelihoods(at)
        k = len(at)
        of_upper, of_lower = _density(upper) / probability, -_density(lower) / probability
        # The first and last of K + 1 bins stand for thresholds that do not exist.
        up, low, precision, level = self.place + 1, self.place, self.precision, self.level
        second_upper = -_times(upper, of_upper) - of_upper**2
        second_lower = -_times(lower, of_lower) - of_lower**2
        mixed = -of_upper * of_lower

        def summed(bins: Places, values: FloatArray) -> FloatArray:
            return np.bincount(bins, self.weight * values, k + 1)[1:k].astype(np.float64)

        gradient, hessian = np.empty(k), np.zeros((k, k))
        gradient[:-1] = summed(up, of_upper * precision) + summed(low, of_lower * precision)
        gradient[-1] = -dot(self.weight, (of_upper + of_lower) * level)
        squared = precision * precision
        diagonal = summed(up, second_upper * squared) + summed(low, second_lower * squared)
        beside = summed(low, mixed * squared)[: k - 1]  # τ_k with τ_{k+1}
        edge = np.arange(k - 1)
        hessian[edge, edge] = diagonal
        hessian[edge[:-1], edge[1:]] = hessian[edge[1:], edge[:-1]] = beside[:-1]
        with_scale = -level * precision
        hessian[:-1, -1] = hessian[-1, :-1] = summed(
            up, (second_upper + mixed) * with_scale
        ) + summed(low, (second_lower + mixed) * with_scale)
        whole = second_upper + second_lower + 2 * mixed
        hessian[-1, -1] = dot(self.weight, whole * level * level)
        return gradient, hessian

    def _likelihoods(self, at: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """P of each rating's value, and the arguments of Φ above and below it."""
        from scipy.special import ndtr

        edges = np.concatenate([[-np.inf], at[:-1], [np.inf]])
        upper = edges[self.place + 1] * self.precision - at[-1] * self.level
        lower = edges[self.place] * self.precision - at[-1] * self.level
        # In the upper tail Φ rounds to 1, so differences of 1 - Φ are taken there.
        is_high = lower > 0
        one, other = np.where(is_high, -lower, upper), np.where(is_high, -upper, lower)
        return np.maximum(ndtr(one) - ndtr(other), _TINY), upper, lower


def _density(x: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))


def _times(x: FloatArray, density: FloatArray) -> FloatArray:
    """X times a density at x, 0 where x is infinite."""
    return np.where(np.isfinite(x), x, 0.0) * density
