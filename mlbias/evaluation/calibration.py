"""Whether predictions mean what they say: by their deciles, and by intervals around them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np

from mlbias.core.ordinal import OrdinalScale, rounded_normal
from mlbias.core.ratings import Codes, Values
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray

LEVELS = (0.5, 0.8, 0.9, 0.95)
_GROUPS = 10
_QUARTERS = 4
# Of a value that rounding leaves without any.
_LEAST_PROBABILITY = 1e-300


@dataclass(frozen=True, slots=True)
class Decile:
    """Ratings with similar predictions: how many, and the means of what was predicted and came."""

    n_ratings: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """How the model's own error bars stood the test.

    Args:
        coverage: shares of ratings inside the central intervals of LEVELS.
        log_likelihood: mean over ratings of the log density, natural logarithm.
        by_noise: where each user has a noise of their own, ratings of known users by quarters of
            these, the most consistent first.
    """

    coverage: tuple[float, ...]
    log_likelihood: float
    by_noise: tuple["NoiseQuarter", ...] = ()


@dataclass(frozen=True, slots=True)
class NoiseQuarter:
    """A quarter of the model's users by their noise, from ``low`` to ``high`` in rating units."""

    low: float
    high: float
    n_ratings: int
    coverage: tuple[float, ...]


def deciles(predicted: FloatArray, value: Values) -> tuple[Decile, ...]:
    """Tenths of (n,) predictions in their order, beside the ratings (n,); equal ones together."""
    cuts = np.quantile(predicted, np.arange(1, _GROUPS) / _GROUPS)
    group = np.searchsorted(cuts, predicted, side="right")
    counts = np.bincount(group, minlength=_GROUPS)
    totals = (np.bincount(group, of, _GROUPS) for of in (predicted, value))
    means = zip(counts.tolist(), *(total.tolist() for total in totals), strict=True)
    return tuple(Decile(n, own / n, seen / n) for n, own, seen in means if n)


class IntervalCheck:
    """Counts ratings inside the intervals of a model's uncertainty, piece by piece."""

    def __init__(self, uncertainty: Uncertainty) -> None:
        self._uncertainty = uncertainty
        self._reach = [NormalDist().inv_cdf((1 + level) / 2) for level in LEVELS]
        noise = uncertainty.user_noise
        # An unknown user, -1, is in a group of their own at the end.
        self._quarter = np.zeros(1, np.int64)
        self._edges = np.empty(0)
        if noise is not None:
            self._edges = np.quantile(noise, np.arange(5) / 4)
            own = np.searchsorted(self._edges[1:-1], noise, side="right")
            self._quarter = np.append(own, _QUARTERS)
        self._inside = np.zeros((len(LEVELS), _QUARTERS + 1))
        self._n, self._log_likelihood = np.zeros(_QUARTERS + 1), 0.0

    def add(self, user: Codes, item: Codes, errors: FloatArray) -> None:
        """(k,) positions of users and items in the model, -1 where unknown, and errors."""
        std = self._uncertainty.of_ratings(user, item)
        distance = np.abs(errors) / std
        is_one = len(self._quarter) == 1
        quarter = np.zeros(len(user), np.int64) if is_one else self._quarter[user]
        for k, reach in enumerate(self._reach):
            self._inside[k] += np.bincount(quarter, distance <= reach, _QUARTERS + 1)
        self._n += np.bincount(quarter, minlength=_QUARTERS + 1)
        log_density = -0.5 * distance * distance - np.log(std)
        self._log_likelihood += float(log_density.sum()) - 0.5 * len(errors) * math.log(math.tau)

    def result(self) -> Intervals:
        """Over all that were added."""
        n = float(self._n.sum())
        coverage = tuple((self._inside.sum(axis=1) / n).tolist())
        return Intervals(coverage, self._log_likelihood / n, tuple(self._by_noise()))

    def _by_noise(self) -> Iterator[NoiseQuarter]:
        edges = self._edges.tolist()
        for k, (low, high) in enumerate(pairwise(edges)):
            n = int(self._n[k])
            if n:
                yield NoiseQuarter(low, high, n, tuple((self._inside[:, k] / n).tolist()))


@dataclass(frozen=True, slots=True)
class OnScale:
    """How the probabilities of the scale's values stood the test.

    Args:
        log_probability: mean over ratings of the logarithm of the rating's probability, natural.
        rounded_normal: the same for a normal prediction that is rounded to the nearest value.
        coverage: shares of ratings inside the central intervals of LEVELS; a rating whose value
            lies across an end counts with the part of its probability that is inside (C. Czado,
            T. Gneiting, L. Held, Predictive model assessment for count data, Biometrics 65, 2009).
    """

    log_probability: float
    rounded_normal: float
    coverage: tuple[float, ...]


class ScaleCheck:
    """Adds up the log-probabilities of ratings, piece by piece."""

    def __init__(self, uncertainty: Uncertainty, scale: OrdinalScale) -> None:
        self._uncertainty, self._scale = uncertainty, scale
        self._rounded = rounded_normal(scale.values)
        self._sums, self._inside, self._n = np.zeros(2), np.zeros(len(LEVELS)), 0
        self._is_on_scale = True

    def add(self, user: Codes, item: Codes, value: FloatArray, predicted: FloatArray) -> None:
        """(k,) positions of users and items in the model, -1 where unknown, and ratings."""
        places = self._scale.places(value) if self._is_on_scale else None
        if places is None:
            self._is_on_scale = False
            return
        std, rows = self._uncertainty.of_ratings(user, item), np.arange(len(value))
        for which, scale in enumerate((self._scale, self._rounded)):
            cumulative = scale.cumulative(predicted, std)
            low, high = cumulative[rows, places], cumulative[rows, places + 1]
            probability = np.maximum(high - low, _LEAST_PROBABILITY)
            self._sums[which] += float(np.log(probability).sum())
            if scale is self._scale:
                for k, level in enumerate(LEVELS):
                    first, last = (1 - level) / 2, (1 + level) / 2
                    within = np.minimum(high, last) - np.maximum(low, first)
                    self._inside[k] += float((np.maximum(within, 0.0) / probability).sum())
        self._n += len(value)

    def result(self) -> OnScale | None:
        """Over all that were added; None where a rating is not on the scale."""
        if not self._is_on_scale:
            return None
        own, rounded = (self._sums / self._n).tolist()
        return OnScale(own, rounded, tuple((self._inside / self._n).tolist()))
