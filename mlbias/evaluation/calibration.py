"""Whether predictions mean what they say: by intervals around them, and on the rating scale."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np

from mlbias.core.ordinal import OrdinalScale, rounded_normal
from mlbias.core.ratings import Codes
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray

LEVELS = (0.5, 0.8, 0.9, 0.95)
_QUARTERS = 4
# Of a value that rounding leaves without any.
_LEAST_PROBABILITY = 1e-300


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
        self._n, self._log_density = np.zeros(_QUARTERS + 1), 0.0

    def tallied(self, user: Codes, item: Codes, errors: FloatArray) -> FloatArray:
        """Sums over (k,) ratings: their numbers by quarters, those inside each level, log density.

        Args:
            user: positions in the model, -1 where unknown.
            item: likewise.
            errors: of their predictions.
        """
        std = self._uncertainty.of_ratings(user, item)
        distance = np.abs(errors) / std
        n_groups = _QUARTERS + 1
        is_one = len(self._quarter) == 1
        quarter = np.zeros(len(user), np.int64) if is_one else self._quarter[user]
        log_density = -0.5 * distance * distance - np.log(std)
        return np.array([
            np.bincount(quarter, minlength=n_groups),
            *(np.bincount(quarter, distance <= reach, n_groups) for reach in self._reach),
            np.bincount(quarter, log_density, n_groups),
        ])  # fmt: skip

    def add(self, sums: FloatArray) -> None:
        """Count in what was tallied."""
        self._n += sums[0]
        self._inside += sums[1:-1]
        self._log_density += float(sums[-1].sum())

    def result(self) -> Intervals:
        """Over all that were added."""
        n = float(self._n.sum())
        coverage = tuple((self._inside.sum(axis=1) / n).tolist())
        log_likelihood = self._log_density / n - 0.5 * math.log(math.tau)
        return Intervals(coverage, log_likelihood, tuple(self._by_noise()))

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
        self._sums = np.zeros(3 + len(LEVELS))

    def tallied(
        self, user: Codes, item: Codes, value: FloatArray, predicted: FloatArray
    ) -> FloatArray:
        """Sums over (k,) ratings: numbers, log-probabilities of both kinds, those in each level.

        All are NaN if a rating is not on the scale.

        Args:
            user: positions in the model, -1 where unknown.
            item: likewise.
            value: what came.
            predicted: the predictions.
        """
        places = self._scale.places(value)
        if places is None:
            return np.full_like(self._sums, math.nan)
        std, rows = self._uncertainty.of_ratings(user, item), np.arange(len(value))
        sums = [float(len(value))]
        for scale in (self._rounded, self._scale):
            cumulative = scale.cumulative(predicted, std)
            low, high = cumulative[rows, places], cumulative[rows, places + 1]
            probability = np.maximum(high - low, _LEAST_PROBABILITY)
            sums.append(float(np.log(probability).sum()))
        for level in LEVELS:
            first, last = (1 - level) / 2, (1 + level) / 2
            within = np.minimum(high, last) - np.maximum(low, first)
            sums.append(float((np.maximum(within, 0.0) / probability).sum()))
        return np.array(sums)

    def add(self, sums: FloatArray) -> None:
        """Count in what was tallied."""
        self._sums += sums

    def result(self) -> OnScale | None:
        """Over all that were added; None where a rating is not on the scale."""
        if np.isnan(self._sums).any():
            return None
        rounded, own, *coverage = (self._sums[1:] / self._sums[0]).tolist()
        return OnScale(own, rounded, tuple(coverage))
